"""A question that costs nothing or nearly nothing and changes nothing, and what its answer is reduced to.

Answers of two places hold other ids, times and numbers. What is compared is what code relies on: which members an
answer has, of which type, the values that a service's own model enumerates, error codes and HTTP statuses; of a
probe that is `whole`, every value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from operations.place import Place

Reduced = Any  # of dict, list and str only, so that it can be written as JSON
OMITTED = frozenset(["ResponseMetadata"])


@dataclass(frozen=True, kw_only=True)
class Probe:
    """`ask` gets the reduced answer. `needs` says what has to be there: "" for nothing but credentials."""

    name: str
    ask: Callable[[Place], Reduced]
    needs: str = ""
    confirms: str = ""


def call(
    service: str,
    operation: str,
    given: Mapping[str, Any] | Callable[[Place], Mapping[str, Any]] = {},  # noqa: B006 - never changed
    *,
    whole: Sequence[str] = (),
) -> Callable[[Place], Reduced]:
    """The call of an operation of boto3; `whole` names the members of the answer that are compared value by value."""

    def ask(place: Place) -> Reduced:
        client = place.client(service)
        arguments = given(place) if callable(given) else given
        try:
            answer = getattr(client, operation)(**arguments)
        except ClientError as error:
            return refusal(error)
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        return reduced(answer, model.output_shape, whole=frozenset(whole))

    return ask


def refusal(error: ClientError) -> Reduced:
    """Error code and status: what callers branch on. Messages are written for people, and AWS changes them."""
    response = error.response
    return {
        "error": response["Error"]["Code"],
        "status": str(response["ResponseMetadata"]["HTTPStatusCode"]),
    }


def reduced(value: Any, shape: Shape | None, *, whole: frozenset[str] = frozenset()) -> Reduced:
    if isinstance(value, Mapping):
        return {
            key: _exact(member) if key in whole else reduced(member, _member(shape, key), whole=whole)
            for key, member in sorted(value.items())
            if key not in OMITTED and member is not None
        }
    if isinstance(value, list | tuple):
        return _elements([reduced(element, _element(shape), whole=whole) for element in value])
    return _scalar(value, shape)


def _elements(found: list[Reduced]) -> Reduced:
    """One of each kind: how many there are is another matter in each place."""
    kinds: list[Reduced] = []
    for element in found:
        if element not in kinds:
            kinds.append(element)
    return sorted(kinds, key=str)


def _scalar(value: Any, shape: Shape | None) -> str:
    if isinstance(shape, StringShape) and shape.enum:
        return str(value)
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "boolean"),
        ((int, float), "number"),
        (str, "text"),
        (datetime, "time"),
        (bytes, "bytes"),
    )
    return next(
        (f"<{kind}>" for types, kind in kinds if isinstance(value, types)), f"<{type(value).__name__}>"
    )


def _exact(value: Any) -> Reduced:
    if isinstance(value, Mapping):
        return {str(key): _exact(member) for key, member in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_exact(element) for element in value]
    return str(value)


def _member(shape: Shape | None, key: str) -> Shape | None:
    if isinstance(shape, StructureShape):
        found: Shape | None = shape.members.get(key)
        return found
    return shape.value if isinstance(shape, MapShape) else None


def _element(shape: Shape | None) -> Shape | None:
    return shape.member if isinstance(shape, ListShape) else None
