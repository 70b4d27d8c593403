from __future__ import annotations

from collections.abc import Iterator

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running

PLUGINS = "iam,cloudformation,cloudwatch,s3,stepfunctions,codebuild,guard"


@pytest.fixture(scope="package")
def codebuild(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running.running(tmp_path_factory.mktemp("codebuild"), plugins=PLUGINS) as endpoint:
        yield endpoint
