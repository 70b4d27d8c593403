"""Whether the fields that a dataset has can become those that are configured, and why not.

Developer guide, "Replacing a dataset's schema to add new columns". The workflows ask the same of the dataset as it is
(stacks/workflows/schemas.py); tests/checks/test_fields.py compares the two, and both with the endpoint's own rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from config.avro import REPLACEABLE

Field = Mapping[str, Any]  # of an Avro schema: name, type, categorical, textual
WAY_OUT = (
    "change it back, or raise datasets.schema_version: a new dataset group is made beside the old one, and serves once "
    "it is trained"
)


def refusals(dataset: str, now: Iterable[Field], then: Iterable[Field]) -> list[str]:
    """`dataset` in lower case; empty where the change is one that the next run makes."""
    before, after = _named(now), _named(then)
    return [
        *(f"field {name} is gone, and a dataset keeps its fields" for name in before if name not in after),
        *(
            f"field {name} differs, and a field keeps its type and attributes"
            for name in before
            if name in after and after[name] != before[name]
        ),
        *_new(dataset, [field for name, field in after.items() if name not in before]),
    ]


def created(dataset: str, now: Iterable[Field], then: Iterable[Field], *, added: Iterable[str]) -> list[str]:
    """The same of the schema that a template creates, which never changes; `added` are the fields that came later."""
    before, after, later = _named(now), _named(then), set(added)
    return [
        *(_gone(name, later) for name in before if name not in after),
        *(
            f"field {name} differs, and a field keeps its type and attributes"
            for name in before
            if name in after and after[name] != before[name]
        ),
        *(_came(dataset, field) for name, field in after.items() if name not in before),
    ]


def _gone(name: str, added: set[str]) -> str:
    if name in added:
        return f"field {name} was there when the dataset was created: remove its `added`"
    return f"field {name} is gone, and a dataset keeps its fields"


def _came(dataset: str, field: Field) -> str:
    if dataset not in REPLACEABLE:
        return (
            f"field {field['name']} came after the dataset was created, and only users and items gain fields"
        )
    nullable = "" if "null" in field["type"] else " and nullable: true"
    return f"field {field['name']} came after the dataset was created: write added: true{nullable} beside it"


def of_schema(avro: str) -> list[Field]:
    """The fields of a schema as Personalize shows it. Raises ValueError for another text."""
    return list(json.loads(avro)["fields"])


def _named(fields: Iterable[Field]) -> dict[str, Field]:
    return {str(field["name"]): field for field in fields}


def _new(dataset: str, fields: list[Field]) -> Iterator[str]:
    for field in fields:
        if "null" not in field["type"]:
            yield f"field {field['name']} is new and not nullable, and records lack it"
        if dataset not in REPLACEABLE:
            yield f"field {field['name']} is new, and only users and items gain fields"
