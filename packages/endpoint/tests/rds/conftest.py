from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from osusume_endpoint.testing import cloud as clouds


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clouds.Cloud]:
    home: Path = tmp_path_factory.mktemp("endpoint")
    with clouds.running(home) as started:
        yield started
