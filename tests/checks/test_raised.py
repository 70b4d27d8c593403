"""A state may name what the function that it invokes raises, and what no other function raises."""

from __future__ import annotations

import pytest

from checks.rules.workflows import raised_by
from lambdas.load_warehouse.script import LoadScriptInvalid
from lambdas.publish_recommendations.lists import CorruptList
from lambdas.publish_recommendations.writer import WritesUnprocessed
from tests import example

NAMES = example.settings().names


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("publish_recommendations", WritesUnprocessed),
        ("publish_recommendations", CorruptList),
        ("load_warehouse", LoadScriptInvalid),
    ],
)
def test_an_error_belongs_to_the_function_whose_modules_define_it(
    function: str, error: type[Exception]
) -> None:
    assert error.__name__ in raised_by(NAMES.function_arn(function))
    assert error.__name__ not in raised_by(NAMES.function_arn("run_dbt"))


@pytest.mark.parametrize("function", ["", "*", "arn:aws:lambda:x:1:function:somebody-elses"])
def test_an_unknown_function_raises_nothing_by_name(function: str) -> None:
    assert raised_by(function) == frozenset()
