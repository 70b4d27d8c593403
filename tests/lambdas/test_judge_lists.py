"""Lists that are all alike, and people without one, stop a run before anybody reads them."""

from __future__ import annotations

import gzip
import json
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from config import gate, layout
from lambdas.judge_lists import figures
from lambdas.judge_lists.environment import Environment
from lambdas.judge_lists.handler import ListsRefused, run
from osusume_engine.metrics import sameness
from tests import example
from tests.lambdas.fakes import S3

RUN = "20261124T030000Z"
RULES = {"personal": {"audience": "users", "max_sameness": 0.95, "max_without_list": 0.1}}


class Listed(S3):
    """S3 that lists its objects, two of a page."""

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        found = [
            {"Key": name.removeprefix(f"{Bucket}/"), "Size": len(body)}
            for name, body in sorted(self.objects.items())
            if name.startswith(f"{Bucket}/{Prefix}")
        ]
        return [{"Contents": found[:2]}, {"Contents": found[2:]}, {}]


def bucket(lists: list[list[str]], *, asked: int) -> Listed:
    """Lists in files of three, and the batch input that asked for them."""
    folder = layout.PUBLISH.of(run_id=RUN, solution="personal")
    inputs = layout.BATCH_INPUT.of(run_id=RUN, audience="users")
    lines = [
        json.dumps({"list": "personal", "key": str(n), "items": [[item, 1.0] for item in items]})
        for n, items in enumerate(lists)
    ]
    files = {
        f"results/{folder}part-{n}.txt.gz": gzip.compress("\n".join(lines[n : n + 3]).encode() + b"\n")
        for n in range(0, len(lines), 3)
    }
    users = "".join(json.dumps({"userId": str(n)}) + "\n" for n in range(asked))
    return Listed(
        {**files, f"datasets/{inputs}part-0.json": users.encode(), f"datasets/{inputs}_SUCCESS": b""}
    )


def judged(s3: Listed, rules: dict[str, dict[str, Any]] = RULES) -> dict[str, Any]:
    found: dict[str, Any] = run(
        {"run_id": RUN}, s3=s3, settings=Environment("datasets", "results", rules, "Osusume/test")
    )["personal"]
    return found


def test_lists_that_differ_and_reach_everybody_pass_with_their_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = judged(bucket([[f"{n}-{i}" for i in range(4)] for n in range(10)], asked=10))
    assert found == {"lists": 10, "asked": 10, "sameness": 0.0, "without_list": 0.0}
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["Solution"], line["sameness"], line["without_list"]) == ("personal", 0.0, 0.0)


def test_lists_that_are_all_alike_are_refused_with_the_figure_and_the_key() -> None:
    with pytest.raises(ListsRefused) as refused:
        judged(bucket([["a", "b", "c"]] * 9, asked=9))
    assert "100.0% of their places in common" in str(refused.value)
    assert "quality_gate.solutions.personal.max_sameness is 95.0%" in str(refused.value)
    allowed = {"personal": {**RULES["personal"], "max_sameness": 1.0}}
    assert judged(bucket([["a", "b", "c"]] * 9, asked=9), allowed)["sameness"] == 1.0


@pytest.mark.parametrize(("made", "passes"), [(20, True), (18, True), (17, False), (1, False)])
def test_too_many_without_a_list_are_refused(made: int, passes: bool) -> None:
    s3 = bucket([[f"{n}"] for n in range(made)], asked=20)
    if passes:
        assert judged(s3)["without_list"] == pytest.approx(1 - made / 20)
    else:
        with pytest.raises(ListsRefused, match=rf"{1 - made / 20:.1%} of the 20 whom a list of personal"):
            judged(s3)


def test_sameness_is_the_engines_within_the_samples_error() -> None:
    rng = np.random.default_rng(3)
    lists = np.stack([rng.choice(80, 25, replace=False) for _ in range(1500)])
    ours = figures.sameness([frozenset(map(str, row)) for row in lists[: figures.SAMPLED]])
    assert ours == pytest.approx(sameness(lists), abs=0.01)


def test_every_list_is_as_likely_to_be_looked_at() -> None:
    counts = np.zeros(3000)
    for seed in range(60):
        sample = figures.Sample(random.Random(seed))
        sample.add(str(n).encode() for n in range(3000))
        assert sample.seen == 3000 and len(set(sample.kept)) == figures.SAMPLED
        counts[[int(line) for line in sample.kept]] += 1
    thirds = counts.reshape(3, -1).mean(axis=1)
    assert thirds == pytest.approx(np.full(3, 20.0), abs=1.0)


def test_the_shipped_rules_ask_of_lists_of_users_and_of_no_others() -> None:
    settings = example.settings()
    rules = gate.lists_judged_by(settings.quality_gate, settings.solutions)
    assert rules["personal"] == RULES["personal"]
    assert rules["related"] == {"audience": "items", "max_sameness": 1.0, "max_without_list": 1.0}
    assert "popular" not in rules
