"""What `import pianoroll_tf` offers to programs and notebooks: records, runs, exported models, pieces."""
