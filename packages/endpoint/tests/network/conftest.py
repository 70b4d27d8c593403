from __future__ import annotations

from collections.abc import Iterator

import pytest

from osusume_endpoint.testing import cloud as clouds


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clouds.Cloud]:
    home = tmp_path_factory.mktemp("endpoint")
    with clouds.running(home, plugins=f"{clouds.PLUGINS},lambda") as started:
        yield started
