"""A user is forgotten: no store of the line has the id any more, and the next run keeps the user out, until released.

Its name makes it one of the last: what it removes, no test after it asks for.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from operations import forget
from operations.place import Place, Refused
from osusume_endpoint.faults.client import Faults
from tests.e2e.line import Line, place_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(line: Line) -> Iterator[Place]:
    with place_of(line) as found:
        yield found


@pytest.fixture(scope="module")
def user(line: Line, first_run: str) -> str:
    """Somebody who bought and has a list, and whom no other test names."""
    return sorted(set(line.shop.user_groups) - {line.shop.held_out_user})[-1]


def texts(content: bytes) -> Iterator[bytes]:
    """What a file of any of the formats holds."""
    yield content
    if content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content)
    if content[:4] == b"PAR1":
        yield json.dumps(pq.read_table(io.BytesIO(content)).to_pylist(), default=str).encode()
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def in_objects(line: Line, wanted: bytes) -> Iterator[str]:
    names, s3 = line.settings.names, line.client("s3")
    for bucket in (names.raw_bucket, names.datasets_bucket, names.results_bucket):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", []):
                got = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
                if any(wanted in text for text in texts(got["Body"].read())):
                    yield f"s3://{bucket}/{version['Key']}"


def in_tables(line: Line, wanted: str) -> Iterator[str]:
    names, dynamodb = line.settings.names, line.client("dynamodb")
    for table in (names.control_table, names.recommendations_table, names.application_log_table):
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            yield from (f"{table}: {item}" for item in page["Items"] if wanted in str(item))


def in_warehouse(line: Line, wanted: str) -> Iterator[str]:
    """Every column of every table and view, as text."""
    tables = line.warehouse(
        "select table_schema, table_name from svv_tables where table_schema in ('landing', 'staging', 'marts')"
    )
    assert len(tables) > 15
    for schema, table in tables:
        found = line.warehouse(
            f"select count(*) from {schema}.{table} t where strpos(t::text, '{wanted}') > 0"
        )
        if found != [[0]]:
            yield f"{schema}.{table}"


def in_executions(line: Line, wanted: str) -> Iterator[str]:
    client = line.client("stepfunctions")
    arn = line.settings.names.workflow_arn("forget")
    for execution in client.list_executions(stateMachineArn=arn)["executions"]:
        history = client.get_paginator("get_execution_history").paginate(
            executionArn=execution["executionArn"], includeExecutionData=True
        )
        yield from (execution["name"] for page in history if wanted in str(page["events"]))


def in_files(line: Line, wanted: bytes) -> Iterator[str]:
    """Personalize's files and the logs of functions, jobs and workflows, as the endpoint keeps them on disk."""
    home = line.endpoint.home
    for folder in ("personalize", "log"):
        assert (home / folder).is_dir(), sorted(path.name for path in home.iterdir())
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and any(wanted in text for text in texts(path.read_bytes())):
                yield str(Path(path).relative_to(home))


def everywhere(line: Line, user: str) -> list[str]:
    wanted = user.encode()
    return [
        *in_objects(line, wanted),
        *in_tables(line, user),
        *in_warehouse(line, user),
        *in_executions(line, user),
        *in_files(line, wanted),
    ]


@pytest.fixture(scope="module")
def found_before(line: Line, user: str) -> str:
    return "\n".join(everywhere(line, user))


# The function is killed where it writes, once in each store; the workflow calls it again.
KILLS = (
    "dynamodb:BatchWriteItem",
    "s3:PutObject",
    "s3:DeleteObject",
    "redshift-data:ExecuteStatement",
    "kms:Decrypt",
)


@pytest.fixture(scope="module")
def forgotten(place: Place, line: Line, user: str, found_before: str) -> str:
    """What `make forget` printed; on the way, the function died in each store."""
    faults = Faults(line.endpoint.url, line.endpoint.region, line.endpoint.administrator)
    target = f"lambda:{line.settings.names.function('forget_users')}"
    faults.use(json.dumps({"kills": [{"target": target, "when": when} for when in KILLS]}))
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            code = forget.forget(place, user=user, given=line.settings.environment)
            fired = faults.clear()["fired"]
            # Each call is tried three times; more deaths than that take another execution.
            if code:
                code = forget.forget(place, user=user, given=line.settings.environment)
    finally:
        with contextlib.suppress(Exception):
            faults.clear()
    assert code == 0, printed.getvalue()
    assert len(fired) >= 3, fired
    return printed.getvalue()


def test_before_it_the_search_finds_the_user_in_every_store(found_before: str) -> None:
    for store in (
        "aurora/",
        "events/",
        "application_log/",
        "interactions/",
        "batch_input/",
        "batch/personal",
    ):
        assert store in found_before, store
    for store in ("publish/", "landing.orders", "marts.dim_users", "personalize/", "-recommendations: "):
        assert store in found_before, store


def test_after_it_no_store_has_the_user(line: Line, user: str, forgotten: str) -> None:
    assert everywhere(line, user) == []
    [[left]] = line.application(f"select count(*) from users where user_id = '{user}'")
    assert left == 1, "the application's own tables are its own"


def test_its_report_counts_what_went_and_names_nobody(user: str, forgotten: str) -> None:
    assert user not in forgotten
    # Of the first batch of each kind, the function died before it could count.
    for what in ("datasets: rows", "raw: versions", "results: versions"):
        [number] = [line.split()[-1] for line in forgotten.splitlines() if line.strip().startswith(what)]
        assert int(number.replace(",", "")) > 0, what


def test_a_page_of_the_user_shows_what_everybody_takes(line: Line, user: str, forgotten: str) -> None:
    assert line.api.get(f"/v1/users/{user}/recommendations?numResults=5")["source"] == "popular"


def test_no_role_was_denied_a_call(line: Line, forgotten: str) -> None:
    denied = {
        (call["action"], call["resource"])
        for call in line.calls()
        if call["status"] == 403 and "orget" in call["caller"]
    }
    assert denied == set()


@pytest.mark.nightly
def test_the_next_run_keeps_the_user_out_until_released(
    place: Place, line: Line, user: str, forgotten: str
) -> None:
    line.run()
    assert everywhere(line, user) == []
    [[known]] = line.warehouse("select count(*) from landing.users")
    [[there]] = line.application("select count(*) from users")
    assert known == there - 1, "others went too"
    forget.release(place, user=user, given=line.settings.environment)
    with pytest.raises(Refused, match="not left out"):
        forget.release(place, user=user, given=line.settings.environment)
    line.run()
    assert line.api.get(f"/v1/users/{user}/recommendations?numResults=5")["source"] == "personal"
