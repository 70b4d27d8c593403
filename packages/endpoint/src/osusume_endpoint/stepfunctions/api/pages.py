"""Pages of a list: tokens say where the page before ended, so that what is added meanwhile repeats nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from osusume_endpoint.errors import ApiError

Item = TypeVar("Item")
DEFAULT_SIZE = 100  # also what maxResults=0 stands for, in each list of this API


def page(
    items: Sequence[Item],
    parameters: Mapping[str, Any],
    *,
    of: str,
    order: Callable[[Item], Sequence[Any]],
    newest_first: bool = False,
) -> tuple[list[Item], dict[str, str]]:
    """The page that the parameters ask for, and `nextToken` of the answer unless it is the last.

    `order` gives JSON values by which the list is total; `of` is what a token is good for. Raises InvalidToken.
    """
    places = sorted(((list(order(item)), item) for item in items), key=lambda each: each[0])
    if newest_first:
        places.reverse()
    if "nextToken" in parameters:
        last = _read(parameters["nextToken"], of)
        places = [each for each in places if (each[0] < last if newest_first else each[0] > last)]
    size = parameters.get("maxResults") or DEFAULT_SIZE
    rest = {"nextToken": _written(places[size - 1][0], of)} if len(places) > size else {}
    return [item for _, item in places[:size]], rest


def _written(last: list[Any], of: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([of, last]).encode()).decode()


def _read(token: str, of: str) -> list[Any]:
    try:
        kind, last = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, TypeError):
        raise invalid_token() from None
    if kind != of or not isinstance(last, list):
        raise invalid_token()
    return last


def invalid_token() -> ApiError:
    """InvalidToken, worded as recorded in localstack's test_sfn_api_aliasing.py."""
    return ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
