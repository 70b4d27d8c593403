"""Tags of state machines. Versions, aliases and executions have none.

Recorded in localstack's test_sfn_api_tagging.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.service import Operation
from osusume_endpoint.stepfunctions import arns
from osusume_endpoint.stepfunctions.api.answers import answer
from osusume_endpoint.stepfunctions.api.store import Store

MOST = 50


def operations(store: Store) -> dict[str, Operation]:
    def of_resource(name: str) -> Operation:
        return lambda context, p: _call(store, name, p)

    return {
        "TagResource": of_resource("_tag_resource"),
        "UntagResource": of_resource("_untag_resource"),
        "ListTagsForResource": of_resource("_list_tags_for_resource"),
    }


def check(tags: Sequence[Mapping[str, str]]) -> None:
    """Raises TooManyTags."""
    if len({tag["key"] for tag in tags}) > MOST:
        raise ApiError("TooManyTags", f"Too many tags: a resource has at most {MOST}")


def _call(store: Store, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    arn = parameters["resourceArn"]
    arns.check(arn, kind="stateMachine")
    if arn not in store.machines:
        raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'")
    kept = answer(store.ministack._list_tags_for_resource({"resourceArn": arn}))["tags"]
    check([*kept, *parameters.get("tags", [])])
    return answer(getattr(store.ministack, name)(parameters))
