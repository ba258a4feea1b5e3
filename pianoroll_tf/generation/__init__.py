"""Sampling, export, calibration, and comparison of generated music with real music."""
