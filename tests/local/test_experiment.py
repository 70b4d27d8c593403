"""`make experiment`: what is asked of the warehouse, and what is refused before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from analysis.panel import COLUMNS
from local import experiment
from operations import queries
from operations.place import Refused
from tests import example
from tests.analysis.test_report import rows

SETTINGS = example.settings(experiments=example.experiments())
PLACE: Any = SimpleNamespace(settings=SETTINGS)


def test_an_experiment_is_printed_from_the_rows_of_its_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def answer(place: Any, statement: str) -> list[list[Any]]:
        asked.append(statement)
        return [
            ["popular" if row[0] == "fresh" else "control", str(row[1]), *row[2:]] for row in rows(lift=0.3)
        ]

    monkeypatch.setattr(queries, "warehouse_rows", answer)
    assert experiment.experiment(PLACE, name="popular-home") == 0
    version = SETTINGS.experiments.version(SETTINGS.experiments.definitions[0])
    [statement] = asked
    assert statement.startswith(f"select {', '.join(COLUMNS)} from marts.mart_experiment_moments")
    assert f"experiment_version = '{version}'" in statement
    printed = capsys.readouterr().out
    assert "popular-home, version " in printed and "=> popular: " in printed
    assert experiment.experiment(PLACE, name="popular-home", language="ja") == 0
    assert "主要指標" in capsys.readouterr().out


def test_the_holdout_is_compared_with_everybody_else() -> None:
    found = experiment.design(SETTINGS.experiments, "holdout")
    assert (found.control, found.treatments) == ("held-out", ("takes-part",))
    assert found.weights == {"held-out": 5.0, "takes-part": 95.0}
    assert found.metrics == tuple(metric.name for metric in SETTINGS.experiments.metrics)


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("popular-hom", {}, "NAME='popular-hom' is no experiment .* did you mean 'popular-home'?"),
        ("", {}, "NAME='' is no experiment"),
        ("x", {"definitions": []}, "experiments.definitions is empty: define one"),
        ("holdout", {"holdout_percent": 0}, "nobody is held out, .* set experiments.holdout_percent"),
    ],
)
def test_what_there_is_not_is_refused_with_the_cure(name: str, changes: Any, told: str) -> None:
    found = example.settings(experiments=example.experiments() | changes).experiments
    with pytest.raises(Refused, match=told):
        experiment.design(found, name)
