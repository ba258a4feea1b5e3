"""Facts about music, and comparisons of generated music with real music."""
