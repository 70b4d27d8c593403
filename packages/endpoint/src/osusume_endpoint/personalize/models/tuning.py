"""A solution's hpoConfig: what it may say, and what the learner is asked to search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from osusume_endpoint.personalize.errors import invalid
from osusume_engine.recipes import RecipeSpec

DEFAULT_JOBS = 8
# "The maximum value" of each, in the API reference of HPOResourceConfig.
MAXIMA = {"maxNumberOfTrainingJobs": 40, "maxParallelTrainingJobs": 10}
_KINDS = {
    "integerHyperParameterRanges": "integer",
    "continuousHyperParameterRanges": "continuous",
    "categoricalHyperParameterRanges": "categorical",
}


def check(recipe: RecipeSpec, config: Mapping[str, Any]) -> None:
    from osusume_engine.tuning import Tuning, check_tuning

    if "hpoObjective" in config:
        raise invalid("hpoConfig.hpoObjective can't be configured: leave it out.")
    for name in MAXIMA:
        _jobs(config, name)
    names = [given["name"] for _, given in _ranges(config)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise invalid(f"hpoConfig.algorithmHyperParameterRanges has two ranges of {twice}: keep one.")
    for kind, given in _ranges(config):
        name = given["name"]
        known = recipe.hyperparameters.get(name)
        if known is not None and known.type != _KINDS[kind]:
            raise invalid(f"{name} is {known.type}: it can't be in {kind}.")
    try:
        check_tuning(recipe, Tuning(_asked(config)))
    except ValueError as error:
        raise invalid(f"{error}.") from None


def tuning_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The tuning as a training job takes it."""
    asked = {name: list(values) for name, values in _asked(config).items()}
    return {"ranges": asked, "trials": _jobs(config, "maxNumberOfTrainingJobs")}


def _asked(config: Mapping[str, Any]) -> dict[str, Any]:
    return {given["name"]: _bounds(kind, given) for kind, given in _ranges(config)}


def _ranges(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind, listed in config.get("algorithmHyperParameterRanges", {}).items():
        for given in listed:
            if "name" not in given:
                raise invalid(f"A range in {kind} has no name.")
            yield kind, given


def _bounds(kind: str, given: Mapping[str, Any]) -> tuple[Any, ...]:
    if _KINDS[kind] == "categorical":
        return tuple(given.get("values", ()))
    missing = [end for end in ("minValue", "maxValue") if end not in given]
    if missing:
        raise invalid(f"The range of {given['name']} has no {missing[0]}.")
    return float(given["minValue"]), float(given["maxValue"])


def _jobs(config: Mapping[str, Any], name: str) -> int:
    text = config.get("hpoResourceConfig", {}).get(name)
    if text is None:
        return DEFAULT_JOBS
    if not re.fullmatch("[0-9]{1,9}", str(text)) or not 1 <= int(text) <= MAXIMA[name]:
        raise invalid(f"hpoResourceConfig.{name} must be 1 to {MAXIMA[name]}, not {text!r}.")
    return int(text)
