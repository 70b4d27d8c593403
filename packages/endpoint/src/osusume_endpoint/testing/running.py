"""A running endpoint for tests, and short-hands to make roles and functions in it."""

from __future__ import annotations

import io
import json
import os
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint import processes, state
from osusume_endpoint.endpoint import Credentials, Endpoint

ACCOUNT, REGION = "222222222222", "eu-central-1"  # neither ministack's defaults nor those of dev.yaml
PLUGINS = "iam,cloudformation,cloudwatch,lambda,dynamodb,s3,apigateway,scheduler,quicksight,guard"


@contextmanager
def running(home: Path, *, plugins: str = PLUGINS, wait_scale: float = 0.01) -> Iterator[Endpoint]:
    pid = start(home, plugins=plugins, wait_scale=wait_scale)
    try:
        yield attached(home)
    finally:
        processes.terminate(pid)


def start(home: Path, *, plugins: str = PLUGINS, wait_scale: float = 0.01) -> int:
    """Returns the supervisor's pid once the endpoint answers."""
    environment = {
        **os.environ,
        "OSUSUME_HOME": str(home),
        "OSUSUME_PORT": "0",
        "OSUSUME_PLUGINS": plugins,
        "OSUSUME_DIE_WITH_PARENT": "1",
        "OSUSUME_VALIDATE_RESPONSES": "1",
    }
    command = [sys.executable, "-m", "osusume_endpoint", "--account", ACCOUNT, "--region", REGION]
    log = home / "log" / "endpoint.log"
    pid = processes.start_detached(
        [*command, "--wait-scale", str(wait_scale)], log=log, environment=environment
    )
    for _ in range(1200):
        current = state.load(home)
        if current is not None and current.pid == pid:
            return pid
        if not processes.is_alive(pid):
            break
        time.sleep(0.05)
    raise AssertionError(f"The endpoint did not start:\n{log.read_text()}")


def attached(home: Path) -> Endpoint:
    current = state.running(home)
    return Endpoint(
        url=current.url, port=current.port, region=current.region, account=current.account, home=home
    )


def name(prefix: str = "test") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def allow(*actions: str, resource: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def make_role(
    endpoint: Endpoint,
    *statements: Mapping[str, Any],
    service: str | None = None,
    condition: Mapping[str, Any] | None = None,
) -> str:
    """A role trusted by the service (or by the account), with these statements. Returns its ARN."""
    iam, role = endpoint.client("iam"), name("role")
    principal = {"Service": service} if service else {"AWS": f"arn:aws:iam::{endpoint.account}:root"}
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if condition:
        trust["Condition"] = condition
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=_document([trust]))
    if statements:
        iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=_document(list(statements)))
    return f"arn:aws:iam::{endpoint.account}:role/{role}"


def _document(statements: list[Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def session_of(endpoint: Endpoint, role_arn: str) -> Credentials:
    issued = endpoint.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="tester")["Credentials"]
    return Credentials(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])


def caller(endpoint: Endpoint, *statements: Mapping[str, Any]) -> Callable[[str], Any]:
    """Clients of a caller who may do only what the statements allow."""
    credentials = session_of(endpoint, make_role(endpoint, *statements))
    return lambda service: endpoint.client(service, credentials)


def zipped(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def make_function(
    endpoint: Endpoint, code: str | Mapping[str, str], *, role: str = "", **options: Any
) -> str:
    """A Python function of index.py (index.handler). Returns its name."""
    files = {"index.py": code} if isinstance(code, str) else code
    function = name("function")
    endpoint.client("lambda").create_function(
        FunctionName=function,
        Runtime="python3.13",
        Role=role or make_role(endpoint, service="lambda.amazonaws.com"),
        Handler=options.pop("Handler", "index.handler"),
        Code={"ZipFile": zipped(files)},
        **options,
    )
    return function


def invoke(endpoint: Endpoint, function: str, event: Any = None) -> tuple[Any, str | None]:
    """(payload, FunctionError)."""
    answer = endpoint.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def error_of(call: Callable[[], Any]) -> tuple[str, str]:
    """(code, message) of the ClientError that the call must raise."""
    with pytest.raises(ClientError) as raised:
        call()
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def eventually(look: Callable[[], Any], *, seconds: float = 10.0) -> Any:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"Nothing within {seconds} s")
