"""A run under faults: it gets past what passes, and what does not leaves the previous lists.

Last of the end-to-end tests by its name: it moves the version that serves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from config import layout
from local.chaos.invariants import Before, broken
from local.chaos.line import Line as Watched
from local.chaos.line import Outcome
from local.demo.progress import RunFailed
from tests.e2e.line import Line

# A killed job and the run after it are in test_runs.py; throttles and a killed function wait for the night.
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]

THROTTLES = """
  - {service: dynamodb, operation: PutItem, kind: throttle, count: 1}
  - {service: dynamodb, operation: BatchWriteItem, kind: throttle, count: 3}
  - {service: lambda, operation: Invoke, kind: throttle, count: 2}
  - {service: personalize, operation: 'Create*', kind: throttle, count: 3}
  - {service: personalize, operation: 'Describe*', kind: internal_error, after: 2, count: 3}
  - {service: s3, operation: GetObject, kind: throttle, count: 3}
  - {service: s3, operation: PutObject, kind: reset, after: 2, count: 2}
"""
FAULTS = THROTTLES.count("service:")
# In the words of PublishFailed: how many, of how many, where, and one of the causes.
UNPUBLISHED = re.compile(
    r"(\d+) of (\d+) batches failed, their causes lie in s3://([^/]+)/(\S+/)\. One of them: (.+)", re.DOTALL
)


@pytest.fixture(scope="module")
def watched(line: Line, first_run: str) -> Iterator[Watched]:
    found = Watched(line.endpoint, line.settings)
    yield found
    found.faults.clear()


@pytest.fixture(scope="module")
def killed(watched: Watched) -> tuple[Before, Outcome, dict]:
    """A run that gets past the throttles and dies while it publishes: what served before, and how it ended."""
    before = Before.of(watched)
    watched.faults.use(
        f"rules: {THROTTLES}\n"
        "kills:\n"
        "  - {target: 'lambda:publish_recommendations', when: 'dynamodb:BatchWriteItem', at: 4, count: 99}"
    )
    outcome = watched.run(seconds=900)
    return before, outcome, watched.faults.clear()


def test_a_run_gets_past_throttles_until_its_publishing_function_is_killed(
    killed: tuple[Before, Outcome, dict],
) -> None:
    _, outcome, report = killed
    assert outcome.failure is not None
    assert (outcome.status, outcome.failure.workflow) == ("FAILED", "recommend")
    assert "Publish" in f"{outcome.failure.state} {outcome.failure.cause}"
    hit = {fired["fault"] for fired in report["fired"]}
    assert hit == {"kills.0", *(f"rules.{place}" for place in range(FAULTS))}, report


def test_whose_batches_were_not_published_is_told_how_many_why_and_where_each_cause_lies(
    watched: Watched, killed: tuple[Before, Outcome, dict]
) -> None:
    """The workflow's own role writes and reads the causes, and the mail that people get has all three."""
    _, outcome, _ = killed
    assert outcome.failure is not None and outcome.failure.error == "PublishFailed"
    said = _notified(watched)
    assert "Error: PublishFailed" in said
    assert _unpublished(watched, said, of=outcome.run_id) == {"Runtime.ExitError"}


def test_a_run_that_died_while_it_published_leaves_the_previous_lists(
    watched: Watched, killed: tuple[Before, Outcome, dict]
) -> None:
    before, outcome, report = killed
    assert outcome.failure is not None
    assert before.pointers and watched.pointers() == before.pointers
    assert outcome.run_id not in before.pointers.values()
    problems = broken(watched, before, outcome, report)
    assert problems == []


def test_of_batches_that_may_not_write_the_others_are_counted_too(
    line: Line, watched: Watched, killed: tuple[Before, Outcome, dict]
) -> None:
    _, outcome, _ = killed
    refused = "service: dynamodb, operation: BatchWriteItem, kind: access_denied, after: 1, count: 1"
    watched.faults.use(f"rules: [{{{refused}}}]")
    with pytest.raises(RunFailed, match="PublishFailed") as failed:
        line.start("recommend", {"run_id": outcome.run_id, "versions": _serving(watched)})
    watched.faults.clear()
    assert "AccessDenied" in str(failed.value)
    assert _unpublished(watched, str(failed.value), of=outcome.run_id, failed=1) == {"ClientError"}


def test_the_lists_of_that_run_are_published_once_nothing_kills_it_in_spite_of_throttles(
    line: Line, watched: Watched, killed: tuple[Before, Outcome, dict]
) -> None:
    _, outcome, _ = killed
    before = Before.of(watched)
    watched.faults.use(f"{{seed: 1, rules: [{', '.join(_flow(THROTTLES))}]}}")
    line.start("recommend", {"run_id": outcome.run_id, "versions": _serving(watched)})
    report = watched.faults.clear()
    assert set(watched.pointers().values()) == {outcome.run_id}
    assert broken(watched, before, Outcome("SUCCEEDED", 0, run_id=outcome.run_id), report) == []
    assert {"s3:GetObject", "dynamodb:BatchWriteItem"} <= {fired["what"] for fired in report["fired"]}


def _flow(rules: str) -> list[str]:
    return [rule.strip().removeprefix("- ") for rule in rules.strip().splitlines()]


def _notified(watched: Watched) -> str:
    """What the newest run's pipeline published to the topic."""
    client, workflow = watched.client("stepfunctions"), watched.settings.names.workflow_arn("pipeline")
    newest = client.list_executions(stateMachineArn=workflow)["executions"][0]["executionArn"]
    pages = client.get_paginator("get_execution_history").paginate(executionArn=newest)
    events = [event for page in pages for event in page["events"]]
    [sent] = [
        json.loads(event["taskScheduledEventDetails"]["parameters"])
        for event in events
        if event.get("taskScheduledEventDetails", {}).get("resourceType") == "sns"
    ]
    assert not [
        event for event in events if event.get("taskFailedEventDetails", {}).get("resourceType") == "sns"
    ]
    return str(sent["Message"])


def _unpublished(watched: Watched, said: str, *, of: str, failed: int | None = None) -> set[str]:
    """The errors in the files of the folder that `said` names, once all of what it says was found to be so."""
    found = UNPUBLISHED.search(said)
    assert found, said
    count, batches, bucket, folder, why = found.groups()
    assert 0 < int(count) <= int(batches) and (failed is None or int(count) == failed)
    assert bucket == watched.settings.names.results_bucket and folder.startswith(f"runs/{of}/unpublished/")
    noted: list[dict[str, Any]] = [json.loads(body) for _, body in watched.objects(bucket, folder)]
    assert len(noted) == int(count)
    assert any(why.startswith(f"{one['error']}: {one['cause'][:200]}") for one in noted), why
    published = layout.PUBLISH.of(run_id=of, solution=folder.split("/")[3])
    assert all(file.startswith(published) for one in noted for file in one["files"])
    return {one["error"] for one in noted}


def _serving(watched: Watched) -> dict[str, str]:
    """The trained versions, as the control table has them."""
    found = {}
    for name in watched.lists:
        key = {"pk": {"S": f"serving#{name}"}}
        table = watched.settings.names.control_table
        item = watched.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
        found[name] = item["solution_version_arn"]["S"]
    return found
