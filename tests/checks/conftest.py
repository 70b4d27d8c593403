"""The variations of the example, and what config/ holds, synthesized once a session."""

from __future__ import annotations

from functools import cache

import pytest

from checks.assembly import Assembly
from checks.synthesized import synthesize
from config import files
from tests import example
from tests.mutations.mutation import shipped


@cache
def _assembly(variation: str) -> Assembly:
    return shipped() if variation == "dev" else synthesize(variation, example.folder())


@cache
def _of_config(environment: str) -> Assembly:
    return synthesize(environment, example.CONFIG)


@pytest.fixture(scope="session")
def dev() -> Assembly:
    return _assembly("dev")


@pytest.fixture(scope="session", params=sorted(example.VARIATIONS))
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return _assembly(str(request.param))


@pytest.fixture(scope="session", params=files.environments(example.CONFIG))
def of_config(request: pytest.FixtureRequest) -> Assembly:
    """Each environment that config/ has a file for."""
    return _of_config(str(request.param))
