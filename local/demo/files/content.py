"""A file's bytes, unpacked, and the encoding of its text."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import charset_normalizer

CHUNK = 1 << 20
SAMPLE = 1 << 18
# Besides Unicode: what Windows and older systems of Western Europe and Japan write.
LEGACY = ("cp932", "euc_jp", "cp1252")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TITLES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 (little endian)",
    "utf-16-be": "UTF-16 (big endian)",
    "utf-32": "UTF-32",
    "cp932": "Shift_JIS (cp932)",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "cp1252": "Windows-1252 (cp1252)",
    "latin_1": "ISO 8859-1 (latin-1)",
}


class Unreadable(ValueError):
    """A file that can't be read as its name says; the message has the cure."""


@dataclass(frozen=True)
class Content:
    """One stream of bytes, which can be opened again: a file, or a member of a zip archive."""

    name: str  # as the person named it; members after a colon
    open: Callable[[], IO[bytes]]
    member: str = ""  # of a zip archive


def contents(path: Path, *, name: str) -> list[Content]:
    """The streams in a file: one, or each member of a zip. Raises Unreadable, OSError."""
    with path.open("rb") as file:
        magic = file.read(6)
    if magic[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _members(path, name)
    for start, opener in _PACKED.items():
        if magic.startswith(start):
            return [Content(name, partial(opener, path))]
    packed = path.suffix.lower().lstrip(".")
    if packed in ("gz", "bz2", "xz", "zip"):
        raise Unreadable(f"its name ends in .{packed}, but it isn't packed so: rename it, or pack it again")
    return [Content(name, lambda: path.open("rb"))]


_PACKED: dict[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": gzip.open,  # type: ignore[dict-item]
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


# What a file begins with that is no table of text, and what to do with it.
_NO_TEXT = {
    b"PK\x03\x04": "it is an archive inside an archive: unpack it",
    b"\x1f\x8b": "it is a packed file inside an archive: unpack it",
    b"BZh": "it is a packed file inside an archive: unpack it",
    b"\xfd7zXZ\x00": "it is a packed file inside an archive: unpack it",
    b"PAR1": "it is Parquet: name it .parquet, outside an archive",
    b"\xd0\xcf\x11\xe0": "it is an old Excel workbook: save the sheet as CSV (UTF-8)",
    b"%PDF": "it is a PDF, not a table: export it as CSV",
    b"\x89PNG": "it is a picture, not a table: export it as CSV",
    b"SQLite format 3\x00": "it is a database of SQLite: export the table as CSV",
}
# ISO-2022-JP, as older mails and systems of Japan write: escapes between ASCII and the others, all of 7 bits.
_SHIFTS = re.compile(rb"\x1b\$[@B][!-~]+\x1b\([BJ]")


def _members(path: Path, name: str) -> list[Content]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if _is_data(info.filename)]
    except zipfile.BadZipFile as error:
        raise Unreadable(f"it is no zip archive that can be read ({error}): pack it again") from None
    if any(info.filename.startswith("xl/") for info in infos):
        raise Unreadable("it is an Excel workbook: save the sheet as CSV (UTF-8)")
    if any(info.flag_bits & 1 for info in infos):
        raise Unreadable("the archive has a password: unpack it")
    if not infos:
        raise Unreadable("the archive holds no file: pack it again")
    return [
        Content(
            name if len(infos) == 1 else f"{name}: {info.filename}",
            partial(_open_member, path, info),
            info.filename,
        )
        for info in sorted(infos, key=lambda info: info.filename)
    ]


def _is_data(member: str) -> bool:
    parts = member.split("/")
    return not member.endswith("/") and not any(part.startswith((".", "__MACOSX")) for part in parts)


def _open_member(path: Path, info: zipfile.ZipInfo) -> IO[bytes]:
    return zipfile.ZipFile(path).open(info)


@dataclass(frozen=True)
class Encoding:
    name: str
    example: str = ""  # decoded text beyond ASCII, where the encoding was guessed

    @property
    def title(self) -> str:
        return title(self.name)


def _check_text(head: bytes) -> None:
    """Refuses what is no table of text by its first bytes. Raises Unreadable."""
    for start, what in _NO_TEXT.items():
        if head.startswith(start):
            raise Unreadable(what)
    if re.search(rb"\A\s*<(?:!doctype|html|\?xml|table|rss|svg)\b", head, re.IGNORECASE):
        raise Unreadable("it is HTML or XML, not a table: export it as CSV")
    if head.count(0) > max(8, 0.01 * len(head)) and head.rstrip(b"\0").count(0):
        raise Unreadable("it holds zero bytes and is no text that is known: export it as CSV in UTF-8")


def detect(content: Content) -> Encoding:
    """The encoding of all of the text. Raises Unreadable where none fits.

    A byte order mark says it; else UTF-8 where every byte fits; else the one of LEGACY that decodes every byte
    and reads most like a language (charset-normalizer).
    """
    with content.open() as stream:
        head = stream.read(1 << 16)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name)
    wide = _utf16_without_mark(head)
    if wide:
        return Encoding(wide)
    _check_text(head)
    scan = _scan(content)
    if scan.utf8_error is None and _SHIFTS.search(head):
        return Encoding("iso2022_jp", _example(head.decode("iso2022_jp", errors="replace")))
    if scan.utf8_error is None:
        return Encoding("utf-8")
    if scan.utf8_lines > scan.other_lines:
        raise Unreadable(
            f"byte {scan.utf8_error:,} is not UTF-8, but most other text is: correct it there, or save the"
            " file as UTF-8"
        )
    return _legacy(content, scan.sample)


def _utf16_without_mark(head: bytes) -> str | None:
    """UTF-16 of text that is mostly ASCII has a zero in every second byte."""
    if len(head) < 4:
        return None
    half = len(head) // 2
    zeros = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if max(zeros) < 0.4 * half or min(zeros) > 0.1 * half:
        return None
    return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"


@dataclass
class _Scan:
    utf8_error: int | None  # position of the first byte that isn't UTF-8
    utf8_lines: int  # of the lines with bytes beyond ASCII
    other_lines: int
    sample: bytes  # the first of these lines


def _scan(content: Content) -> _Scan:
    scan = _Scan(None, 0, 0, b"")
    position, sample = 0, bytearray()
    for line in _lines(content):
        if not line.isascii():
            _look_at(scan, line, position)
            if len(sample) < SAMPLE:
                sample += line[:SAMPLE]
        position += len(line)
    scan.sample = bytes(sample)
    return scan


def _lines(content: Content) -> Iterator[bytes]:
    with content.open() as stream:
        yield from stream


def _look_at(scan: _Scan, line: bytes, position: int) -> None:
    try:
        line.decode("utf-8")
        scan.utf8_lines += 1
    except UnicodeDecodeError as error:
        scan.other_lines += 1
        if scan.utf8_error is None:
            scan.utf8_error = position + error.start


def _legacy(content: Content, sample: bytes) -> Encoding:
    fitting = _fitting(content)
    name = "latin_1"
    if len(fitting) == 1:
        name = fitting[0]
    elif fitting:
        found = charset_normalizer.from_bytes(
            sample, cp_isolation=list(fitting), threshold=0.5, enable_fallback=False
        ).best()
        name = found.encoding if found else fitting[0]
    return Encoding(name, _example(sample.decode(name, errors="replace")))


def _fitting(content: Content) -> tuple[str, ...]:
    """The encodings of LEGACY that decode every line."""
    names: tuple[str, ...] = LEGACY
    for line in _lines(content):
        if not line.isascii():
            names = tuple(name for name in names if _decodes(line, name))
    return names


def _decodes(line: bytes, name: str) -> bool:
    try:
        line.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _example(text: str) -> str:
    """The first word beyond ASCII, as far as its field goes."""
    found = re.search(r"[^,;|\t\r\n\"' ]*[^\x00-\x7f][^,;|\t\r\n\"' ]*", text)
    return found[0][:20] if found else ""


def text_lines(content: Content, encoding: str) -> io.TextIOWrapper:
    """The text with its line ends as they are. Reading raises UnicodeDecodeError."""
    return io.TextIOWrapper(content.open(), encoding=encoding, newline="")


def undecodable(content: Content, encoding: str) -> Unreadable:
    """Which byte of the file isn't text of the encoding."""
    decoder, position = codecs.getincrementaldecoder(encoding)(), 0
    with content.open() as stream:
        while chunk := stream.read(CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                position += error.start
                break
            position += len(chunk)
    return Unreadable(
        f"byte {position:,} is not {title(encoding)}: correct it, or give the file's encoding"
        " in mapping.yaml, such as `encoding: cp1252`"
    )


def title(encoding: str) -> str:
    """An encoding's name as people know it."""
    return _TITLES.get(encoding, encoding)
