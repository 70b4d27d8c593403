"""Short names for contents: what has another content has another name."""

from __future__ import annotations

import hashlib
import json

LENGTH = 8  # hexadecimal digits: names are short, and an environment has few contents


def digest(content: object) -> str:
    """Hexadecimal digits that any other content changes; the order of keys doesn't."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
