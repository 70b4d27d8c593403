"""The items of a Map state and what each iteration gets of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osusume_endpoint.stepfunctions import item_reader
from osusume_endpoint.stepfunctions.errors import QUERY_EVALUATION_ERROR, StateError
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.payloads import dumps

# The service runs 40 inline iterations and up to 10,000 child executions at a time; on one machine more
# threads than this only cost memory.
MOST_CONCURRENT = 40
FAILED = "MapStateFailed"


@dataclass(frozen=True)
class Item:
    index: int
    value: Any  # what the iteration gets: the item itself, or what ItemSelector makes of it
    context: Mapping[str, Any]  # `Map` of the context object


def processor(frame: Frame) -> Mapping[str, Any]:
    # `Iterator` is the field's older name.
    return frame.state["ItemProcessor"] if "ItemProcessor" in frame.state else frame.state["Iterator"]


def concurrency(frame: Frame) -> int:
    wanted = frame.count("MaxConcurrency")
    return min(wanted or MOST_CONCURRENT, MOST_CONCURRENT)


def items_of(frame: Frame) -> list[Item]:
    values, source = _values(frame)
    keys: list[str] | None = None
    if isinstance(values, dict):
        keys = list(values)
        values = [{"Key": key, "Value": value} for key, value in values.items()]
    if not isinstance(values, list):
        raise _no_items(frame, values)
    return [_item(frame, index, value, source, keys) for index, value in enumerate(values)]


def _no_items(frame: Frame, values: Any) -> StateError:
    """Causes and events as recorded in localstack's test_base_scenarios.py::test_map_state_items_input_types."""
    if not frame.jsonata:
        return frame.unexpected("ItemsPath", "array or object", values)
    frame.failure = FAILED
    if "Items" in frame.state:
        return frame.unexpected("Items", "array", values)
    cause = f"Map state input must be an array but was: {dumps(values)}"
    return StateError(QUERY_EVALUATION_ERROR, cause, precedes_entry=True)


def _values(frame: Frame) -> tuple[Any, str]:
    if "ItemReader" in frame.state:
        return item_reader.read(frame, frame.state["ItemReader"])
    given = any(key in frame.state for key in ("Items", "ItemsPath"))
    return (_items(frame) if given else frame.flow.effective_input()), "STATE_DATA"


def _items(frame: Frame) -> Any:
    try:
        return frame.flow.value("Items")
    except StateError:
        frame.failure = FAILED if frame.jsonata else None
        raise


def _item(frame: Frame, index: int, value: Any, source: str, keys: list[str] | None) -> Item:
    details = {"Index": index, "Value": value, "Source": source}
    if keys is not None:
        details["Key"] = keys[index]
    context = {"Item": details}
    selector = frame.state.get("ItemSelector", frame.state.get("Parameters"))
    if selector is None:
        return Item(index, value, context)
    selected = frame.flow.within({**frame.context, "Map": context}).template(selector, "ItemSelector")
    return Item(index, selected, context)
