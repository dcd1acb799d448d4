"""Management commands: thin, every one a face of a service."""
