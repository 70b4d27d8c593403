"""A password as PostgreSQL keeps it, so that no statement and no log of statements holds the password."""

from __future__ import annotations

import base64
import hashlib
import hmac

ITERATIONS = 4096
SALT_BYTES = 16


def scram(password: str, *, salt: bytes) -> str:
    """`SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>` (RFC 5803), which CREATE ROLE takes as it is."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
