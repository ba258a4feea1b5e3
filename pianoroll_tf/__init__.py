"""Train a polyphonic music model on your own MIDI files and generate music with it."""

__version__ = "0.1.0"
