"""JSON that nests deeper than any reader follows is malformed JSON, whoever parses it.

A request's body may nest 500 levels, JSON texts inside it too (a definition, a policy, an input). Python would
answer deeper ones with RecursionError in whatever function comes to its limit first, a 500 to the caller.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

MOST_LEVELS = 500
# Functions that walk a document need up to five frames a level, besides those that they start from.
RECURSION_LIMIT = 5000

Response = tuple[int, dict[str, str], bytes]

_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)
_OPENING = (ord("["), ord("{"))
MESSAGE = f"The request nests JSON more than {MOST_LEVELS} levels deep"


@functools.cache
def install() -> None:
    """Makes a JSON text beyond the parser's own limit a JSONDecodeError everywhere in the endpoint's process."""
    sys.setrecursionlimit(RECURSION_LIMIT)
    replacements.apply(__name__)


@replaces("json:JSONDecoder.raw_decode", takes="self, s, idx")
def _bounded(inner: Callable[..., tuple[Any, int]]) -> Callable[..., tuple[Any, int]]:
    @functools.wraps(inner)
    def raw_decode(self: json.JSONDecoder, s: str, idx: int = 0) -> tuple[Any, int]:
        try:
            return inner(self, s, idx)
        except RecursionError:
            raise _too_deep(s) from None

    return raw_decode


def loads(text: str | bytes) -> Any:
    """json.loads; JSONDecodeError also for a text that nests more than MOST_LEVELS deep."""
    if nests_too_deep(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")):
        raise _too_deep(text if isinstance(text, str) else "")
    return json.loads(text)


def _too_deep(text: str) -> json.JSONDecodeError:
    return json.JSONDecodeError(f"More than {MOST_LEVELS} levels of nesting", text, 0)


def nests_too_deep(text: bytes) -> bool:
    """Whether a JSON text, or a JSON text in one of its strings, nests more than MOST_LEVELS deep."""
    if _openings(text) <= MOST_LEVELS:
        return False
    level = 0
    for match in _TOKENS.finditer(text):
        first = text[match.start()]
        if first == ord('"'):
            if _is_deep_text(match[0]):
                return True
            continue
        level += 1 if first in _OPENING else -1
        if level > MOST_LEVELS:
            return True
    return False


def _openings(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def _is_deep_text(quoted: bytes) -> bool:
    """A string's content is looked into where it begins as JSON does."""
    if _openings(quoted) <= MOST_LEVELS or not quoted[1:].lstrip(b" \\nrt").startswith((b"[", b"{")):
        return False
    return nests_too_deep(re.sub(rb"\\(.)", rb"\1", quoted[1:-1]))


def refusal(
    headers: Mapping[str, str], query: Mapping[str, Any], body: bytes, signing_name: str
) -> Response | None:
    """The answer to a request whose JSON nests too deep; but for bucket policies, S3 is given files."""
    if not body or (signing_name == "s3" and "policy" not in query):
        return None
    if "x-www-form-urlencoded" in headers.get("content-type", ""):
        values = (unquote_to_bytes(part.partition(b"=")[2]) for part in body.split(b"&"))
        return _xml(signing_name) if any(map(nests_too_deep, values)) else None
    starts = body[:64].lstrip().startswith((b"[", b"{"))
    if not starts or not nests_too_deep(body):
        return None
    return _s3() if signing_name == "s3" else _json(signing_name)


def _s3() -> Response:
    error = f"<Error><Code>MalformedPolicy</Code><Message>{escape(MESSAGE)}</Message></Error>"
    return 400, {"Content-Type": "application/xml"}, error.encode()


def _json(signing_name: str) -> Response:
    code = "InvalidRequestContentException" if signing_name == "lambda" else "SerializationException"
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    return 400, headers, json.dumps({"__type": code, "message": MESSAGE}).encode()


def _xml(signing_name: str) -> Response:
    code = "MalformedPolicyDocument" if signing_name in ("iam", "sts") else "ValidationError"
    error = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(MESSAGE)}</Message>"
    return (
        400,
        {"Content-Type": "text/xml"},
        f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode(),
    )
