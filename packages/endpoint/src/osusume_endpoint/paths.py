"""Paths that are built from data (S3 keys, members of archives, names of resources, manifests) stay inside a folder.

Every such path is made by `inside`; tests/security/path_building.py finds others.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

NAME_BYTES = 255  # NAME_MAX of every common file system
PATH_BYTES = 4095  # PATH_MAX of Linux, without its closing null
_KEPT_BYTES = 200  # leaves room for what callers put around a name
ENCODED = "%"


class Outside(ValueError):
    """A name from data that can't become a path inside its folder."""


def inside(root: Path, *parts: str) -> Path:
    """`root` with the parts below it; a part may hold several names between slashes.

    Raises Outside for a part that is empty, absolute or longer than a file system holds, for `.`, `..`, null and
    backslash in it, and where a symbolic link leads out of `root`.
    """
    names = [name for part in parts for name in _names(part)]
    path = root.joinpath(*names)
    if len(os.fsencode(path)) > PATH_BYTES:
        raise Outside(f"{_shown('/'.join(parts))} makes a path of more than {PATH_BYTES} bytes: shorten it")
    if not path.resolve().is_relative_to(root.resolve()):
        raise Outside(f"{_shown('/'.join(parts))} leads out of {root} by a symbolic link: remove the link")
    return path


def write_whole(path: Path, text: str) -> None:
    """Writes the file so that it holds the text or what it held before, whenever the process is killed."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _names(part: str) -> list[str]:
    names = part.split("/")
    for name in names:
        problem = _problem(name)
        if problem:
            raise Outside(f"{_shown(part)} can't name a file: {problem}")
    return names


def _problem(name: str) -> str:
    if not name:
        return (
            "it is empty, absolute, or has an empty part: name each part, and begin and end without a slash"
        )
    if name in (".", ".."):
        return f"{name!r} is a place and no name: write the path without it"
    if "\0" in name or "\\" in name:
        return "it holds a null or a backslash: leave it out"
    if len(os.fsencode(name)) > NAME_BYTES:
        return f"a part has more than {NAME_BYTES} bytes: shorten it"
    return ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:100]}... ({len(text)} characters)")


def component(name: str) -> str:
    """One name for a file that holds what is called `name`, which may be anything; equal names only for equal ones.

    An ordinary name is itself, so that partitions and globs work. Another begins with `%` and is quoted or, where that
    is too long, digested.
    """
    if (
        "/" not in name
        and not _problem(name)
        and not name.startswith(ENCODED)
        and len(os.fsencode(name)) <= _KEPT_BYTES
    ):
        return name
    quoted = quote(os.fsencode(name), safe="").replace(".", "%2E")
    if len(quoted) >= _KEPT_BYTES:
        quoted = f"sha256-{hashlib.sha256(os.fsencode(name)).hexdigest()}"
    return f"{ENCODED}{quoted}"


def mirrored(key: str) -> str:
    """A key of S3 as a relative path: `a//../b` and other keys that are no paths get encoded names."""
    return "/".join(component(name) for name in key.split("/"))
