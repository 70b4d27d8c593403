"""`dbt build` in this process, and what came of each node."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lambdas.run_dbt.locks import use_thread_locks

PROJECT = Path(__file__).parents[2] / "warehouse"
# Unit tests say nothing of a run's rows, and the warehouse bills their seconds.
COMMAND = ("build", "--exclude-resource-type", "unit_test")
GOOD = ("success", "pass", "warn", "no-op")


class DbtBuildFailed(RuntimeError):
    """Names each node that failed and what it said."""


def build(*, project: Path, work: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """`work` is a writable folder: on Lambda only /tmp is."""
    use_thread_locks()
    # dbt reads profile and home from the environment alone.
    os.environ.update(variables, HOME=str(work), DBT_SEND_ANONYMOUS_USAGE_STATS="false", DO_NOT_TRACK="1")
    from dbt.cli.main import dbtRunner

    answer = dbtRunner().invoke([*COMMAND, *arguments(project=project, work=work)])
    if answer.exception is not None:
        raise DbtBuildFailed(f"dbt did not get to building: {answer.exception}") from answer.exception
    results = getattr(answer.result, "results", [])
    check(results)
    return {**counts(results), "failed": []}


def arguments(*, project: Path, work: Path) -> list[str]:
    paths = {"--project-dir": project, "--profiles-dir": project}
    outputs = {"--target-path": work / "target", "--log-path": work / "logs"}
    named = [part for option, path in {**paths, **outputs}.items() for part in (option, str(path))]
    return [*named, "--no-use-colors", "--log-level", "warn", "--log-level-file", "none"]


def check(results: Iterable[Any]) -> None:
    """Skipped nodes are not named: they only follow from those that failed."""
    failed = [result for result in results if str(result.status) not in (*GOOD, "skipped")]
    if failed:
        lines = [f"{one.node.unique_id} ({one.status}): {one.message}" for one in failed]
        raise DbtBuildFailed("\n".join([f"{len(failed)} nodes failed:", *lines]))


def counts(results: Iterable[Any]) -> dict[str, int]:
    kinds = Counter(str(result.node.resource_type) for result in results if str(result.status) in GOOD)
    return {"models": kinds["model"], "tests": kinds["test"] + kinds["unit_test"]}
