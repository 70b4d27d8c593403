"""Who names no key for `aws:kms` gets the account's own S3 key."""

from __future__ import annotations

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, caller, name


def test_a_write_with_kms_and_no_key_takes_the_aws_managed_one(cloud: Endpoint) -> None:
    s3, bucket = cloud.client("s3"), name("bucket")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    # The writer has no permission for the bucket's key: it must not be needed.
    writer = caller(cloud, allow("s3:PutObject", resource=f"arn:aws:s3:::{bucket}/*"))("s3")
    writer.put_object(Bucket=bucket, Key="asset", Body=b"x", ServerSideEncryption="aws:kms")
    found = s3.head_object(Bucket=bucket, Key="asset")
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == f"arn:aws:kms:{cloud.region}:{cloud.account}:alias/aws/s3"
