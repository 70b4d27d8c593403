"""A part of the corpus with the cheap checks; all of it: `python -m tests.mutations`."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from tests.mutations import corpus
from tests.mutations.mutation import ESCAPED, Mutation, escapes, known, of_template, reason_of, run

EVERY = 16
SAMPLE, SEED = 8, 20261127
# Values of properties that only cfn-lint, which takes seconds, knows to be wrong.
SLOWLY_NOTICED = frozenset(["property-changed"])


def part() -> list[Mutation]:
    """Every sixteenth, and the first of each kind."""
    firsts: dict[str, Mutation] = {}
    for mutation in corpus.mutations():
        firsts.setdefault(mutation.kind, mutation)
    chosen = [*corpus.mutations()[::EVERY], *firsts.values()]
    return [mutation for mutation in dict.fromkeys(chosen) if mutation.kind not in SLOWLY_NOTICED]


def unexplained(results: Iterable[tuple[Mutation, str]]) -> list[str]:
    return [m.id for m, rule in results if rule == ESCAPED and reason_of(m) is None]


@pytest.mark.nightly
def test_what_escapes_has_a_reason() -> None:
    results = list(run(part(), thorough=False))
    assert len(results) >= 150
    assert unexplained(results) == []


def test_what_escapes_of_a_sample_has_a_reason() -> None:
    """The night looks at the whole part."""
    assert unexplained(run(random.Random(SEED).sample(part(), SAMPLE), thorough=False)) == []


def test_an_escape_without_a_reason_is_told() -> None:
    described = of_template("note/Storage", "Storage", lambda template: template.update(Description="Data"))
    assert unexplained(run([described], thorough=False)) == ["note/Storage"]


def test_the_shipped_templates_are_not_noticed() -> None:
    """Else every mutation would be: only acknowledged findings are there before."""
    assert len(known()) <= 5


def test_a_mutation_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        of_template("nothing/Storage", "Storage", lambda template: None).noticed(False)


def test_a_change_that_no_check_minds_escapes() -> None:
    described = of_template("note/Storage", "Storage", lambda template: template.update(Description="Data"))
    assert [rule for _, rule in run([described], thorough=False)] == [ESCAPED]


def test_every_statement_of_every_policy_is_removed_once() -> None:
    removed = [mutation for mutation in corpus.mutations() if mutation.kind == "statement-removed"]
    assert len(removed) >= 130
    assert len(corpus.mutations()) >= 2000


def test_every_escape_has_its_reason() -> None:
    assert escapes()
    assert all(len(reason.split()) >= 4 for reason in escapes().values())
