"""KMS permissions that a call on encrypted data implies: its caller needs them, beside those of the call.

Sources: Amazon S3 "Using server-side encryption with KMS keys (permissions)"; DynamoDB "Encryption at rest:
how it works" (the table key is decrypted with the caller's permissions); SQS, SNS and Secrets Manager "Key
management".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from osusume_endpoint import calls, requests, wire
from osusume_endpoint import endpoint as endpoints
from osusume_endpoint.errors import AccessDenied
from osusume_endpoint.iam import decisions


class Need(NamedTuple):
    key: str  # id, ARN or alias
    action: str
    via: str  # the service of kms:ViaService
    context: dict[str, str] = {}  # encryption context


_S3_WRITES = {"s3:PutObject", "s3:ReplicateObject"}
_S3_READS = {"s3:GetObject", "s3:GetObjectVersion"}
_DYNAMODB_DATA = {
    f"dynamodb:{name}"
    for name in (
        "BatchGetItem",
        "BatchWriteItem",
        "ConditionCheckItem",
        "DeleteItem",
        "GetItem",
        "PartiQLDelete",
        "PartiQLInsert",
        "PartiQLSelect",
        "PartiQLUpdate",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
        "ExportTableToPointInTime",
    )
}


def intercept(call: calls.Call) -> wire.Response | None:
    if not requests.current().access_key:
        return None
    for need in _needs(call):
        arn = key_arn(need.key)
        if arn is None:
            continue  # an AWS managed key asks nothing of the caller
        try:
            authorize(need, arn)
        except AccessDenied as denied:
            return calls.deny(call, need.action, denied.message)
    return None


def authorize(need: Need, arn: str) -> None:
    endpoint = endpoints.current()
    conditions = {
        "kms:ViaService": f"{need.via}.{endpoint.region}.amazonaws.com",
        "kms:CallerAccount": endpoint.account,
        **{f"kms:EncryptionContext:{k}": v for k, v in need.context.items()},
    }
    decisions.authorize(caller=None, action=need.action, resource=arn, conditions=conditions)


def key_arn(key: str) -> str | None:
    """The ARN of a customer managed key; None for an AWS managed one or none."""
    from ministack.services import kms

    if not key or key.startswith("alias/aws/") or ":alias/aws/" in key:
        return None
    record = kms._resolve_key(key)
    if record is None or record.get("KeyManager") == "AWS":
        return None
    return str(record["Arn"])


def _needs(call: calls.Call) -> Iterator[Need]:
    finder = _FINDERS.get(call.service)
    return finder(call) if finder else iter(())


def _s3(call: calls.Call) -> Iterator[Need]:
    bucket, _, key = unquote(call.request.path.lstrip("/")).partition("/")
    if not key or call.action not in _S3_WRITES | _S3_READS:
        return
    context = {"aws:s3:arn": f"arn:aws:s3:::{bucket}/{key}"}
    headers = call.request.headers
    if call.action in _S3_READS:
        stored = _stored_key(bucket, key)
        yield Need(stored, "kms:Decrypt", "s3", context)
        return
    written = _written_key(bucket, headers)
    yield Need(written, "kms:GenerateDataKey", "s3", context)
    if "uploadId" in call.request.query:
        yield Need(written, "kms:Decrypt", "s3", context)
    source = headers.get("x-amz-copy-source")
    if source:
        from_bucket, _, from_key = unquote(source.split("?")[0].lstrip("/")).partition("/")
        from_context = {"aws:s3:arn": f"arn:aws:s3:::{from_bucket}/{from_key}"}
        yield Need(_stored_key(from_bucket, from_key), "kms:Decrypt", "s3", from_context)


def _written_key(bucket: str, headers: Any) -> str:
    named = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
    if named or headers.get("x-amz-server-side-encryption"):
        return named or ""  # without a key id it is S3's own, and nobody's permission is asked
    return default_key(bucket)


def default_key(bucket: str) -> str:
    """The KMS key of a bucket's default encryption; "" when it is not SSE-KMS."""
    from ministack.services import s3

    document = s3._bucket_encryption.get(bucket) or ""
    found = re.search(r"<KMSMasterKeyID>([^<]+)</KMSMasterKeyID>", document)
    return found.group(1) if found else ""


def _stored_key(bucket: str, key: str) -> str:
    from ministack.services import s3

    record = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key) or {}
    stored = s3._stored_sse_headers(record)
    if stored.get("x-amz-server-side-encryption") == "AES256":
        return ""
    return stored.get("x-amz-server-side-encryption-aws-kms-key-id", "")


def _dynamodb(call: calls.Call) -> Iterator[Need]:
    if call.action not in _DYNAMODB_DATA:
        return
    from ministack.services import dynamodb

    for name in tables_of(call.parameters()):
        table = dynamodb._tables.get(name.rsplit("/", 1)[-1]) or {}
        sse = table.get("SSEDescription") or {}
        context = {"aws:dynamodb:tableName": name, "aws:dynamodb:subscriberId": endpoints.current().account}
        yield Need(sse.get("KMSMasterKeyArn", ""), "kms:Decrypt", "dynamodb", context)


def tables_of(parameters: dict[str, Any]) -> set[str]:
    """Tables that a DynamoDB request names."""
    found = {parameters[k] for k in ("TableName", "TableArn") if isinstance(parameters.get(k), str)}
    found |= set(parameters.get("RequestItems") or {})
    for item in parameters.get("TransactItems") or []:
        found |= {action["TableName"] for action in item.values() if "TableName" in action}
    return found


def _sqs(call: calls.Call) -> Iterator[Need]:
    from ministack.services import sqs

    url = call.parameters().get("QueueUrl", "")
    queue = sqs._queues.get(url) or {}
    key = (queue.get("attributes") or {}).get("KmsMasterKeyId", "")
    if call.action in ("sqs:SendMessage", "sqs:SendMessageBatch"):
        yield Need(key, "kms:GenerateDataKey", "sqs")
        yield Need(key, "kms:Decrypt", "sqs")
    elif call.action == "sqs:ReceiveMessage":
        yield Need(key, "kms:Decrypt", "sqs")


def _sns(call: calls.Call) -> Iterator[Need]:
    if call.action not in ("sns:Publish", "sns:PublishBatch"):
        return
    from urllib.parse import parse_qs

    from ministack.services import sns

    arn = parse_qs(call.request.body.decode(errors="replace")).get("TopicArn", [""])[0]
    key = ((sns._topics.get(arn) or {}).get("attributes") or {}).get("KmsMasterKeyId", "")
    yield Need(key, "kms:GenerateDataKey", "sns")
    yield Need(key, "kms:Decrypt", "sns")


def _secrets_manager(call: calls.Call) -> Iterator[Need]:
    from ministack.services import secretsmanager

    actions = {
        "secretsmanager:GetSecretValue": ("kms:Decrypt",),
        "secretsmanager:PutSecretValue": ("kms:GenerateDataKey", "kms:Decrypt"),
    }
    wanted = call.parameters().get("SecretId", "")
    for name, secret in secretsmanager._secrets.items():
        if wanted in (name, secret["ARN"]):
            for action in actions.get(call.action, ()):
                context = {"SecretARN": secret["ARN"]}
                yield Need(secret.get("KmsKeyId") or "", action, "secretsmanager", context)


_FINDERS: dict[str, Callable[[calls.Call], Iterator[Need]]] = {
    "s3": _s3,
    "dynamodb": _dynamodb,
    "sqs": _sqs,
    "sns": _sns,
    "secretsmanager": _secrets_manager,
}
