"""The shipped environments, synthesized once a session."""

from __future__ import annotations

from functools import cache

import pytest

from checks.__main__ import synthesize
from checks.assembly import Assembly
from tests.mutations.mutation import shipped


@cache
def _assembly(environment: str) -> Assembly:
    return shipped() if environment == "dev" else synthesize(environment)


@pytest.fixture(scope="session")
def dev() -> Assembly:
    return _assembly("dev")


@pytest.fixture(scope="session", params=["dev", "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return _assembly(str(request.param))
