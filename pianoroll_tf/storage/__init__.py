"""Files and folders as every other package writes them: complete or not at all, locked, with checksums."""
