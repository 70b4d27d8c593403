from __future__ import annotations

import pytest

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.testing.running import allow, make_role, session_of


@pytest.fixture(scope="module")
def user(cloud: Endpoint) -> Credentials:
    return session_of(cloud, make_role(cloud, allow("execute-api:Invoke")))
