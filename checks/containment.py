"""Whether every value of one JSON Schema is one of another: the keywords that the API's document uses.

JSON Schema 2020-12, validation and applicator vocabularies. A keyword that is not known here is
refused, not passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import jsonschema  # type: ignore[import-untyped]

Schema = Mapping[str, Any]
Document = Mapping[str, Any]
Documents = tuple[Document, Document]
TYPES = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
# (keyword, whether more of it lets more through)
BOUNDS = {
    "minimum": False,
    "maximum": True,
    "minLength": False,
    "maxLength": True,
    "minItems": False,
    "maxItems": True,
}
SAME = ("pattern", "format")
SILENT = frozenset({"description", "default"})  # these say nothing of values
KNOWN = frozenset(
    {"$ref", "type", "enum", "items", "uniqueItems", "properties", "required", "additionalProperties"}
    | {*BOUNDS, *SAME}
    | SILENT
)


class UnknownKeyword(ValueError):
    """A schema says what is not compared."""


def beyond(
    inner: Schema, outer: Schema, *, where: str, documents: Documents, older: Literal["inner", "outer"]
) -> Iterator[str]:
    """Why some value of `inner` may be none of `outer`; nothing where each is one.

    `documents`: those that references of `inner` and `outer` point into. Objects are open: what only the newer one
    says of a property is nobody's yet, but one that only the `older` names is told as gone. Raises UnknownKeyword.
    """
    inner, outer = _known(inner, documents[0], where), _known(outer, documents[1], where)
    if not outer.keys() - SILENT:
        return
    own = _types(inner)
    if more := _not_among(own, _types(outer)):
        yield f"{where} may be {' or '.join(sorted(more))}"
    yield from _enumerated(inner, outer, where, documents[1])
    yield from _bounded(inner, outer, where, own)
    if "array" in own:
        yield from beyond(
            inner.get("items", {}),
            outer.get("items", {}),
            where=f"{where}[]",
            documents=documents,
            older=older,
        )
    if "object" in own:
        yield from _properties(inner, outer, where, documents, older)


def resolved(part: Mapping[str, Any], document: Document) -> Mapping[str, Any]:
    """What a reference inside the document points to, or the part itself."""
    while "$ref" in part:
        found: Any = document
        for name in str(part["$ref"]).removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def _known(schema: Schema, document: Document, where: str) -> Schema:
    found = resolved(schema, document)
    if strange := found.keys() - KNOWN:
        raise UnknownKeyword(f"{where}: {', '.join(sorted(strange))} is not compared: teach containment.py")
    return found


def _types(schema: Schema) -> frozenset[str]:
    if "enum" in schema and "type" not in schema:
        return frozenset(_type_of(value) for value in schema["enum"])
    given = schema.get("type", sorted(TYPES - {"integer"}))
    return frozenset([given] if isinstance(given, str) else given)


def _type_of(value: Any) -> str:
    validator = jsonschema.Draft202012Validator({})
    # An integer is a number as well: of the sorted names it comes first.
    return next(name for name in sorted(TYPES) if validator.is_type(value, name))


def _not_among(inner: frozenset[str], outer: frozenset[str]) -> frozenset[str]:
    allowed = outer | {"integer"} if "number" in outer else outer
    return inner - allowed


def _enumerated(inner: Schema, outer: Schema, where: str, document: Document) -> Iterator[str]:
    if "enum" in inner:
        whole = {**outer, "components": document.get("components", {})}
        validator = jsonschema.Draft202012Validator(whole)
        if more := [value for value in inner["enum"] if not validator.is_valid(value)]:
            yield f"{where} may be {', '.join(map(repr, more))}"
    elif "enum" in outer:
        yield f"{where} may be other than {', '.join(map(repr, outer['enum']))}"


def _bounded(inner: Schema, outer: Schema, where: str, own: frozenset[str]) -> Iterator[str]:
    if "enum" in inner:
        return
    for name, upper in BOUNDS.items():
        least = None if upper or name == "minimum" else 0
        given = inner.get(name, least)
        if name in outer and own & _OF[name] and not _within(given, outer[name], upper=upper):
            yield f"{where}: {name} {given} is beyond {outer[name]}"
    for name in SAME:
        if name in outer and "string" in own and inner.get(name) != outer[name]:
            yield f"{where}: {name} {inner.get(name, 'none')!r} is not {outer[name]!r}"
    if outer.get("uniqueItems") and "array" in own and not inner.get("uniqueItems"):
        yield f"{where} may have an item twice"


_OF = {
    **dict.fromkeys(("minimum", "maximum"), frozenset({"number", "integer"})),
    **dict.fromkeys(("minLength", "maxLength"), frozenset({"string"})),
    **dict.fromkeys(("minItems", "maxItems"), frozenset({"array"})),
}


def _within(inner: float | None, outer: float, *, upper: bool) -> bool:
    return inner is not None and (inner <= outer if upper else inner >= outer)


def _properties(
    inner: Schema, outer: Schema, where: str, documents: Documents, older: Literal["inner", "outer"]
) -> Iterator[str]:
    own, others = inner.get("properties", {}), outer.get("properties", {})
    for name in outer.get("required", []):
        if name not in inner.get("required", []):
            yield f"{where}.{name} may be missing"
    before, after = (own, others) if older == "inner" else (others, own)
    yield from (f"{where}.{name} is gone" for name in sorted(before.keys() - after.keys()))
    for name in own.keys() & others.keys():
        yield from beyond(own[name], others[name], where=f"{where}.{name}", documents=documents, older=older)
    yield from _others(inner, outer, where, documents, older)


def _others(
    inner: Schema, outer: Schema, where: str, documents: Documents, older: Literal["inner", "outer"]
) -> Iterator[str]:
    """Properties without a name of their own in `outer`."""
    own, more = inner.get("properties", {}), outer.get("additionalProperties", True)
    rest = inner.get("additionalProperties", True)
    if more is True:
        return
    unnamed = own.keys() - outer.get("properties", {}).keys()
    if more is False:
        yield from (f"{where}.{name} is not known" for name in sorted(unnamed))
        if rest is not False:
            yield f"{where} may have properties of other names"
        return
    for name in sorted(unnamed):
        yield from beyond(own[name], more, where=f"{where}.{name}", documents=documents, older=older)
    if rest is not False:
        rest = {} if rest is True else rest
        yield from beyond(rest, more, where=f"{where}.*", documents=documents, older=older)
