"""The clauses of COPY and UNLOAD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from osusume_endpoint.redshift.errors import InvalidRedshift, NotTranslatable
from osusume_endpoint.redshift.tokens import Token, closing, render, scan, solid, split, unquote

# Parameters without a value, with their meaning here.
_FLAGS = {
    "GZIP": ("compression", "gzip"),
    "BZIP2": ("compression", "bz2"),
    "ZSTD": ("compression", "zstd"),
    "TRUNCATECOLUMNS": ("truncate", True),
    "BLANKSASNULL": ("blanks_as_null", True),
    "EMPTYASNULL": ("empty_as_null", True),
    "TRIMBLANKS": ("trim_blanks", True),
    "IGNOREBLANKLINES": ("ignore_blank_lines", True),
    "FILLRECORD": ("fill_record", True),
    "ACCEPTINVCHARS": ("accept_invalid", True),
    "SERIALIZETOJSON": ("serialize", True),
    "MANIFEST": ("manifest", True),
    "HEADER": ("header", True),
    "ADDQUOTES": ("quotes", True),
    "ALLOWOVERWRITE": ("overwrite", True),
    "CLEANPATH": ("clean", True),
    "NOLOAD": ("no_load", True),
    "ACCEPTANYDATE": ("unsupported", "ACCEPTANYDATE"),
    "EXPLICIT_IDS": ("unsupported", "EXPLICIT_IDS"),
    "ESCAPE": ("unsupported", "ESCAPE"),
    "REMOVEQUOTES": ("unsupported", "REMOVEQUOTES"),
    "FIXEDWIDTH": ("unsupported", "FIXEDWIDTH"),
    "SSH": ("unsupported", "SSH"),
    "LZOP": ("unsupported", "LZOP"),
    "ENCRYPTED": ("unsupported", "ENCRYPTED"),
    "ROUNDEC": ("ignored", None),
}
# Parameters with a value.
_VALUES = {
    "DELIMITER": "delimiter",
    "QUOTE": "quote",
    "NULL": "null",
    "IGNOREHEADER": "ignore_header",
    "TIMEFORMAT": "time_format",
    "DATEFORMAT": "date_format",
    "MAXERROR": "max_error",
    "REGION": "region",
    "ENCODING": "encoding",
    "EXTENSION": "extension",
    "COMPUPDATE": "ignored",
    "STATUPDATE": "ignored",
    "COMPROWS": "ignored",
    "READRATIO": "ignored",
    "ROWGROUPSIZE": "ignored",
    "PARALLEL": "parallel",
}
_FORMATS = ("CSV", "JSON", "PARQUET", "TEXT")
_OTHER_FORMATS = ("ORC", "AVRO", "SHAPEFILE", "RCFILE", "SEQUENCEFILE")


@dataclass
class Options:
    format: str = "TEXT"
    role: str = ""  # an ARN, or "default"
    json_mode: str = "auto"
    values: dict[str, Any] = field(default_factory=dict)
    partitions: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)


@dataclass(frozen=True)
class Copy:
    table: str  # as written, quoted and qualified
    columns: list[str]
    source: str
    options: Options


@dataclass(frozen=True)
class Unload:
    query: str
    target: str
    options: Options


def parse_copy(sql: str) -> Copy:
    stream = solid(scan(sql))
    at = _find(stream, "FROM")
    head, tail = stream[1:at], stream[at + 1 :]
    columns: list[str] = []
    opening = next((i for i, token in enumerate(head) if token.text == "("), None)
    if opening is not None:
        inside = head[opening + 1 : closing(head, opening)]
        columns = [unquote(solid(part)[0]) for part in split(inside)]
        head = head[:opening]
    source = _location(tail, "COPY")
    return Copy(table=render(head), columns=columns, source=source, options=parse_options(tail[1:]))


def parse_unload(sql: str) -> Unload:
    stream = solid(scan(sql))
    if len(stream) < 6 or stream[1].text != "(" or stream[2].kind != "string":
        raise InvalidRedshift(
            "syntax error at or near \"unload\": UNLOAD ('query') TO 's3://...' is expected"
        )
    if stream[4].upper != "TO":
        raise InvalidRedshift(f'syntax error at or near "{stream[4].text}"')
    tail = stream[5:]
    query, options = unquote(stream[2]), parse_options(tail[1:])
    options.values.setdefault("parallel", "ON")
    return Unload(query=query, target=_location(tail, "UNLOAD"), options=options)


def _find(stream: Sequence[Token], word: str) -> int:
    for index, token in enumerate(stream):
        if token.upper == word:
            return index
    raise InvalidRedshift("syntax error at end of input")


def _location(tail: Sequence[Token], statement: str) -> str:
    if not tail or tail[0].kind != "string":
        raise InvalidRedshift(f'syntax error at or near "{tail[0].text if tail else statement.lower()}"')
    location = unquote(tail[0])
    if not location.startswith("s3://"):
        raise NotTranslatable(f"{statement} with {location.partition('://')[0]}:// (only s3:// is)")
    return location


def parse_options(stream: Sequence[Token]) -> Options:
    options = Options()
    index = 0
    while index < len(stream):
        index = _option(stream, index, options)
    if not options.role:
        raise InvalidRedshift("CREDENTIALS argument is required but not found")
    if options["unsupported"]:
        raise NotTranslatable(f"option {options['unsupported']} of COPY and UNLOAD")
    return options


def _option(stream: Sequence[Token], index: int, options: Options) -> int:
    """Consumes one option and returns the index after it."""
    word = stream[index].upper
    if word == "FORMAT":
        following = index + 1
        if stream[following].upper == "AS":
            following += 1
        return _format(stream, following, options)
    if word in _FORMATS or word in _OTHER_FORMATS:
        return _format(stream, index, options)
    if word == "IAM_ROLE":
        options.role = "default" if stream[index + 1].upper == "DEFAULT" else unquote(stream[index + 1])
        return index + 2
    if word == "CREDENTIALS":
        return _credentials(stream, index + 1, options)
    if word == "PARTITION":
        return _partition(stream, index, options)
    if word in _FLAGS:
        name, value = _FLAGS[word]
        options.values[name] = value
        return index + 1
    if word in _VALUES:
        return _value(stream, index, options)
    raise InvalidRedshift(f'syntax error at or near "{stream[index].text}"')


def _format(stream: Sequence[Token], index: int, options: Options) -> int:
    word = stream[index].upper
    if word not in _FORMATS:
        raise NotTranslatable(f"FORMAT {word or stream[index].text}")
    options.format = word
    index += 1
    if word != "JSON":
        return index
    if index < len(stream) and stream[index].upper == "AS":
        index += 1
    if index < len(stream) and stream[index].kind == "string":
        options.json_mode = unquote(stream[index])
        index += 1
    if options.json_mode not in ("auto", "auto ignorecase"):
        raise NotTranslatable(f"JSON '{options.json_mode}' (only 'auto' and 'auto ignorecase' are)")
    return index


def _credentials(stream: Sequence[Token], index: int, options: Options) -> int:
    text = unquote(stream[index])
    if not text.startswith("aws_iam_role="):
        raise NotTranslatable("CREDENTIALS with access keys: use IAM_ROLE")
    options.role = text.removeprefix("aws_iam_role=")
    return index + 1


def _partition(stream: Sequence[Token], index: int, options: Options) -> int:
    opening = index + 2
    end = closing(stream, opening)
    options.partitions = [unquote(solid(part)[0]) for part in split(stream[opening + 1 : end])]
    if end + 1 < len(stream) and stream[end + 1].upper == "INCLUDE":
        raise NotTranslatable("PARTITION BY ... INCLUDE")
    return end + 1


def _value(stream: Sequence[Token], index: int, options: Options) -> int:
    name = _VALUES[stream[index].upper]
    index += 1
    if index < len(stream) and stream[index].upper == "AS":
        index += 1
    if index >= len(stream):
        raise InvalidRedshift("syntax error at end of input")
    token = stream[index]
    options.values[name] = int(token.text) if token.kind == "number" else unquote(token)
    return index + 1
