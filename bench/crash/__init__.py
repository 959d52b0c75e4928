"""Breaks a running system at known places while a seeded fleet sends, and counts what it lost, did twice or got wrong."""
