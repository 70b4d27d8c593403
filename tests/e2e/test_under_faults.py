"""A run under faults: it gets past what passes, and what does not leaves the previous lists.

Last of the end-to-end tests by its name: it moves the version that serves.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.chaos.invariants import Before, broken
from local.chaos.line import Line as Watched
from local.chaos.line import Outcome
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
    outcome = watched.run(seconds=300)
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


def test_a_run_that_died_while_it_published_leaves_the_previous_lists(
    watched: Watched, killed: tuple[Before, Outcome, dict]
) -> None:
    before, outcome, report = killed
    assert outcome.failure is not None
    assert before.pointers and watched.pointers() == before.pointers
    assert outcome.run_id not in before.pointers.values()
    problems = broken(watched, before, outcome, report)
    if outcome.failure.error == "States.ExceedToleratedFailureThreshold":
        # A Distributed Map says that a child failed, not of what.
        problems = [problem for problem in problems if "names no fault" not in problem]
    assert problems == []


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


def _serving(watched: Watched) -> dict[str, str]:
    """The trained versions, as the control table has them."""
    found = {}
    for name in watched.lists:
        key = {"pk": {"S": f"serving#{name}"}}
        table = watched.settings.names.control_table
        item = watched.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
        found[name] = item["solution_version_arn"]["S"]
    return found
