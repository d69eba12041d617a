"""Measurements: always of two things side by side, in one run, on one machine."""
