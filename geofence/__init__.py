"""Zones and fixes become hits: who is how far inside what, and how sure that is."""
