"""What this runtime writes is for its own user alone: umask 077, and state folders of mode 0700."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

UMASK = 0o077
_OTHERS = 0o077


class NotPrivate(RuntimeError):
    """A folder can't be kept for this user alone; the message names the cure."""


def close_to_others() -> None:
    """This process and its children create files that only their user can read from here on."""
    os.umask(UMASK)


def secure(folder: Path) -> Path:
    """Make the state folder, or take the rights of others from it and from all that lies in it.

    Raises NotPrivate for a folder that other things live in (a home directory, /tmp, a checkout) and for
    one that belongs to somebody else.
    """
    close_to_others()
    _refuse_shared(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The outermost folder first: from then on nobody can look at what is still open below it.
    for path in (folder, *_below(folder)):
        _tighten(path)
    return folder


def _refuse_shared(folder: Path) -> None:
    taken = (Path.home(), Path(__file__).parents[1])
    above = any(place.resolve().is_relative_to(folder) for place in taken)
    # A fork's packages may be installed elsewhere, so that its checkout is above none of the places.
    if above or (folder / ".git").exists() or (folder.is_dir() and folder.stat().st_mode & stat.S_ISVTX):
        raise NotPrivate(
            f"OSUSUME_HOME={folder} holds other things too: name a folder that nothing else is kept in"
        )
    if folder.exists() and not folder.is_dir():
        raise NotPrivate(f"OSUSUME_HOME={folder} is not a folder: name another one")


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


def _tighten(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
        if mode & _OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
    except FileNotFoundError:
        return  # removed meanwhile
    except PermissionError:
        raise NotPrivate(
            f"{path} can be read by others and belongs to user {path.lstat().st_uid}: give it to the user who "
            "runs this, or set OSUSUME_HOME to another folder"
        ) from None
