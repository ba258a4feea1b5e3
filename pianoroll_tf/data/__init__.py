"""From MIDI files to batches of piano-rolls."""
