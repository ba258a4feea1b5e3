"""Sampling music from an exported model, and showing it."""
