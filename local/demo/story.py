"""What the demo tells at its end of the run itself: its time, its rows, its lists in the warehouse, what to try."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from config import layout
from config.names import Names
from local.demo.progress import Run

Clients = Callable[[str], Any]


class QueryFailed(RuntimeError):
    """The warehouse refused a statement."""


def rows(clients: Clients, names: Names, run_id: str) -> Iterator[str]:
    """What became of each dataset's rows, by the run's report."""
    answer = clients("s3").get_object(Bucket=names.datasets_bucket, Key=layout.REPORT.of(run_id=run_id))
    for dataset, counts in json.loads(answer["Body"].read())["datasets"].items():
        aside = {**counts["ignored"], **counts["quarantined"]}
        reasons = "".join(f", {count:,} {reason}" for reason, count in sorted(aside.items()))
        yield f"  {dataset:<13} {counts['read']:>8,} read, {counts['kept']:>8,} kept{reasons}"


def marts(clients: Clients, *, workgroup: str, database: str, secret: str) -> Iterator[str]:
    """Coverage of the newest run, from the warehouse through Redshift's Data API."""
    records = query(
        clients("redshift-data"),
        "select solution, lists, recommended_items, coverage, sameness from marts.mart_catalogue_coverage "
        "where run_id = (select max(run_id) from marts.mart_catalogue_coverage) order by solution",
        workgroup=workgroup,
        database=database,
        secret=secret,
    )
    for solution, lists, items, coverage, sameness in records:
        alike = f", two lists share {sameness:.0%}" if lists > 1 else ""
        yield f"  {solution:<10} {lists:>6,} lists  {items:>6,} items  {coverage:6.1%} of the catalogue{alike}"


def query(client: Any, statement: str, *, workgroup: str, database: str, secret: str) -> list[list[Any]]:
    """Rows, as the database user of the secret (name or ARN) sees them."""
    started = client.execute_statement(
        Sql=statement, WorkgroupName=workgroup, Database=database, SecretArn=secret
    )
    while True:
        state = client.describe_statement(Id=started["Id"])
        if state["Status"] in ("FAILED", "ABORTED"):
            raise QueryFailed(f"{state.get('Error')} ({statement})")
        if state["Status"] == "FINISHED":
            break
        time.sleep(0.1)
    records = client.get_statement_result(Id=started["Id"])["Records"]
    return [[next(iter(field.values())) for field in record] for record in records]


def timings(run: Run) -> Iterator[str]:
    for path, seconds in run.steps():
        if seconds >= 0.5:
            yield f"  {seconds:6.1f} s  {path}"


def run_id_of(output: str) -> str:
    """The run's id in the pipeline's output."""
    return str(json.loads(output)["run_id"])


def commands(url: str, path: str) -> Iterator[str]:
    """Lines that a person can paste. `path` begins with /v1."""
    yield 'eval "$(make -s env)"    # endpoint, region, the operator\'s credentials and OSUSUME_API_URL'
    yield "curl --aws-sigv4 aws:amz:$AWS_REGION:execute-api \\"
    yield "  --user $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY \\"
    yield '  -H "x-amz-security-token: $AWS_SESSION_TOKEN" \\'
    yield f"  '{url.rstrip('/')}{path}'"
    yield "python -m local status    # the deployed stacks"
    yield "make down                 # stop everything"
