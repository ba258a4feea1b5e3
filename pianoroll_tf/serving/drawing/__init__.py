"""Drawing music for many requests at once; nothing here knows about HTTP."""
