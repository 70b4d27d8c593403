"""An endpoint that serves a few services and refuses every other by name."""
