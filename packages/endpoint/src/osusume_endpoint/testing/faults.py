from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.faults.client import Faults
from osusume_endpoint.testing.running import allow, make_role, running, session_of

Client = Callable[..., Any]


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    home: Path = tmp_path_factory.mktemp("faults")
    with running(home, plugins="iam,cloudformation,cloudwatch,lambda,dynamodb,faults,guard") as endpoint:
        yield endpoint


@pytest.fixture
def faults(cloud: Endpoint) -> Iterator[Faults]:
    """The administrative route; what a test sets ends with it."""
    route = Faults(url=cloud.url, region=cloud.region, credentials=cloud.administrator)
    yield route
    route.clear()


@pytest.fixture(scope="package")
def application(cloud: Endpoint) -> Credentials:
    """A role that may do everything, as an application's would some of it."""
    return session_of(cloud, make_role(cloud, allow("*")))


@pytest.fixture
def client(cloud: Endpoint, application: Credentials) -> Client:
    """boto3 clients of the application: as many attempts as asked for, one by default."""

    def make(service: str, *, attempts: int = 1, **options: Any) -> Any:
        config = Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            s3={"addressing_style": "path"},
            **options,
        )
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=cloud.region,
            endpoint_url=cloud.url,
            config=config,
            **application.boto3(),
        )

    return make
