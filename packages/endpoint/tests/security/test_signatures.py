"""Signatures of botocore's own signers hold; the same requests with one part changed do not."""

from __future__ import annotations

import io
import json
import urllib.parse
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.auth
import hypothesis.strategies as st
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as SigningCredentials
from hypothesis import example, given, settings

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.gate import signatures
from osusume_endpoint.gate.incoming import Incoming
from osusume_endpoint.gate.signatures import Refused
from osusume_endpoint.testing.raw import Answer, clock, lines, send, sign
from osusume_endpoint.testing.running import allow, error_of, make_role, session_of
from osusume_endpoint.testing.security import SECRET, SECRET_BUCKET

KEY, SECRET_KEY, HOST = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "127.0.0.1:4566"
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
SIGNERS = [
    (SigV4Auth, "dynamodb", {}),
    (S3SigV4Auth, "s3", {}),
    (SigV4QueryAuth, "sts", {"expires": 60}),
    (S3SigV4QueryAuth, "s3", {"expires": 60}),
]


def incoming(signed: AWSRequest) -> Incoming:
    """What arrives when botocore's request is sent as it is."""
    prepared = signed.prepare()
    parts = urllib.parse.urlsplit(prepared.url)
    headers = {"host": HOST, **{k.lower(): v for k, v in prepared.headers.items()}}
    return Incoming(
        method=prepared.method,
        path=urllib.parse.unquote(parts.path),
        raw_path=parts.path,
        raw_query=parts.query,
        lines=tuple((k, v.decode() if isinstance(v, bytes) else str(v)) for k, v in headers.items()),
        body=prepared.body.read() if hasattr(prepared.body, "read") else (prepared.body or b""),
    )


def holds(request: Incoming, *, secret: str = SECRET_KEY, now: datetime | None = None) -> bool:
    try:
        claim = signatures.claim_of(request)
        assert claim is not None
        signatures.verify(claim, request, secret=secret, now=now or datetime.now(UTC))
    except Refused:
        return False
    return True


def signed_by(signer: Any, service: str, options: dict[str, Any], **parts: Any) -> Incoming:
    target = urllib.parse.quote("/" + parts.get("path", ""), safe="/~")
    query = urllib.parse.urlencode(parts.get("query", {}), quote_via=urllib.parse.quote)
    request = AWSRequest(
        method=parts.get("method", "POST"),
        url=f"http://{HOST}{target}" + (f"?{query}" if query else ""),
        data=parts.get("body", b""),
        headers=parts.get("headers", {}),
    )
    signer(SigningCredentials(KEY, SECRET_KEY, parts.get("token")), service, "eu-west-1", **options).add_auth(
        request
    )
    return incoming(request)


@pytest.mark.parametrize(
    ("signer", "service", "options"), SIGNERS, ids=lambda v: getattr(v, "__name__", None)
)
@given(
    path=TEXT,
    query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3),
    body=st.binary(max_size=40),
    token=st.one_of(st.none(), st.just("t+/=")),
    value=st.text("ab c", max_size=8),
)
@example(
    path="a//b/../c/./d ",
    query={"a b": "c+d/&=ü", "A": "", "a": "~*'()"},
    body=b"",
    token=None,
    value=" a  b ",
)
@settings(max_examples=60)
def test_what_botocore_signs_holds(signer: Any, service: str, options: dict[str, Any], **parts: Any) -> None:
    value = parts.pop("value")
    if options:
        parts["body"] = b""  # botocore's signers of URLs move the body into the query
    request = signed_by(signer, service, options, headers={"X-Amz-Meta-Value": value or "v"}, **parts)
    assert holds(request)
    assert not holds(request, secret=SECRET_KEY[:-1] + "Z")


def _changed(request: Incoming, name: str, change: Callable[[str], str]) -> Incoming:
    return replace(request, lines=tuple((n, change(v) if n == name else v) for n, v in request.lines))


def _other(text: str, place: int) -> str:
    place %= len(text)
    return text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]


HEADER_CHANGES: dict[str, Callable[[Incoming, int], Incoming]] = {
    "method": lambda r, n: replace(r, method="PUT"),
    "path": lambda r, n: replace(r, raw_path=r.raw_path + "x", path=r.path + "x"),
    "query": lambda r, n: replace(r, raw_query=r.raw_query + "&more=1"),
    "body": lambda r, n: replace(r, body=r.body + b"x"),
    "no body": lambda r, n: replace(r, body=b""),
    "host": lambda r, n: _changed(r, "host", lambda v: "localhost:4566"),
    "date": lambda r, n: _changed(r, "x-amz-date", lambda v: v[:-2] + ("1Z" if v[-2] != "1" else "2Z")),
    "target": lambda r, n: _changed(r, "x-amz-target", lambda v: "DynamoDB_20120810.DeleteTable"),
    "added header": lambda r, n: replace(r, lines=(*r.lines, ("x-amz-more", "1"))),
    "repeated header": lambda r, n: replace(r, lines=(*r.lines, ("x-amz-target", "other"))),
    "lost header": lambda r, n: replace(r, lines=tuple(x for x in r.lines if x[0] != "x-amz-target")),
    "signature": lambda r, n: _changed(r, "authorization", lambda v: v[:-64] + _other(v[-64:], n)),
    "truncated": lambda r, n: _changed(r, "authorization", lambda v: v[: n % (len(v) - 1)] or "AWS4-"),
    "unsigned host": lambda r, n: _changed(r, "authorization", lambda v: v.replace("=host;", "=")),
    "key": lambda r, n: _changed(r, "authorization", lambda v: v.replace("eu-west-1", "us-east-1")),
    "service": lambda r, n: _changed(r, "authorization", lambda v: v.replace("/dynamodb/", "/iam/")),
    "term": lambda r, n: _changed(r, "authorization", lambda v: v.replace("aws4_request", "aws4")),
    "day": lambda r, n: _changed(
        r, "authorization", lambda v: v.replace(f"{datetime.now(UTC):%Y%m%d}", "20200101")
    ),
    "algorithm": lambda r, n: _changed(r, "authorization", lambda v: v.replace("SHA256 ", "SHA1 ", 1)),
    "twice": lambda r, n: replace(r, lines=(*r.lines, next(x for x in r.lines if x[0] == "authorization"))),
}


@pytest.mark.parametrize("change", HEADER_CHANGES)
@given(place=st.integers(0, 500))
@settings(max_examples=25, deadline=None)
def test_a_signed_request_with_one_part_changed_does_not_hold(change: str, place: int) -> None:
    request = signed_by(
        SigV4Auth,
        "dynamodb",
        {},
        path="a/b",
        query={"q": "1"},
        body=b'{"TableName": "mine"}',
        headers={"X-Amz-Target": "DynamoDB_20120810.ListTables"},
    )
    assert holds(request)
    try:
        assert not holds(HEADER_CHANGES[change](request, place))
    except AssertionError:
        # An Authorization cut down to its scheme's name claims nothing: it is an unsigned request.
        assert change == "truncated" and signatures.claim_of(HEADER_CHANGES[change](request, place)) is None


QUERY_CHANGES: dict[str, Callable[[str], str]] = {
    "expires": lambda q: q.replace("X-Amz-Expires=60", "X-Amz-Expires=604800"),
    "too long": lambda q: q.replace("X-Amz-Expires=60", "X-Amz-Expires=604801"),
    "no number": lambda q: q.replace("X-Amz-Expires=60", "X-Amz-Expires=-1"),
    "no expiry": lambda q: q.replace("&X-Amz-Expires=60", ""),
    "signature": lambda q: q[:-1] + ("0" if q[-1] != "0" else "1"),
    "no signature": lambda q: q.partition("&X-Amz-Signature")[0],
    "signature twice": lambda q: q + "&X-Amz-Signature=" + "0" * 64,
    "credential twice": lambda q: q + "&X-Amz-Credential=111111111111%2F20260101%2Fr%2Fs3%2Faws4_request",
    "lower case": lambda q: q.replace("X-Amz-Credential", "x-amz-credential"),
    "no headers": lambda q: q.replace("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
    "more": lambda q: q + "&response-content-type=text/html",
    "algorithm": lambda q: q.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    "date": lambda q: q.replace("T", "T0", 1),
}


@pytest.mark.parametrize("change", QUERY_CHANGES)
def test_a_presigned_url_with_one_part_changed_does_not_hold(change: str) -> None:
    request = signed_by(S3SigV4QueryAuth, "s3", {"expires": 60}, method="GET", path="bucket/key")
    assert holds(request)
    changed = replace(request, raw_query=QUERY_CHANGES[change](request.raw_query))
    assert changed.raw_query != request.raw_query
    assert not holds(changed)


@pytest.mark.parametrize(
    ("service", "minutes", "expected"),
    [
        ("dynamodb", 0, True),
        ("dynamodb", 14, True),
        ("dynamodb", 16, False),
        ("lambda", 4, True),
        ("lambda", 6, False),
        ("s3", 14, True),
        ("s3", 16, False),
        ("lambda", -6, False),
    ],
)
def test_a_signature_ages_as_its_service_says(service: str, minutes: int, expected: bool) -> None:
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    request = signed_by(signer, service, {}, body=b"x")
    assert holds(request, now=datetime.now(UTC) + timedelta(minutes=minutes)) is expected


def test_a_presigned_url_ends_when_it_says() -> None:
    request = signed_by(S3SigV4QueryAuth, "s3", {"expires": 3600}, method="GET", path="bucket/key")
    moment = datetime.now(UTC)
    assert holds(request, now=moment + timedelta(seconds=3590))
    assert not holds(request, now=moment + timedelta(seconds=3610))
    assert not holds(request, now=moment - timedelta(hours=1))


# ---- through the endpoint ------------------------------------------------------------------------------------


def listing(cloud: Endpoint, **signing: Any) -> Answer:
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}
    signed = sign(
        cloud, signing.pop("service", "dynamodb"), "POST", "/", headers=headers, body=b"{}", **signing
    )
    return send(cloud, "POST", "/", headers=lines(signed, cloud), body=b"{}")


def code_of(answer: Answer) -> str:
    return str(json.loads(answer.body)["__type"])


def test_a_request_of_an_hour_ago_is_refused(cloud: Endpoint) -> None:
    assert listing(cloud).status == 200
    with clock(datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)):
        answer = listing(cloud)
    assert (answer.status, code_of(answer)) == (400, "InvalidSignatureException")
    assert "Signature expired" in answer.text


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-2", "x"])
def test_a_scope_of_another_region_is_refused(cloud: Endpoint, region: str) -> None:
    answer = listing(cloud, region=region)
    assert (answer.status, code_of(answer)) == (400, "InvalidSignatureException")
    assert f"Credential should be scoped to a valid region, not '{region}'" in answer.text


@pytest.mark.parametrize("service", ["s3", "iam", "sts", "lambda", "execute-api", "osusume", "nothing"])
def test_a_scope_of_another_service_is_refused(cloud: Endpoint, service: str) -> None:
    answer = listing(cloud, service=service)
    assert (answer.status, code_of(answer)) == (400, "InvalidSignatureException")
    assert "Credential should be scoped to correct service: 'dynamodb'" in answer.text


@pytest.mark.parametrize("service", ["scheduler", "dynamodb", "s3"])
def test_our_own_routes_want_their_own_scope(cloud: Endpoint, service: str) -> None:
    assert (
        send(
            cloud,
            "GET",
            "/_osusume/faults",
            headers=dict(sign(cloud, "osusume", "GET", "/_osusume/faults").headers),
        ).status
        == 200
    )
    signed = sign(cloud, service, "GET", "/_osusume/faults")
    assert send(cloud, "GET", "/_osusume/faults", headers=dict(signed.headers)).status == 403


def test_global_services_are_signed_for_us_east_1_too(cloud: Endpoint) -> None:
    body = b"Action=ListRoles&Version=2010-05-08"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for region, status in (("us-east-1", 200), (cloud.region, 200), ("us-west-2", 403)):
        signed = sign(cloud, "iam", "POST", "/", headers=form, body=body, region=region)
        assert send(cloud, "POST", "/", headers=dict(signed.headers), body=body).status == status


def test_s3_names_the_region_that_it_expects(cloud: Endpoint) -> None:
    signed = sign(cloud, "s3", "GET", f"/{SECRET_BUCKET}/secret", region="us-east-1", signer=S3SigV4Auth)
    answer = send(cloud, "GET", f"/{SECRET_BUCKET}/secret", headers=dict(signed.headers))
    assert answer.status == 400 and SECRET not in answer.body
    assert "<Code>AuthorizationHeaderMalformed</Code>" in answer.text
    assert f"the region 'us-east-1' is wrong; expecting '{cloud.region}'" in answer.text


def test_a_sessions_token_must_be_its_own(cloud: Endpoint) -> None:
    mine, other = (session_of(cloud, make_role(cloud, allow("dynamodb:*"))) for _ in range(2))
    assert listing(cloud, credentials=mine).status == 200
    for token, code in ((None, "UnrecognizedClientException"), (other.token, "UnrecognizedClientException")):
        answer = listing(cloud, credentials=Credentials(mine.access_key, mine.secret_key, token))
        assert (answer.status, code_of(answer)) == (400, code)
    administrator = Credentials(*cloud.administrator[:2], "a-token")
    assert listing(cloud, credentials=administrator).status == 400


def test_a_key_that_is_switched_off_is_nobodys(cloud: Endpoint) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="leaver")
    iam.put_user_policy(
        UserName="leaver",
        PolicyName="p",
        PolicyDocument=json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
    )
    key = iam.create_access_key(UserName="leaver")["AccessKey"]
    user = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    assert listing(cloud, credentials=user).status == 200
    iam.update_access_key(UserName="leaver", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert listing(cloud, credentials=user).status == 400
    iam.delete_access_key(UserName="leaver", AccessKeyId=key["AccessKeyId"])
    assert listing(cloud, credentials=user).status == 400
    iam.delete_user_policy(UserName="leaver", PolicyName="p")
    iam.delete_user(UserName="leaver")


def uploading(cloud: Endpoint, **options: Any) -> Any:
    """A client of boto3's own for S3, whose request a handler may change after it was signed."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=cloud.url,
        region_name=cloud.region,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path", **options}),
        **cloud.administrator.boto3(),
    )


def test_an_upload_whose_body_was_changed_is_refused(cloud: Endpoint) -> None:
    client = uploading(cloud)
    client.put_object(Bucket=SECRET_BUCKET, Key="other", Body=b"as signed")

    def tamper(request: Any, **_: Any) -> None:
        request.body = b"tampered!"

    client.meta.events.register("before-send.s3.PutObject", lambda request, **_: tamper(request))
    code, _ = error_of(lambda: client.put_object(Bucket=SECRET_BUCKET, Key="other", Body=b"as signed"))
    assert code == "XAmzContentSHA256Mismatch"
    stored = cloud.client("s3").get_object(Bucket=SECRET_BUCKET, Key="other")["Body"].read()
    assert stored == b"as signed"
    cloud.client("s3").delete_object(Bucket=SECRET_BUCKET, Key="other")


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_boto3s_own_uploads_reads_and_presigned_urls_work(cloud: Endpoint, style: str) -> None:
    client = uploading(cloud)
    key, body = "folder/a b+ü=&.txt", bytes(range(256)) * 50
    if style == "path":
        client.upload_fileobj(io.BytesIO(body), SECRET_BUCKET, key)
        assert client.get_object(Bucket=SECRET_BUCKET, Key=key)["Body"].read() == body
        url = client.generate_presigned_url("get_object", Params={"Bucket": SECRET_BUCKET, "Key": key})
        target = url.removeprefix(cloud.url)
        host = f"127.0.0.1:{cloud.port}"
    else:
        cloud.client("s3").put_object(Bucket=SECRET_BUCKET, Key=key, Body=body)
        host = f"{SECRET_BUCKET}.localhost:{cloud.port}"
        at = Endpoint(f"http://{host}", cloud.port, cloud.region, cloud.account, cloud.home)
        target = "/" + urllib.parse.quote(key)
        target = sign(at, "s3", "GET", target, signer=S3SigV4QueryAuth).url.removeprefix(at.url)
    assert send(cloud, "GET", target, headers={"Host": host}).body == body
    assert send(cloud, "GET", target, headers={"Host": "localhost"}).status == 403
    assert send(cloud, "PUT", target, headers={"Host": host}, body=b"x").status == 403
    cloud.client("s3").delete_object(Bucket=SECRET_BUCKET, Key=key)


def test_an_upload_in_signed_chunks_holds_and_a_changed_chunk_does_not(cloud: Endpoint) -> None:
    target, chunks = f"/{SECRET_BUCKET}/chunked", [b"a" * 9000, b"b" * 100, b""]
    headers = {
        "X-Amz-Content-SHA256": signatures.SIGNED_CHUNKS,
        "X-Amz-Decoded-Content-Length": str(sum(map(len, chunks))),
        "Content-Encoding": "aws-chunked",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3SigV4Auth, "payload", lambda self, request: signatures.SIGNED_CHUNKS)
        signed = sign(cloud, "s3", "PUT", target, headers=headers, signer=S3SigV4Auth)
    signed.headers.replace_header("X-Amz-Content-SHA256", signatures.SIGNED_CHUNKS)
    body = chunked(signed, cloud, chunks)
    for changed, status in (
        (body.replace(b"bb", b"bc", 1), 403),
        (body[: body.rindex(b"0;chunk")], 403),
        (body.replace(b"signature=", b"signature=0", 1), 403),
        (body + b"1\r\nx", 403),
        (body, 200),
    ):
        assert send(cloud, "PUT", target, headers=dict(signed.headers), body=changed).status == status
    assert cloud.client("s3").get_object(Bucket=SECRET_BUCKET, Key="chunked")["Body"].read() == b"".join(
        chunks
    )
    cloud.client("s3").delete_object(Bucket=SECRET_BUCKET, Key="chunked")


def chunked(signed: AWSRequest, cloud: Endpoint, chunks: list[bytes]) -> bytes:
    """As S3's reference writes it ("Signature calculations for the authorization header: multiple chunks")."""
    from hashlib import sha256

    signer = S3SigV4Auth(SigningCredentials(*cloud.administrator), "s3", cloud.region)
    previous, body = signed.headers["Authorization"].rpartition("=")[2], b""
    moment = signed.headers["X-Amz-Date"]
    signed.context["timestamp"] = moment
    for chunk in chunks:
        scope = f"{moment[:8]}/{cloud.region}/s3/aws4_request"
        hashes = (sha256(b"").hexdigest(), sha256(chunk).hexdigest())
        text = "\n".join(("AWS4-HMAC-SHA256-PAYLOAD", moment, scope, previous, *hashes))
        previous = signer.signature(text, signed)
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + b"\r\n"
    return body


@pytest.mark.parametrize("changed", ["", "key", "policy", "x-amz-signature", "x-amz-credential"])
def test_a_posted_form_must_be_signed_and_unchanged(cloud: Endpoint, changed: str) -> None:
    form = uploading(cloud).generate_presigned_post(SECRET_BUCKET, "posted")
    fields = form["fields"]
    if changed:
        fields = {
            **fields,
            changed: {"x-amz-credential": "222222222222/20260101/r/s3/aws4_request"}.get(changed, "x"),
        }
    boundary = "xyz"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'
        for n, v in fields.items()
    ]
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    file += f"data\r\n--{boundary}--\r\n"
    body = ("".join(parts) + file).encode()
    answer = send(
        cloud,
        "POST",
        f"/{SECRET_BUCKET}",
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        body=body,
    )
    assert (answer.status == 204) is not bool(changed), answer
    found = cloud.client("s3").list_objects_v2(Bucket=SECRET_BUCKET, Prefix="posted").get("KeyCount")
    assert found == (0 if changed else 1)
    cloud.client("s3").delete_object(Bucket=SECRET_BUCKET, Key="posted")


def test_signature_version_2_and_4a_are_refused_by_name(cloud: Endpoint) -> None:
    signed = sign(cloud, "", "GET", f"/{SECRET_BUCKET}/secret", signer=_version_2)
    answer = send(cloud, "GET", f"/{SECRET_BUCKET}/secret", headers=dict(signed.headers))
    assert answer.status == 400
    assert (
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        in answer.text
    )


def _version_2(credentials: Any, service: str, region: str) -> Any:
    return botocore.auth.HmacV1Auth(credentials)
