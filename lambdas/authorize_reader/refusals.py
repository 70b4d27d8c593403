"""Why nobody is let in."""

from __future__ import annotations


class TokenRefused(ValueError):
    """The token, or the header that should hold it, proves nothing; the message says why and quotes nothing of it."""


class KeysUnavailable(RuntimeError):
    """The issuer's keys can't be read, so that no token can be judged."""
