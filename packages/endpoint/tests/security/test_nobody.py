"""Requests without a signature that holds: whatever they name as their key, they are nobody."""

from __future__ import annotations

import itertools
import urllib.parse
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.raw import Answer, send, sign
from osusume_endpoint.testing.running import ACCOUNT, REGION
from osusume_endpoint.testing.security import SECRET, SECRET_BUCKET

ZERO = "0" * 64
TRUST = '{"Version":"2012-10-17","Statement":[]}'


class Call(NamedTuple):
    """A call of a service as a page can make it: no header that would ask for a preflight."""

    service: str
    method: str
    target: str
    body: str = ""
    headers: dict[str, str] = {}


CALLS = [
    Call(
        "iam",
        "POST",
        "/",
        f"Action=CreateRole&Version=2010-05-08&RoleName=evil&AssumeRolePolicyDocument={TRUST}",
    ),
    Call("iam", "POST", "/", "Action=CreateUser&Version=2010-05-08&UserName=evil"),
    Call("sts", "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15"),
    Call("sts", "POST", "/", "Action=GetSessionToken&Version=2011-06-15"),
    Call("lambda", "GET", "/2015-03-31/functions/"),
    Call(
        "lambda", "POST", "/2015-03-31/functions", '{"FunctionName":"evil","Runtime":"python3.13","Code":{}}'
    ),
    Call("s3", "GET", "/"),
    Call("s3", "PUT", "/evil-bucket"),
    Call("s3", "GET", f"/{SECRET_BUCKET}/secret"),
    Call("s3", "GET", f"/{SECRET_BUCKET}?list-type=2"),
    Call("s3", "POST", f"/{SECRET_BUCKET}?delete", "<Delete><Object><Key>secret</Key></Object></Delete>"),
    Call("s3", "PUT", f"/{SECRET_BUCKET}/secret", "overwritten"),
    Call("s3", "DELETE", f"/{SECRET_BUCKET}/secret"),
    Call("s3", "GET", "/v20180820/configuration"),
    Call("s3tables", "GET", "/iceberg/v1/config"),
    Call("dynamodb", "POST", "/", "{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
    Call("dynamodb", "POST", "/", '{"TableName":"evil"}', {"X-Amz-Target": "DynamoDB_20120810.CreateTable"}),
    Call("secretsmanager", "POST", "/", "{}", {"X-Amz-Target": "secretsmanager.ListSecrets"}),
    Call("ssm", "POST", "/", "{}", {"X-Amz-Target": "AmazonSSM.DescribeParameters"}),
    Call("kms", "POST", "/", "{}", {"X-Amz-Target": "TrentService.ListKeys"}),
    Call("glue", "POST", "/", "{}", {"X-Amz-Target": "AWSGlue.GetJobs"}),
    Call("states", "POST", "/", "{}", {"X-Amz-Target": "AWSStepFunctions.ListStateMachines"}),
    Call("sqs", "POST", "/", "Action=CreateQueue&Version=2012-11-05&QueueName=evil"),
    Call("sns", "POST", "/", "Action=ListTopics&Version=2010-03-31"),
    Call("cloudformation", "POST", "/", "Action=ListStacks&Version=2010-05-15"),
    Call("monitoring", "POST", "/", "Action=ListMetrics&Version=2010-08-01"),
    Call("ec2", "POST", "/", "Action=DescribeVpcs&Version=2016-11-15"),
    Call("rds", "POST", "/", "Action=DescribeDBClusters&Version=2014-10-31"),
    Call("apigateway", "GET", "/restapis"),
    Call("scheduler", "GET", "/schedules"),
    Call("quicksight", "GET", f"/accounts/{ACCOUNT}/data-sets"),
    Call("personalize", "POST", "/", "{}", {"X-Amz-Target": "AmazonPersonalize.ListSolutions"}),
    Call("rds-data", "POST", "/Execute", '{"sql":"select 1"}'),
    Call("ses", "GET", "/v2/email/identities"),
    Call("ecr", "GET", "/v2/_catalog"),
    Call("logs", "POST", "/", "{}", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}),
    Call("ec2", "GET", "/latest/meta-data/iam/security-credentials/"),
    Call("ecs", "GET", "/v2/credentials/x"),
    Call("osusume", "GET", "/_osusume/faults"),
    Call("osusume", "PUT", "/_osusume/faults", "seed: 1"),
    Call("scheduler", "POST", "/_osusume/scheduler/fire?name=a&group=b"),
    Call("dynamodb", "POST", "/_osusume/dynamodb/expire?now=1"),
]
CONTENT_TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
KEYS = [
    ACCOUNT,
    "000000000000",
    "111111111111",
    "test",
    "",
    "AKIAIOSFODNN7EXAMPLE",
    "root",
    "ASIA",
    "local-administrator",
]


def scope(key: str, call: Call) -> str:
    return f"{key}/{datetime.now(UTC):%Y%m%d}/{REGION}/{call.service}/aws4_request"


def header(key: str, call: Call, signature: str = ZERO) -> dict[str, str]:
    fields = f"Credential={scope(key, call)}, SignedHeaders=host;x-amz-date, Signature={signature}"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 {fields}",
        "X-Amz-Date": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
    }


def presigned(key: str, call: Call, **changes: str) -> str:
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": scope(key, call),
        "X-Amz-Date": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": "300",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": ZERO,
        **changes,
    }
    joint = "&" if "?" in call.target else "?"
    return f"{call.target}{joint}{urllib.parse.urlencode({k: v for k, v in parameters.items() if v})}"


def refused(answer: Answer) -> bool:
    return (
        400 <= answer.status < 500
        and SECRET not in answer.body
        and "access-control-allow-origin" not in answer.headers
    )


def attack(cloud: Endpoint, call: Call, target: str, headers: dict[str, str], content_type: str) -> Answer:
    typed = {"Content-Type": content_type} if content_type else {}
    return send(
        cloud, call.method, target, headers={**typed, **call.headers, **headers}, body=call.body.encode()
    )


def name(call: Call) -> str:
    return f"{call.service} {call.method} {call.headers.get('X-Amz-Target') or call.target} {call.body[:24]}"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("call", CALLS, ids=name)
def test_an_unsigned_call_is_refused(cloud: Endpoint, call: Call) -> None:
    for content_type in CONTENT_TYPES:
        answer = attack(cloud, call, call.target, {}, content_type)
        assert refused(answer), answer


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("call", CALLS, ids=name)
def test_a_key_with_a_made_up_signature_is_refused(cloud: Endpoint, call: Call) -> None:
    for key, content_type in zip(KEYS, itertools.cycle(CONTENT_TYPES), strict=False):
        answer = attack(cloud, call, call.target, header(key, call), content_type)
        assert refused(answer), (key, content_type, answer)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("call", CALLS, ids=name)
def test_a_key_in_the_query_is_refused(cloud: Endpoint, call: Call) -> None:
    joint = "&" if "?" in call.target else "?"
    for key, content_type in zip(KEYS[::2], itertools.cycle(CONTENT_TYPES), strict=False):
        for target in (
            presigned(key, call),
            presigned(key, call, **{"X-Amz-Signature": ""}),
            presigned(key, call, **{"X-Amz-Algorithm": ""}),
            f"{call.target}{joint}X-Amz-Credential={urllib.parse.quote(scope(key, call))}",
            f"{call.target}{joint}x-amz-credential={urllib.parse.quote(scope(key, call))}",
            f"{call.target}{joint}AWSAccessKeyId={key}&Signature=x&Expires=9999999999",
        ):
            answer = attack(cloud, call, target, {}, content_type)
            assert refused(answer), (target, content_type, answer)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("call", CALLS, ids=name)
def test_the_administrators_key_without_its_secret_is_refused(cloud: Endpoint, call: Call) -> None:
    key = cloud.administrator.access_key
    real = (
        sign(cloud, "sts", "POST", "/", body=b"another request").headers["Authorization"].rpartition("=")[2]
    )
    for signature in (ZERO, "", real, real[:32]):
        answer = attack(cloud, call, call.target, header(key, call, signature), "text/plain")
        assert refused(answer), (signature, answer)
    assert refused(attack(cloud, call, presigned(key, call), {}, "text/plain"))


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 ",
        f"AWS4-HMAC-SHA256 Credential={ACCOUNT}",
        f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/x/y/s3/aws4_request",
        f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/s3/aws4_request,SignedHeaders=,Signature=",
        f"aws4-hmac-sha256 Credential={ACCOUNT}/20260101/{REGION}/s3/aws4_request,SignedHeaders=host,Signature={ZERO}",
        f"AWS4-ECDSA-P256-SHA256 Credential={ACCOUNT}/20260101/s3/aws4_request,SignedHeaders=host,Signature={ZERO}",
        f"AWS {ACCOUNT}:c2lnbmF0dXJl",
        "Basic dGVzdDp0ZXN0",
        "Bearer x",
        "test",
    ],
)
def test_an_authorization_that_is_no_signature_is_refused(cloud: Endpoint, authorization: str) -> None:
    for call in CALLS:
        answer = attack(cloud, call, call.target, {"Authorization": authorization}, "text/plain")
        assert refused(answer), (call, answer)


def test_two_callers_in_one_request_are_refused(cloud: Endpoint) -> None:
    call = Call("sts", "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    signed = dict(sign(cloud, "sts", "POST", "/", body=call.body.encode(), headers=form).headers)
    assert send(cloud, "POST", "/", headers=signed, body=call.body.encode()).status == 200
    twice = [*signed.items(), ("Authorization", header(ACCOUNT, call)["Authorization"])]
    assert send(cloud, "POST", "/", headers=twice, body=call.body.encode()).status == 400
    assert (
        send(cloud, "POST", presigned(ACCOUNT, call), headers=signed, body=call.body.encode()).status == 400
    )


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "//_ministack/reset",
        "/%5fministack/reset",
        "/_MINISTACK/reset",
        "/_ministack/reset?init=1",
        "/_ministack/config",
        "/_ministack/ses/messages",
        "/_ministack/sqs/messages",
        "/_ministack/sns/sms-messages",
        "/_ministack/transfer/sftp-ports",
        "/_ministack/iot/ca.pem",
        "/_ministack/rds/ca.pem",
        "/_ministack/rds/iam-auth",
        "/_ministack/elasticache/ca.pem",
        "/_ministack/eks-auth/x",
        "/_ministack/lambda-code/x",
        f"/_ministack/lambda-code/{ACCOUNT}/{REGION}/x",
        "/_ministack/lambda-layers/x/1/content",
        "/_localstack/reset",
        "/_localstack/init",
        "/_aws/ses",
        "/_aws/sqs/messages",
        "/_aws/sns/sms-messages",
        "/_alb/x",
    ],
)
def test_an_administration_path_is_refused_to_everybody(cloud: Endpoint, method: str, path: str) -> None:
    body = b'{"stepfunctions._SFN_WAIT_SCALE": 9}'
    assert send(cloud, method, path, body=body).status == 403
    signed = sign(cloud, "s3", method, path, body=body)
    assert send(cloud, method, path, headers=dict(signed.headers), body=body).status == 403


@pytest.mark.parametrize("path", ["/_ministack/health", "/_ministack/ready", "/_localstack/health"])
def test_the_health_is_told_to_everybody_on_this_machine(cloud: Endpoint, path: str) -> None:
    answer = send(cloud, "GET", path)
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "aws-chunked"},
        {"X-Amz-Decoded-Content-Length": "42"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_an_operation_hidden_in_an_encoded_body_is_refused(cloud: Endpoint, headers: dict[str, str]) -> None:
    hidden = b"Action=CreateUser&Version=2010-05-08&UserName=evil"
    body = b"%x;&Action=AssumeRoleWithWebIdentity&a=\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert refused(send(cloud, "POST", "/", headers={**form, **headers}, body=body))


@pytest.mark.parametrize(
    "target", ["http://evil.example/", "http://localhost/_ministack/reset", "/%ff", "/?%ff=%ff", "*"]
)
def test_an_odd_target_is_refused(cloud: Endpoint, target: str) -> None:
    for method in ("GET", "POST"):
        assert 400 <= send(cloud, method, target).status < 600


@pytest.mark.usefixtures("untouched")
def test_an_unsigned_signal_to_a_made_up_handle_is_unknown(cloud: Endpoint) -> None:
    assert send(cloud, "PUT", "/_ministack/cfn-signal/made-up", body=b"{}").status == 404
