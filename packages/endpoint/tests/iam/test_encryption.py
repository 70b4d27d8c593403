from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, caller, error_of, name

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def key(cloud: Endpoint) -> str:
    return str(cloud.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(scope="module")
def bucket(cloud: Endpoint, key: str) -> str:
    s3, bucket = cloud.client("s3"), name("bucket")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    s3.put_object(Bucket=bucket, Key="there", Body=b"x")
    return bucket


def test_writing_to_a_bucket_with_a_default_key_needs_generate_data_key(
    cloud: Endpoint, key: str, bucket: str
) -> None:
    client = caller(cloud, allow("s3:*"))
    code, message = error_of(lambda: client("s3").put_object(Bucket=bucket, Key="k", Body=b""))
    assert code == "AccessDenied"
    assert f"kms:GenerateDataKey on resource: {key}" in message
    allowed = caller(cloud, allow("s3:*"), allow("kms:GenerateDataKey", resource=key))
    allowed("s3").put_object(Bucket=bucket, Key="k", Body=b"")


def test_reading_an_encrypted_object_needs_decrypt(cloud: Endpoint, key: str, bucket: str) -> None:
    client = caller(cloud, allow("s3:*"), allow("kms:GenerateDataKey"))
    code, message = error_of(lambda: client("s3").get_object(Bucket=bucket, Key="there"))
    assert code == "AccessDenied"
    assert f"kms:Decrypt on resource: {key}" in message
    allowed = caller(cloud, allow("s3:GetObject"), allow("kms:Decrypt", resource=key))
    assert allowed("s3").get_object(Bucket=bucket, Key="there")["Body"].read() == b"x"


def test_via_service_conditions_see_the_service(cloud: Endpoint, bucket: str) -> None:
    def reading_via(service: str) -> Client:
        via = {"StringEquals": {"kms:ViaService": f"{service}.{cloud.region}.amazonaws.com"}}
        return caller(cloud, allow("s3:GetObject"), allow("kms:Decrypt", **via))

    reading_via("s3")("s3").get_object(Bucket=bucket, Key="there")
    assert (
        "kms:Decrypt"
        in error_of(lambda: reading_via("dynamodb")("s3").get_object(Bucket=bucket, Key="there"))[1]
    )


def test_a_table_with_a_customer_key_needs_decrypt_for_reads_and_writes(cloud: Endpoint, key: str) -> None:
    table = name("table")
    cloud.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    client, item = caller(cloud, allow("dynamodb:*")), {"pk": {"S": "a"}}
    code, message = error_of(lambda: client("dynamodb").put_item(TableName=table, Item=item))
    assert code == "AccessDeniedException"
    assert f"kms:Decrypt on resource: {key}" in message
    assert "kms:Decrypt" in error_of(lambda: client("dynamodb").get_item(TableName=table, Key=item))[1]
    allowed = caller(cloud, allow("dynamodb:*"), allow("kms:Decrypt", resource=key))
    allowed("dynamodb").put_item(TableName=table, Item=item)
    assert allowed("dynamodb").get_item(TableName=table, Key=item)["Item"] == item


def test_a_secret_with_a_customer_key_needs_decrypt(cloud: Endpoint, key: str) -> None:
    secret = name("secret")
    cloud.client("secretsmanager").create_secret(Name=secret, SecretString="s", KmsKeyId=key)
    client = caller(cloud, allow("secretsmanager:GetSecretValue"))
    assert "kms:Decrypt" in error_of(lambda: client("secretsmanager").get_secret_value(SecretId=secret))[1]
    allowed = caller(cloud, allow("secretsmanager:GetSecretValue"), allow("kms:Decrypt"))
    assert allowed("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == "s"


def test_describing_a_secret_needs_no_key_and_tells_no_value(cloud: Endpoint, key: str) -> None:
    secret = name("secret")
    arn = cloud.client("secretsmanager").create_secret(Name=secret, SecretString="s", KmsKeyId=key)["ARN"]
    described = caller(cloud, allow("secretsmanager:DescribeSecret"))("secretsmanager")
    found = described.describe_secret(SecretId=secret)
    assert (found["ARN"], found["Name"], found["KmsKeyId"]) == (arn, secret, key)
    assert "SecretString" not in found
    denied = caller(cloud, allow("secretsmanager:GetSecretValue"))("secretsmanager")
    code, message = error_of(lambda: denied.describe_secret(SecretId=secret))
    assert code == "AccessDeniedException"
    assert f"secretsmanager:DescribeSecret on resource: {arn}" in message


def test_a_secret_that_is_not_there_is_described_as_such(cloud: Endpoint) -> None:
    code, _ = error_of(lambda: cloud.client("secretsmanager").describe_secret(SecretId=name("none")))
    assert code == "ResourceNotFoundException"


def test_an_unencrypted_bucket_asks_nothing(cloud: Endpoint) -> None:
    bucket = name("plain")
    cloud.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region}
    )
    caller(cloud, allow("s3:PutObject"))("s3").put_object(Bucket=bucket, Key="k", Body=b"")
