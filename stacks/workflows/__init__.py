"""The workflows by name, in the order of a run: `pipeline` starts the others, `forget` is no part of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from config.settings import Settings
from stacks.workflows import forget, load, pipeline, prepare, recommend, train

DEFINITIONS: Mapping[str, Callable[[Settings], dict[str, Any]]] = {
    "pipeline": pipeline.definition,
    "prepare": prepare.definition,
    "train": train.definition,
    "recommend": recommend.definition,
    "load": load.definition,
    "forget": forget.definition,
}
