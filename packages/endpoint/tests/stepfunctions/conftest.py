"""One endpoint for all tests of this folder: each makes state machines of names of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stepfunctions.served import ACTIONS, Server, trusting


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("stepfunctions"))
    server.wait()
    iam = server.client("iam")
    for name, service in (("machine", "states.amazonaws.com"), ("stranger", "lambda.amazonaws.com")):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(service))
    statement = {"Effect": "Allow", "Action": ACTIONS, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="machine", PolicyName="p", PolicyDocument=policy)
    server.client("s3").create_bucket(Bucket="items")
    yield server
    server.process.kill()


@pytest.fixture(scope="package")
def sfn(server: Server) -> Any:
    return server.client("stepfunctions")
