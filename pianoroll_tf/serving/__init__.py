"""Serving: a model folder over HTTP, with requests drawn together."""
