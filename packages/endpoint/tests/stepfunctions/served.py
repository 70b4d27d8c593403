"""A ministack with the Step Functions plug-in in a process of its own, and what tests ask it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from osusume_endpoint import administrator
from osusume_endpoint.endpoint import Credentials
from tests.stepfunctions.launcher import ACCOUNT, REGION

ROLE = f"arn:aws:iam::{ACCOUNT}:role/machine"
ACTIONS = [
    "s3:*",
    "sqs:SendMessage",
    "states:StartExecution",
    "states:DescribeExecution",
    "states:StopExecution",
]


def trusting(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


_CONFIG = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False, s3={"addressing_style": "path"})


class Server:
    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for folder in ("s3", "ministack", "tmp"):
            (home / folder).mkdir(parents=True)
        self.log = (home / "log").open("w")
        command = [sys.executable, "-m", "tests.stepfunctions.launcher", str(home), str(self.port)]
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(command, cwd=root, stdout=self.log, stderr=self.log)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            **Credentials(*administrator.read(self.home)).boto3(),
            config=_CONFIG,
        )

    def wait(self) -> None:
        until(lambda: self.process.poll() is not None or _answers(self.port), seconds=60)
        assert self.process.poll() is None, Path(self.log.name).read_text()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


def until(done: Callable[[], Any], *, seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := done()):
        assert time.monotonic() < deadline, "took too long"
        time.sleep(0.03)
    return answer


def create(sfn: Any, name: str, definition: dict, role: str = ROLE, **more: Any) -> str:
    answer = sfn.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role, **more)
    return str(answer["stateMachineArn"])


def finish(sfn: Any, arn: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        description = sfn.describe_execution(executionArn=arn)
        return description if description["status"] != "RUNNING" else None

    return until(ended)


def start(sfn: Any, machine: str, value: Any = None, **more: Any) -> str:
    return str(
        sfn.start_execution(stateMachineArn=machine, input=json.dumps(value or {}), **more)["executionArn"]
    )


def history(sfn: Any, arn: str) -> list[dict[str, Any]]:
    return list(sfn.get_execution_history(executionArn=arn, maxResults=1000)["events"])
