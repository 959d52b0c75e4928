"""The whole system as a stranger meets it: the command as a subprocess, real HTTP, a real database, real kills."""
