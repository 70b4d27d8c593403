from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.place import ENDPOINT, Place
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import running
from tests import example


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Tables and buckets as an environment's, and none of its stacks."""
    home: Path = tmp_path_factory.mktemp("operations")
    with running(home, plugins="iam,dynamodb,s3,guard") as endpoint:
        names = example.settings().names
        for table, keys in ((names.recommendations_table, ("pk", "sk")), (names.control_table, ("pk",))):
            endpoint.client("dynamodb").create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
            )
        endpoint.client("s3").create_bucket(
            Bucket=names.results_bucket, CreateBucketConfiguration={"LocationConstraint": endpoint.region}
        )
        yield endpoint


@pytest.fixture
def place(cloud: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv(ENDPOINT, cloud.url)
    return Place(example.settings(), cloud)
