"""Bucket properties that ministack's CloudFormation drops: default encryption and life cycle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

Properties = dict[str, Any]
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def install() -> None:
    replacements.apply(__name__)


@replaces("ministack.services.cloudformation.provisioners:_S3_BUCKET_CONFIGURATIONS", holds=tuple)
def _with_encryption_and_lifecycle(inner: tuple[Any, ...]) -> tuple[Any, ...]:
    """Rows of (property, property -> XML, put, delete), which its create and update go through."""
    from ministack.services import s3

    return (
        *inner,
        ("BucketEncryption", encryption_xml, s3._put_bucket_encryption, s3._delete_bucket_encryption),
        ("LifecycleConfiguration", lifecycle_xml, s3._put_bucket_lifecycle, s3._delete_bucket_lifecycle),
    )


def encryption_xml(properties: Properties) -> bytes:
    rules = "".join(_encryption_rule(rule) for rule in properties["ServerSideEncryptionConfiguration"])
    root = "ServerSideEncryptionConfiguration"
    return f'<{root} xmlns="{_NAMESPACE}">{rules}</{root}>'.encode()


def _encryption_rule(rule: Properties) -> str:
    default = rule["ServerSideEncryptionByDefault"]
    key = default.get("KMSMasterKeyID")
    members = _tag("SSEAlgorithm", default["SSEAlgorithm"]) + (_tag("KMSMasterKeyID", key) if key else "")
    bucket_key = _tag("BucketKeyEnabled", str(rule.get("BucketKeyEnabled", False)).lower())
    applied = f"<ApplyServerSideEncryptionByDefault>{members}</ApplyServerSideEncryptionByDefault>"
    return f"<Rule>{applied}{bucket_key}</Rule>"


def lifecycle_xml(properties: Properties) -> bytes:
    rules = "".join(f"<Rule>{''.join(_rule(rule))}</Rule>" for rule in properties["Rules"])
    return f'<LifecycleConfiguration xmlns="{_NAMESPACE}">{rules}</LifecycleConfiguration>'.encode()


def _rule(rule: Properties) -> Iterator[str]:
    if rule.get("Id"):
        yield _tag("ID", rule["Id"])
    yield f"<Filter>{_tag('Prefix', rule.get('Prefix', ''))}</Filter>"
    yield _tag("Status", rule["Status"])
    if rule.get("ExpirationInDays"):
        yield f"<Expiration>{_tag('Days', rule['ExpirationInDays'])}</Expiration>"
    for transition in rule.get("Transitions") or []:
        days = _tag("Days", transition.get("TransitionInDays", 0))
        yield f"<Transition>{days}{_tag('StorageClass', transition['StorageClass'])}</Transition>"
    newer = rule.get("NoncurrentVersionExpiration") or {}
    days_kept = newer.get("NoncurrentDays") or rule.get("NoncurrentVersionExpirationInDays")
    if days_kept:
        days = _tag("NoncurrentDays", days_kept)
        yield f"<NoncurrentVersionExpiration>{days}</NoncurrentVersionExpiration>"
    abort = rule.get("AbortIncompleteMultipartUpload") or {}
    if abort.get("DaysAfterInitiation"):
        days = _tag("DaysAfterInitiation", abort["DaysAfterInitiation"])
        yield f"<AbortIncompleteMultipartUpload>{days}</AbortIncompleteMultipartUpload>"


def _tag(name: str, value: Any) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"
