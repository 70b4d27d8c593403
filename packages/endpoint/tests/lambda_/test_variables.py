"""A function's variables have 4 KB together, in Lambda and here."""

from __future__ import annotations

from typing import Any

import pytest

from osusume_endpoint.cloudformation import functions


def variables(size: int) -> dict[str, Any]:
    return {"Environment": {"Variables": {"A": "x" * (size - 1)}}}


@pytest.mark.parametrize("at", [1, 2])
def test_more_than_four_kilobytes_are_refused_before_anything_is_made(at: int) -> None:
    made: list[Any] = []
    handle = functions._keeping(lambda *given: made.append(given), at=at)
    with pytest.raises(ValueError, match="exceeded the 4KB limit"):
        handle("Function", variables(4_097), variables(4_097))
    assert made == []


def test_as_much_as_lambda_takes_is_taken() -> None:
    functions._check_variables(variables(4_096))
    functions._check_variables({})
