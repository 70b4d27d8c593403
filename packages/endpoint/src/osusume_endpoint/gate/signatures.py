"""Signature Version 4: what a request claims, and whether its signature bears that out.

Sources: IAM User Guide "Create a signed AWS API request" and "Troubleshoot Signature Version 4"; Amazon S3 API
Reference "Authenticating requests" (headers, query parameters, chunked uploads with and without trailers).
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote

from osusume_endpoint.gate.incoming import Incoming

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_WITH_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_S3 = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts"})
_EMPTY = hashlib.sha256(b"").hexdigest()
_QUERY_NAMES = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature")
_QUERY_MARKS = frozenset(name.lower() for name in _QUERY_NAMES) - {"x-amz-date"}
# Every other header of AWS's must be signed. A token is compared with the session's own, signed or not.
_MAY_BE_UNSIGNED = frozenset({"x-amz-security-token"})
_WEEK = 604_800  # seconds, the longest X-Amz-Expires
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)


class Refused(Exception):
    """The request is nobody's. `code` is the failure's name in ministack's table of failures for each protocol."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Claim:
    """Who a request says that it is from, for what, and since when."""

    access_key: str
    day: str  # YYYYMMDD of the credential scope
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    amz_date: str  # YYYYMMDDTHHMMSSZ
    token: str
    presigned: bool = False
    expires: int | None = None  # seconds, of a presigned URL

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def claim_of(request: Incoming) -> Claim | None:
    """What the request claims; None when it carries no credentials of AWS's. Raises Refused."""
    authorization = request.headers.get("authorization", "")
    marks = {name.lower() for name in request.query} & _QUERY_MARKS
    if "AWSAccessKeyId" in request.query or authorization.startswith("AWS "):
        raise _unsupported("Signature Version 2")
    if not authorization.startswith("AWS4-"):
        return _query_claim(request) if marks else None
    if marks or request.count("authorization") > 1:
        raise Refused("IncompleteSignature", "Only one authentication mechanism is allowed in a request.")
    return _header_claim(request, authorization)


def _unsupported(what: str) -> Refused:
    return Refused("UnsupportedSignature", f"{what} is not supported: please use {ALGORITHM}.")


def _header_claim(request: Incoming, authorization: str) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _unsupported(algorithm)
    pairs = [part.strip().partition("=")[::2] for part in rest.split(",")]
    fields = dict(pairs)
    if sorted(name for name, _ in pairs) != ["Credential", "Signature", "SignedHeaders"]:
        raise Refused(
            "IncompleteSignature",
            "Authorization header requires 'Credential' parameter, 'Signature' parameter and 'SignedHeaders' "
            f"parameter, once each. Authorization={_digest(authorization)}",
        )
    return _claim(
        credential=fields["Credential"],
        signed_headers=fields["SignedHeaders"],
        signature=fields["Signature"],
        amz_date=_date(request),
        token=request.headers.get("x-amz-security-token", ""),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _date(request: Incoming) -> str:
    """X-Amz-Date, or Date written in its way."""
    if given := request.headers.get("x-amz-date"):
        return given
    try:
        moment = parsedate_to_datetime(request.headers.get("date", ""))
    except (TypeError, ValueError):
        raise Refused(
            "IncompleteSignature",
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ) from None
    return moment.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def _query_claim(request: Incoming) -> Claim:
    query = request.query
    missing = [name for name in _QUERY_NAMES if len(query.get(name, [])) != 1 or not query[name][0]]
    if missing:
        raise Refused(
            "IncompleteSignature",
            " ".join(f"AWS query-string parameters must include '{name}' once." for name in missing),
        )
    if query["X-Amz-Algorithm"][0] != ALGORITHM:
        raise _unsupported(query["X-Amz-Algorithm"][0])
    tokens = query.get("X-Amz-Security-Token", [""])
    return _claim(
        credential=query["X-Amz-Credential"][0],
        signed_headers=query["X-Amz-SignedHeaders"][0],
        signature=query["X-Amz-Signature"][0],
        amz_date=query["X-Amz-Date"][0],
        token=tokens[0] if len(tokens) == 1 else "",
        presigned=True,
        expires=_expires(query.get("X-Amz-Expires")),
    )


def _expires(values: list[str] | None) -> int | None:
    if values is None:
        return None
    if len(values) != 1 or not re.fullmatch(r"[0-9]{1,6}", values[0]) or int(values[0]) > _WEEK:
        raise Refused("IncompleteSignature", f"X-Amz-Expires must be a number from 0 to {_WEEK} (seconds).")
    return int(values[0])


def _claim(
    *,
    credential: str,
    signed_headers: str,
    signature: str,
    amz_date: str,
    token: str,
    presigned: bool = False,
    expires: int | None = None,
) -> Claim:
    parts = credential.split("/")
    if len(parts) != 5 or not all(parts) or parts[4] != "aws4_request":
        raise Refused(
            "IncompleteSignature",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential[:200]}'",
        )
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", amz_date):
        raise Refused(
            "IncompleteSignature", f"Date must be in ISO-8601 'basic format'. Got '{amz_date[:40]}'."
        )
    key, day, region, service, _ = parts
    names = tuple(signed_headers.split(";"))
    return Claim(key, day, region, service, names, signature, amz_date, token, presigned, expires)


def verify(claim: Claim, request: Incoming, *, secret: str, now: dt.datetime) -> None:
    """Raises Refused unless the signature is the secret's, of this very request, and of now."""
    _check_time(claim, now=now)
    _check_signed_headers(claim, request)
    payload = _payload_hash(claim, request)
    key = _signing_key(claim.access_key, secret, claim.day, claim.region, claim.service)
    expected = _hmac(key, string_to_sign(claim, canonical_request(claim, request, payload=payload))).hex()
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise Refused("SignatureDoesNotMatch", MISMATCH)
    if payload in (SIGNED_CHUNKS, SIGNED_CHUNKS_WITH_TRAILER):
        trailer = payload == SIGNED_CHUNKS_WITH_TRAILER
        _check_chunks(_Chain(claim, key, expected), request.body, trailer=trailer)


def _check_time(claim: Claim, *, now: dt.datetime) -> None:
    if claim.day != claim.amz_date[:8]:
        raise Refused(
            "CredentialDateMismatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP. "
            f"'{claim.day[:20]}' != '{claim.amz_date[:8]}', from '{claim.amz_date}'.",
        )
    try:
        signed_at = dt.datetime.strptime(claim.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise Refused("IncompleteSignature", f"'{claim.amz_date}' is no date.") from None
    if claim.presigned and claim.service in _S3 and claim.expires is None:
        raise Refused("IncompleteSignature", "AWS query-string parameters must include 'X-Amz-Expires'.")
    # STS takes its presigned URLs for 15 minutes whatever they say (aws-iam-authenticator's README).
    ends = claim.expires is not None and claim.service != "sts"
    if ends and now > signed_at + dt.timedelta(seconds=claim.expires or 0):
        raise Refused("RequestExpired", "Request has expired")
    if not (claim.presigned and claim.service in _S3 and signed_at <= now):
        _check_skew(claim, now=now)


def _check_skew(claim: Claim, *, now: dt.datetime) -> None:
    """5 or 15 minutes, as the service has it."""
    from ministack.core import sigv4

    skewed = sigv4.request_time_failure(claim, now=now)
    if skewed:
        raise Refused(*skewed)


def _check_signed_headers(claim: Claim, request: Incoming) -> None:
    signed = set(claim.signed_headers)
    if "host" not in signed:
        raise Refused("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    absent = sorted(signed - set(request.headers))
    if absent or len(signed) != len(claim.signed_headers):
        raise Refused(
            "SignatureDoesNotMatch", f"Signed headers that the request lacks: {', '.join(absent)}. {MISMATCH}"
        )
    unsigned = sorted(
        n for n in request.headers if n.startswith("x-amz-") and n not in signed | _MAY_BE_UNSIGNED
    )
    if unsigned:
        raise Refused(
            "SignatureDoesNotMatch",
            f"There were headers present in the request which were not signed: {', '.join(unsigned)}",
        )


def _payload_hash(claim: Claim, request: Incoming) -> str:
    """The body's line of the canonical request: a hash that is the body's own, or one of S3's markers."""
    actual = hashlib.sha256(request.body).hexdigest()
    if claim.presigned and claim.service in _S3:
        given = request.query.get("X-Amz-Content-Sha256", [UNSIGNED_PAYLOAD])[0]
        if "x-amz-content-sha256" in request.headers:  # signed: _check_signed_headers saw to that
            given = request.headers["x-amz-content-sha256"]
    else:
        given = request.headers.get("x-amz-content-sha256", actual)
    markers = (UNSIGNED_PAYLOAD, UNSIGNED_CHUNKS, SIGNED_CHUNKS, SIGNED_CHUNKS_WITH_TRAILER)
    if given == actual or (claim.service in _S3 and given in markers):
        return given
    if claim.service in _S3:
        raise Refused(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    raise Refused("SignatureDoesNotMatch", MISMATCH)


def canonical_request(claim: Claim, request: Incoming, *, payload: str) -> str:
    headers = "".join(f"{name}:{_header_value(request, name)}\n" for name in claim.signed_headers)
    path = request.raw_path if claim.service in _S3 else quote(_without_dots(request.raw_path), safe="/-_.~")
    parts = (request.method, path, _canonical_query(request, claim), headers)
    return "\n".join((*parts, ";".join(claim.signed_headers), payload))


def _header_value(request: Incoming, name: str) -> str:
    return ",".join(" ".join(value.split()) for each, value in request.lines if each == name)


def _canonical_query(request: Incoming, claim: Claim) -> str:
    """Decoded as ministack decodes it and encoded again: what is signed is what is served."""
    pairs = parse_qsl(request.raw_query, keep_blank_values=True)
    left_out = "X-Amz-Signature" if claim.presigned else ""
    encoded = sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in pairs if n != left_out)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4; repeated slashes count as one."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if path.endswith("/") and kept else "")


def string_to_sign(claim: Claim, canonical: str) -> str:
    return "\n".join((ALGORITHM, claim.amz_date, claim.scope, _digest(canonical)))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


@functools.lru_cache(maxsize=512)
def _signing_key(access_key: str, secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


@dataclass
class _Chain:
    """Signatures of an upload in chunks: each signs the one before it."""

    claim: Claim
    key: bytes
    previous: str

    def check(self, kind: str, *hashes: str, given: str) -> None:
        text = "\n".join(
            (f"{ALGORITHM}-{kind}", self.claim.amz_date, self.claim.scope, self.previous, *hashes)
        )
        self.previous = _hmac(self.key, text).hex()
        if not hmac.compare_digest(self.previous.encode(), given.encode()):
            raise Refused("SignatureDoesNotMatch", MISMATCH)


def _check_chunks(chain: _Chain, body: bytes, *, trailer: bool) -> None:
    rest = 0
    for chunk, signature, end in _chunks(body):
        chain.check("PAYLOAD", _EMPTY, hashlib.sha256(chunk).hexdigest(), given=signature)
        rest = end
    if trailer:
        text, _, given = body[rest:].decode("utf-8", "replace").strip().rpartition("x-amz-trailer-signature:")
        lines = "".join(f"{line.strip()}\n" for line in text.split("\r\n") if line.strip())
        chain.check("TRAILER", _digest(lines), given=given.strip())
    elif body[rest:].strip():
        raise Refused("SignatureDoesNotMatch", MISMATCH)


def _chunks(body: bytes) -> Iterator[tuple[bytes, str, int]]:
    """(chunk, its signature, where what follows it begins), the empty chunk at the end included."""
    place = 0
    while True:
        end = body.find(b"\r\n", place)
        header = re.fullmatch(
            rb"([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})", body[place : max(end, place)]
        )
        if header is None:
            raise Refused("SignatureDoesNotMatch", MISMATCH)
        size = int(header[1], 16)
        place = end + 2 + size
        yield body[end + 2 : place], header[2].decode(), place
        if size == 0:
            return
        place += 2
