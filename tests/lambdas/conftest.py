from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber


@pytest.fixture
def stubbed() -> Callable[[str], tuple[Any, Stubber]]:
    """A real client whose answers are checked against botocore's model."""

    def make(service: str) -> tuple[Any, Stubber]:
        client = boto3.client(
            service,  # type: ignore[call-overload]
            region_name="ap-northeast-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        stubber = Stubber(client)
        stubber.activate()
        return client, stubber

    return make
