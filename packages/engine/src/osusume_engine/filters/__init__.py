"""Filter expressions: parsed by a grammar, checked against schemas.

`filters.evaluation` evaluates them over records, `filters.facts`; both need pandas, and so are not imported here.
"""

from __future__ import annotations

from osusume_engine.filters.expressions import FilterError, FilterExpression, parse_filter
from osusume_engine.filters.rules import check_filter, check_recipe

__all__ = ["FilterError", "FilterExpression", "check_filter", "check_recipe", "parse_filter"]
