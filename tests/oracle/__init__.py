"""Slow, plain answers to compare Cordon's with: shapely, geographiclib and Python. Imports neither geofence nor alerts."""
