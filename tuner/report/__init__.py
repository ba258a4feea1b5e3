"""Reports of searches and studies."""
