"""Files and folders that other parts of the package write: whole, locked, with checksums."""
