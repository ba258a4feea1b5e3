"""HTTP: endpoints, request bodies, streams, guards and monitoring."""
