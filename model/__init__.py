"""The words every part of Cordon shares: records, dtypes and errors, of the standard library and NumPy only."""
