"""The workflows by name, in the order of a run: `pipeline` starts the others, not `forget` or `clean-up`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from config.settings import Settings
from stacks.workflows import clean_up, forget, load, pipeline, prepare, recommend, train

DEFINITIONS: Mapping[str, Callable[[Settings], dict[str, Any]]] = {
    "pipeline": pipeline.definition,
    "prepare": prepare.definition,
    "train": train.definition,
    "recommend": recommend.definition,
    "load": load.definition,
    "forget": forget.definition,
    "clean-up": clean_up.definition,
}


def definitions(settings: Settings) -> dict[str, dict[str, Any]]:
    """The definitions of the workflows that the environment has, in the same order."""
    without = () if settings.analytics.enabled else ("load",)
    return {name: make(settings) for name, make in DEFINITIONS.items() if name not in without}
