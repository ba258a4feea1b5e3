"""Measurements of this package beside its peers; `python -m benchmarks.run` runs them and prints one table."""
