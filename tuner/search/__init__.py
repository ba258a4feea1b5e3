"""The search: which settings are best on these records."""
