from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.endpoint import Endpoint
from tests.aws.running import PLUGINS, running
from tests.security.raw import effects

SECRET_BUCKET, SECRET = "kept-secret", b"what nobody else may read"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An endpoint with something in it that an attack could read, or wipe."""
    home: Path = tmp_path_factory.mktemp("attacked")
    with running(home, plugins=f"{PLUGINS},faults") as endpoint:
        s3 = endpoint.client("s3")
        where = {"LocationConstraint": endpoint.region}
        s3.create_bucket(Bucket=SECRET_BUCKET, CreateBucketConfiguration=where)
        s3.put_object(Bucket=SECRET_BUCKET, Key="secret", Body=SECRET)
        yield endpoint


@pytest.fixture(scope="module")
def untouched(cloud: Endpoint) -> Iterator[None]:
    """The attacks of a module leave nothing behind, and nothing is gone."""
    before = effects(cloud)
    assert SECRET_BUCKET in before["buckets"]
    yield
    assert effects(cloud) == before
