"""What is wrong with a JSONPath, or with the document that it is read in."""

from __future__ import annotations


class PathSyntaxError(ValueError):
    """The text is no JSONPath; the message names it and the position."""


class PathNotFound(LookupError):
    """A definite path leads nowhere in this document."""
