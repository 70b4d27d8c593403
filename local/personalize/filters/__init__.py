"""Filter expressions: parsed by a grammar, checked against schemas, evaluated over the records."""

from __future__ import annotations

from local.personalize.filters.evaluation import Evaluator
from local.personalize.filters.expressions import FilterError, FilterExpression, parse_filter
from local.personalize.filters.facts import Facts
from local.personalize.filters.rules import check_filter

__all__ = ["Evaluator", "Facts", "FilterError", "FilterExpression", "check_filter", "parse_filter"]
