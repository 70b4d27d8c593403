"""What served before, in the control table: the serving version, and those that the gate let in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lambdas.judge_solution_version.gate import Case, Earlier, Metrics, Serving

KEPT = 30  # versions of a solution


class Past:
    def __init__(self, dynamodb: Any, *, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def serving(self, solution: str) -> Serving | None:
        item = self._item(f"serving#{solution}")
        if item is None:
            return None
        previous = item.get("previous_solution_version_arn", {}).get("S", "")
        return Serving(item["solution_version_arn"]["S"], json.loads(item["metrics"]["S"]), previous)

    def popularity(self, solution: str, *, judged: str) -> Metrics:
        """The metric of the serving Popularity-Count version; empty where there is none to compare with."""
        serving = self.serving(solution) if solution and solution != judged else None
        return serving.metrics if serving else {}

    def history(self, solution: str, *, without: str = "") -> list[Earlier]:
        """Oldest first; a version that is judged again is no history of itself."""
        item = self._item(f"gate#{solution}")
        found = json.loads(item["history"]["S"]) if item else []
        return [Earlier(**one) for one in found if one["arn"] != without]

    def remember(self, solution: str, case: Case) -> None:
        """The version that was let in, for the next one to be compared with."""
        if case.serving and case.serving.solution_version_arn == case.arn:
            return
        kept = [earlier.as_dict() for earlier in remembered(case)[-KEPT:]]
        item = {"pk": {"S": f"gate#{solution}"}, "history": {"S": json.dumps(kept)}}
        self._dynamodb.put_item(TableName=self._table, Item=item)

    def _item(self, pk: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(TableName=self._table, Key={"pk": {"S": pk}}, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item


def remembered(case: Case) -> Sequence[Earlier]:
    """What a command promoted since is a measure from now on, and what was before it none."""
    history, serving = list(case.history), case.serving
    if serving and (not history or history[-1].arn != serving.solution_version_arn):
        history.append(Earlier(serving.solution_version_arn, serving.metrics, first=True))
    first = serving is None or case.changed
    return [*history, Earlier(case.arn, case.metrics, first=first)]
