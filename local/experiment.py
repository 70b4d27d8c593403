"""`make experiment`: the analysis of an experiment from the marts, in words."""

from __future__ import annotations

from datetime import date

from analysis import words
from analysis.decision import Language
from analysis.design import Design
from analysis.panel import COLUMNS, Rows
from analysis.report import Report, analyse
from config.errors import did_you_mean
from config.experiments import HOLDOUT, Experiment, Experiments
from lambdas.shared.assignment import HELD_OUT, TAKES_PART
from operations import queries
from operations.place import Place, Refused, say

MART = "marts.mart_experiment_moments"


def experiment(place: Place, *, name: str, language: Language = "en") -> int:
    """Prints the analysis; raises Refused for an experiment that isn't in the configuration."""
    for line in words.lines(analysed(place, name), language):
        say(f"  {line}")
    return 0


def analysed(place: Place, name: str) -> Report:
    """The analysis of the version that is configured now. Raises Refused."""
    found = design(place.settings.experiments, name)
    rows = queries.warehouse_rows(place, statement(found))
    return analyse(found, Rows(rows, until=found.ends))


def design(experiments: Experiments, name: str) -> Design:
    """Raises Refused where there is no such experiment, or no metric to compare the holdout by."""
    if name == HOLDOUT:
        return _holdout(experiments)
    known = {one.name: one for one in experiments.definitions}
    if name not in known:
        cure = (
            did_you_mean(name, [*known, HOLDOUT]) if known else "experiments.definitions is empty: define one"
        )
        raise Refused(f"NAME={name!r} is no experiment of the configuration: {cure}")
    return _of(experiments, known[name])


def statement(found: Design) -> str:
    """Names and versions are patterns of the configuration, so nothing in them ends a text."""
    keys = f"experiment = '{found.name}' and experiment_version = '{found.version}'"
    return f"select {', '.join(COLUMNS)} from {MART} where {keys}"


def _of(experiments: Experiments, one: Experiment) -> Design:
    return Design(
        name=one.name,
        version=experiments.version(one),
        control=one.control,
        weights={variant.name: variant.weight for variant in one.variants},
        starts=one.starts,
        ends=one.ends,
        primary=one.primary,
        secondary=one.secondary,
        guardrails={guardrail.metric: guardrail.margin for guardrail in one.guardrails},
        lower_is_better=_lower(experiments),
        detectable=one.detectable,
    )


def _holdout(experiments: Experiments) -> Design:
    names = [metric.name for metric in experiments.metrics]
    if not (names and experiments.holdout_percent):
        raise Refused(
            "NAME=holdout: nobody is held out, or there is no metric: set experiments.holdout_percent and metrics"
        )
    percent = experiments.holdout_percent
    return Design(
        name=HOLDOUT,
        version=experiments.holdout_version,
        control=HELD_OUT,
        weights={HELD_OUT: percent, TAKES_PART: 100 - percent},
        starts=date.min,
        ends=None,
        primary=names[0],
        secondary=tuple(names[1:]),
        lower_is_better=_lower(experiments),
    )


def _lower(experiments: Experiments) -> frozenset[str]:
    return frozenset(metric.name for metric in experiments.metrics if metric.better == "lower")
