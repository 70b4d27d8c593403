"""S3 as the service reaches it: with the passed role's session, and with the bucket's policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from osusume_endpoint import permissions
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.errors import ApiError
from osusume_endpoint.personalize.errors import JobFailure, invalid

PRINCIPAL = "personalize.amazonaws.com"
_DENIED = {"AccessDenied", "403", "Forbidden", "AccessDeniedException", "SignatureDoesNotMatch"}
_MISSING = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}
_LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Location:
    bucket: str
    key: str

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}/{self.key}"

    def child(self, name: str) -> Location:
        prefix = self.key if not self.key or self.key.endswith("/") else f"{self.key}/"
        return Location(self.bucket, prefix + name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse_location(path: str, *, refusal: str = "Invalid Data location.") -> Location:
    """InvalidInputException with the service's own words on anything but s3://bucket/key."""
    found = _LOCATION.fullmatch(path)
    if found is None:
        raise invalid(f"{refusal} {path!r} must have the form s3://<bucket>/<folder path>/<file name>")
    return Location(found.group(1), found.group(2) or "")


def assume(endpoint: Endpoint, role_arn: str, *, session_name: str, source_arn: str) -> Credentials:
    """The role's session; InvalidInputException when the service may not assume it."""
    try:
        return permissions.role_session(
            endpoint, role_arn, session_name=session_name[:64], service=PRINCIPAL, source_arn=source_arn
        )
    except ApiError as refusal:
        raise invalid(f"Amazon Personalize can't assume the role {role_arn}: {refusal.message}") from None


@dataclass(frozen=True)
class Bucket:
    """One job's access to S3. Every refusal is the documented failureReason, with what was refused."""

    endpoint: Endpoint
    credentials: Credentials
    source_arn: str

    @classmethod
    def of_role(cls, endpoint: Endpoint, role_arn: str, *, source_arn: str) -> Bucket:
        try:
            session_name = re.sub(r"[^\w+=,.@-]", "-", source_arn.rpartition("/")[2])
            credentials = assume(endpoint, role_arn, session_name=session_name, source_arn=source_arn)
        except ApiError as refusal:
            raise JobFailure(refusal.message) from None
        return cls(endpoint, credentials, source_arn)

    @property
    def _s3(self) -> Any:
        return self.endpoint.service_client("s3", self.credentials)

    def files(self, location: Location) -> list[Location]:
        """The object itself or, of a folder, every object in it: a committer's empty _SUCCESS is one as well."""
        if location.key and not location.key.endswith("/") and self._exists(location):
            return [location]
        folder = location.child("")
        found = [Location(location.bucket, key) for key in self._keys(folder)]
        if not found:
            raise JobFailure(f"Invalid Data location. No files were found in {location}.")
        return found

    def download(self, location: Location, target: Path) -> None:
        self._check_bucket("s3:GetObject", location.arn)
        try:
            head = self._s3.head_object(Bucket=location.bucket, Key=location.key)
            self._check_key("kms:Decrypt", head.get("SSEKMSKeyId"))
            self._s3.download_file(location.bucket, location.key, str(target))
        except ClientError as error:
            raise self._failure(error, location) from None

    def upload(self, source: Path, location: Location, *, kms_key: str | None = None) -> None:
        self._check_bucket("s3:PutObject", location.arn)
        self._check_key("kms:GenerateDataKey", kms_key)
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        try:
            self._s3.upload_file(str(source), location.bucket, location.key, ExtraArgs=extra)
        except ClientError as error:
            raise self._failure(error, location) from None
        except Exception as error:
            # boto3 wraps a ClientError of an upload in S3UploadFailedError, whose text carries it.
            if "AccessDenied" in str(error):
                raise self._denied(str(error)) from None
            raise

    def _exists(self, location: Location) -> bool:
        self._check_bucket("s3:GetObject", location.arn)
        try:
            self._s3.head_object(Bucket=location.bucket, Key=location.key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return False
            raise self._failure(error, location) from None
        return True

    def _keys(self, folder: Location) -> Iterator[str]:
        self._check_bucket("s3:ListBucket", f"arn:aws:s3:::{folder.bucket}")
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=folder.bucket, Prefix=folder.key
            )
            for page in pages:
                keys = (item["Key"] for item in page.get("Contents", ()))
                yield from (key for key in keys if not key.endswith("/"))
        except ClientError as error:
            raise self._failure(error, folder) from None

    def _check_bucket(self, action: str, resource: str) -> None:
        try:
            permissions.check_service_access(
                self.endpoint, PRINCIPAL, action, resource, source_arn=self.source_arn
            )
        except ApiError as refusal:
            raise self._denied(f"The bucket policy must allow it to {PRINCIPAL}: {refusal.message}") from None

    def _check_key(self, action: str, key: str | None) -> None:
        if not key:
            return
        try:
            permissions.authorize(self.credentials, action=action, resource=key)
        except ApiError as refusal:
            raise self._denied(refusal.message) from None

    def _failure(self, error: ClientError, location: Location) -> JobFailure:
        code = error.response["Error"].get("Code", "")
        if code in _MISSING:
            return JobFailure(f"Invalid Data location. {location} does not exist.")
        if code in _DENIED or error.response["ResponseMetadata"].get("HTTPStatusCode") == 403:
            return self._denied(self._reason(error, location))
        return JobFailure(f"{location}: {error}")

    def _reason(self, error: ClientError, location: Location) -> str:
        """HEAD has no body to say why: GET does."""
        if error.operation_name != "HeadObject":
            return str(error)
        try:
            self._s3.get_object(Bucket=location.bucket, Key=location.key, Range="bytes=0-0")
        except ClientError as explained:
            return str(explained)
        return str(error)

    @staticmethod
    def _denied(detail: str) -> JobFailure:
        return JobFailure(f"Insufficient privileges for accessing data in Amazon S3. {detail}")
