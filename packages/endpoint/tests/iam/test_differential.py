"""Our decisions against those of an implementation that neither we nor ministack's authors wrote.

The other is in .venv/oracle (`make install`): its licence keeps it out of everything that is shipped (docs/adr/0035).
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.iam import conditions, decisions, matching, statements
from tests.iam import policies
from tests.replacing import undo

Json = dict[str, Any]
# Also where the package is installed alone, in an environment beside.
VENVS = (Path(sys.prefix), Path(__file__).parents[4] / ".venv")
VENV = next((venv for venv in VENVS if (venv / "oracle" / "node_modules").is_dir()), VENVS[-1])
WORDS = {"Allow": "Allowed", "Deny": "ExplicitlyDenied", "ImplicitDeny": "ImplicitlyDenied"}


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    statements.install()
    yield
    undo()


def theirs(asked: list[Json]) -> list[str]:
    return _answers("".join(f"{json.dumps(one)}\n" for one in asked))


@cache
def _answers(lines: str) -> list[str]:
    assert (VENV / "oracle" / "node_modules").is_dir(), f"{VENV}/oracle has no node_modules: run make install"
    found = subprocess.run(
        [str(VENV / "node" / "bin" / "node"), str(Path(__file__).parent / "oracle" / "simulate.cjs")],
        input=lines,
        env={"NODE_PATH": str(VENV / "oracle" / "node_modules")},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return found.stdout.splitlines()


def ours(asked: Json) -> str:
    from ministack.core import iam_evaluator as evaluator

    context = evaluator.EvalContext(
        principal_arn=asked["principal"],
        principal_type="User",
        principal_account=asked["principal"].split(":")[4],
        action=asked["action"],
        resource_arn=asked["resource"],
        region=asked["context"]["aws:RequestedRegion"],
        source_ip=asked["context"]["aws:SourceIp"],
        secure_transport=asked["context"]["aws:SecureTransport"] == "true",
        service_context={key.lower(): value for key, value in asked["context"].items()},
    )
    found = decisions.decide(
        context,
        [evaluator.parse_policy_document(document) for document in asked["identity"]],
        limits=[[evaluator.parse_policy_document(asked["boundary"])]] if asked["boundary"] else [],
        # Another account's resource without a policy has an owner all the same, as services here say it.
        resource_policy=(asked["resource_policy"] or "", asked["account"])
        if asked["resource_policy"] or not asked["principal"].startswith(f"arn:aws:iam::{asked['account']}:")
        else None,
    )
    return WORDS[found.decision]


def differences(asked: list[Json]) -> list[tuple[str, str, Json]]:
    answered = theirs(asked)
    assert len(answered) == len(asked)
    return [
        (mine, other, one) for one, other in zip(asked, answered, strict=True) if (mine := ours(one)) != other
    ]


def smallest(asked: Json) -> Json:
    """The same difference with fewer statements and conditions."""
    for smaller in _smaller(asked):
        if differences([smaller]):
            return smallest(smaller)
    return asked


def _smaller(asked: Json) -> Iterator[Json]:
    for name in ("boundary", "resource_policy"):
        if asked[name]:
            yield {**asked, name: None}
    for position, policy in enumerate(asked["identity"]):
        for less in _with_less(policy):
            yield {
                **asked,
                "identity": [*asked["identity"][:position], less, *asked["identity"][position + 1 :]],
            }
    for name in ("boundary", "resource_policy"):
        for less in _with_less(asked[name]):
            yield {**asked, name: less}


def _with_less(policy: Json | None) -> Iterator[Json]:
    statements = policy["Statement"] if policy else []
    for position, statement in enumerate(statements):
        before, after = statements[:position], statements[position + 1 :]
        if before or after:
            yield {**policy, "Statement": [*before, *after]}
        for operator in statement.get("Condition", {}):
            left = {name: keys for name, keys in statement["Condition"].items() if name != operator}
            yield {**policy, "Statement": [*before, {**statement, "Condition": left}, *after]}


def made(seed: int, count: int) -> list[Json]:
    chance = random.Random(seed)
    return [policies.request(chance) for _ in range(count)]


def across(seed: int, count: int) -> list[Json]:
    chance = random.Random(seed)
    return [policies.across(chance) for _ in range(count)]


@cache
def quick() -> list[Json]:
    return made(1, 2_000)


def told(asked: list[Json]) -> list[str]:
    """The first differences, each as small as it can be."""
    found = [smallest(one) for _, _, one in differences(asked)[:3]]
    return [f"ours {ours(one)}, theirs {theirs([one])[0]}: {json.dumps(one)}" for one in found]


def test_our_decisions_are_those_of_another_implementation() -> None:
    assert told(quick()) == []
    counted = Counter(ours(one) for one in quick())
    assert len(counted) == 3 and min(counted.values()) > 150, counted


def test_across_accounts_our_decisions_are_theirs_too_and_both_sides_must_allow() -> None:
    asked = across(1, 600)
    assert told(asked) == []
    assert len(Counter(map(ours, asked))) == 3
    allowed = [one for one in asked if ours(one) == "Allowed"]
    assert len(allowed) > 50
    for one in allowed:
        assert ours({**one, "resource_policy": None}) == ours({**one, "identity": []}) == "ImplicitlyDenied"


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 7))
def test_our_decisions_are_those_of_another_implementation_over_thousands(seed: int) -> None:
    assert told(made(seed, 10_000)) == []


BROKEN: dict[str, Callable[[pytest.MonkeyPatch], Any]] = {
    "a variable is text": lambda patch: patch.setattr(
        matching, "resolved", lambda t, *_, **__: ((t, False),)
    ),
    "an ARN is one text": lambda patch: [
        patch.setitem(conditions._OPERATORS, name, (matching.like, name.startswith("arnnot"), True))
        for name in ("arnlike", "arnequals", "arnnotlike", "arnnotequals")
    ],
    "an absent key holds": lambda patch: patch.setattr(conditions.Operator, "_without_value", lambda _: True),
    "conditions are not read": lambda patch: patch.setattr(conditions, "hold", lambda *_, **__: True),
    "ids ignore case": lambda patch: patch.setitem(
        conditions._OPERATORS, "stringequals", (conditions._equal_in_any_case, False, True)
    ),
    "several values are one": lambda patch: patch.setattr(conditions, "any_of", conditions.all_of),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_in_ours_is_a_difference(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BROKEN[fault](monkeypatch)
    assert differences(quick())
