"""`make experiment`: the analysis of an experiment from the marts, in words."""

from __future__ import annotations

from analysis import words
from analysis.decision import Language
from analysis.design import Design
from analysis.panel import Rows, moments_of
from analysis.report import Report, analyse
from config.errors import did_you_mean
from config.experiments import HOLDOUT, Experiments, designs
from operations import queries
from operations.place import Place, Refused, say


def experiment(place: Place, *, name: str, language: Language = "en") -> int:
    """Prints the analysis; raises Refused for an experiment that isn't in the configuration."""
    for line in words.lines(analysed(place, name), language):
        say(f"  {line}")
    return 0


def analysed(place: Place, name: str) -> Report:
    """The analysis of the version that is configured now. Raises Refused."""
    found = design(place.settings.experiments, name)
    rows = queries.warehouse_rows(place, moments_of(found))
    return analyse(found, Rows(rows, until=found.ends))


def design(experiments: Experiments, name: str) -> Design:
    """Raises Refused where there is no such experiment, or no metric to compare the holdout by."""
    known = {one["name"]: one for one in designs(experiments)}
    if name in known:
        return Design.read(known[name])
    if name == HOLDOUT:
        raise Refused(
            "NAME=holdout: nobody is held out, or there is no metric: set experiments.holdout_percent and metrics"
        )
    cure = (
        did_you_mean(name, list(dict.fromkeys((*known, HOLDOUT))))
        if experiments.definitions
        else "experiments.definitions is empty: define one"
    )
    raise Refused(f"NAME={name!r} is no experiment of the configuration: {cure}")
