"""The key of the endpoint's administrator (the account's root): random, new at each start, in a file of its own.

Whoever reads <home>/administrator.json is the administrator, so nobody but the user who started the endpoint can.
Importable without ministack.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple

FILE = "administrator.json"
_MODE = 0o600


class NoAdministrator(RuntimeError):
    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} holds no key of an administrator: start an endpoint with `make up`")


class Key(NamedTuple):
    access_key: str
    secret_key: str


def path(home: Path) -> Path:
    return home / FILE


def create(home: Path) -> Key:
    """Makes a key and leaves it in the state folder, in place of the one before."""
    key = Key(
        "AKIA" + base64.b32encode(secrets.token_bytes(10)).decode(),
        base64.b64encode(secrets.token_bytes(30)).decode(),
    )
    _write(path(home), json.dumps(key._asdict()))
    return key


def _write(file: Path, text: str) -> None:
    """The file has its mode from its first moment, and its name once it is complete."""
    temporary = file.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    # O_EXCL: a file that somebody else put there in between is not written to.
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE), "w") as opened:
        opened.write(text + "\n")
    temporary.replace(file)


def read(home: Path) -> Key:
    """Raises NoAdministrator."""
    try:
        stored = json.loads(path(home).read_text())
        return Key(stored["access_key"], stored["secret_key"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NoAdministrator(path(home)) from None
