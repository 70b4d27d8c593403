"""Figures of what can't be shown by one example: commands, and the page that keeps what they said."""
