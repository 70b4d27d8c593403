from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from osusume_endpoint.testing import cloud as clouds
from osusume_endpoint.testing import warehouse as warehouses


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[warehouses.Warehouse]:
    home: Path = tmp_path_factory.mktemp("endpoint")
    with clouds.running(home) as started:
        yield warehouses.deploy(started)
