from __future__ import annotations

import pytest

from local.aws.endpoint import Credentials, Endpoint
from tests.aws.running import allow, make_role, session_of


@pytest.fixture(scope="module")
def user(cloud: Endpoint) -> Credentials:
    return session_of(cloud, make_role(cloud, allow("execute-api:Invoke")))
