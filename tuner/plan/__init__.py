"""Plans: several studies that answer one question, fixed before the first run."""
