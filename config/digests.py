"""Short names for contents: what has another content has another name."""

from __future__ import annotations

import hashlib
import json

LENGTH = 8  # hexadecimal digits: names are short, and an environment has few contents


def digest(content: object) -> str:
    """Of what JSON says of `content`, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
