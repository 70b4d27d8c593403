from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import running

settings.register_profile("untimed", deadline=None)  # no property fails on the seconds that an example takes
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An endpoint with the plug-ins of this layer (no Spark, PostgreSQL or recommenders), one per session."""
    home: Path = tmp_path_factory.mktemp("cloud")
    with running(home) as endpoint:
        yield endpoint
