"""Calibrates sampling: finds the governor and the shaping tables of a model from its own music."""
