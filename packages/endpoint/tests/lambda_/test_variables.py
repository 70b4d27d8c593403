"""A function's variables have 4 KB together, in Lambda and here."""

from __future__ import annotations

from typing import Any

import pytest

from osusume_endpoint.cloudformation import functions


def variables(size: int) -> dict[str, Any]:
    """`{"A":"x…"}` of so many bytes."""
    return {"Environment": {"Variables": {"A": "x" * (size - 8)}}}


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


def test_a_quotation_mark_counts_twice_as_in_the_string_that_lambda_measures() -> None:
    """AWS's own refusal quotes it, escapes included (github-aws-runners/terraform-aws-github-runner#3594)."""
    functions._check_variables({"Environment": {"Variables": {"A": '"' * 2_044}}})
    with pytest.raises(ValueError, match=r'String measured: {"A":"\\"'):
        functions._check_variables({"Environment": {"Variables": {"A": '"' * 2_045}}})
