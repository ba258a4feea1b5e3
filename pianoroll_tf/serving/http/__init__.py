"""HTTP: fields and bodies of requests, endpoints, streams, guards and monitoring."""
