"""What a query of aws-item-attribute-affinity may say: conditions on fields of items, joined by AND.

Source: developer guide, "Specifying item attributes for the Item-Attribute-Affinity recipe": no textual field, `=`
alone for texts. The engine, which isn't deployed, has the same in osusume_engine/filters/attributes.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from config.errors import did_you_mean

if TYPE_CHECKING:
    from config.settings import DatasetField

EXAMPLE = "'ITEMS.CATEGORY_L1 = \"BAKERY\"'"
_TEXT = r'"(?:\\.|[^"\\])*"'
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?"
TEXTS = re.compile(_TEXT)
_CONDITION = re.compile(
    rf"\s*ITEMS\.([a-z_][a-z0-9_]*)\s*(<=|>=|!=|=|<|>)\s*({_TEXT}|{_NUMBER})\s*", re.IGNORECASE | re.ASCII
)
_OF_TEXTS = re.compile(rf"\s*(ITEMS\.[a-z0-9_]+)\b[^\"]*?({_TEXT}).*", re.IGNORECASE | re.ASCII | re.DOTALL)
_AND = re.compile(r"\bAND\b", re.IGNORECASE)
_OR = re.compile(r"\bOR\b", re.IGNORECASE)
_NUMBERS = ("int", "long", "float", "double")


def blank(query: str) -> str:
    """The query, or another expression, as long as it was, with quotation marks in place of its texts."""
    return TEXTS.sub(lambda found: '"' * len(found.group()), query)


class Condition(NamedTuple):
    """`literal` as it is written: a text has its quotation marks."""

    field: str
    operator: str
    literal: str

    @property
    def of_text(self) -> bool:
        return self.literal.startswith('"')


def conditions(query: str) -> tuple[Condition, ...]:
    """The conditions, one or more. Raises ValueError with what is wrong and the cure."""
    if _OR.search(blank(query)):
        raise ValueError("conditions are joined by AND only; make two segments")
    return tuple(_condition(part) for part in _parts(query))


def problems(query: str, known: Mapping[str, DatasetField]) -> Iterator[str]:
    """What the fields of items, by name, make of a query that `conditions` takes."""
    for condition in conditions(query):
        field = known.get(condition.field)
        where = f"ITEMS.{condition.field}"
        if field is None:
            yield f"{where}, no field of datasets.items: {did_you_mean(condition.field, known)}"
        elif field.textual:
            yield f"{where}, which is textual: name a field that holds categories or a number"
        elif field.type == "boolean":
            yield f"{where}, which is boolean and has no literal: send it as string, or as int with 0 and 1"
        elif condition.of_text and field.type in _NUMBERS:
            yield f"{where}, which is {field.type}, and {condition.literal}: write a number, without quotes"
        elif not condition.of_text and field.type not in _NUMBERS:
            yield f'{where}, which is {field.type}, and {condition.literal}: write "{condition.literal}", in quotes'


def _parts(query: str) -> Iterator[str]:
    start = 0
    for found in _AND.finditer(blank(query)):
        yield query[start : found.start()]
        start = found.end()
    yield query[start:]


def _condition(part: str) -> Condition:
    found = _CONDITION.fullmatch(part)
    condition = Condition(*found.groups()) if found else None
    if condition is not None and (condition.operator == "=" or not condition.of_text):
        return condition
    texts = _OF_TEXTS.fullmatch(part)
    if texts:
        raise ValueError(
            f"a text is compared by = alone, {part.strip()!r} isn't: write {texts[1]} = {texts[2]}"
        )
    raise ValueError(
        f"{part.strip()!r} is no condition on a field of the items dataset: write conditions such as {EXAMPLE}, joined "
        "by AND"
    )
