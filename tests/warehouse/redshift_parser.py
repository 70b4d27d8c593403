"""sqlfluff's Redshift dialect as a judge of statements: a parser that we did not write."""

from __future__ import annotations

from functools import cache

from sqlfluff.core import Linter


@cache
def _linter() -> Linter:
    return Linter(dialect="redshift")


def unparsable(statement: str) -> list[str]:
    """What the parser says against one statement; nothing where it is Redshift's SQL."""
    parsed = _linter().parse_string(statement.strip() + "\n")
    problems = [str(violation) for violation in parsed.violations]
    tree = parsed.root_variant().tree if parsed.root_variant() else None
    if tree is None:
        return problems or ["no tree"]
    return problems + [f"unparsable: {part.raw[:80]}" for part in tree.recursive_crawl("unparsable")]
