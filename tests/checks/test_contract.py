"""Changes of the API's document that break who was written for the released one, and changes that don't.

Oracle of the containment: jsonschema says whether a value is one of a schema.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks import containment, contract
from lambdas.get_recommendations import openapi

Document = dict[str, Any]
USER = "/v1/users/{userId}/recommendations"


def schemas(document: Document) -> dict[str, Any]:
    return dict(document["components"]["schemas"])


def item(document: Document) -> Any:
    return schemas(document)["Recommendations"]["properties"]["items"]["items"]


def event(document: Document) -> Any:
    return schemas(document)["Events"]["properties"]["events"]["items"]


def parameter(document: Document, name: str) -> Any:
    return next(one for one in document["paths"][USER]["get"]["parameters"] if one["name"] == name)


def new_parameter(*, required: bool) -> dict[str, Any]:
    return {"name": "locale", "in": "query", "required": required, "schema": {"type": "string"}}


BREAKS: dict[str, tuple[Callable[[Document], Any], str]] = {
    "a removed route": (lambda d: d["paths"].pop("/v1/popular"), "GET /v1/popular is gone"),
    "a removed method": (lambda d: d["paths"][USER].pop("get"), f"GET {USER} is gone"),
    "a removed member of an answer": (lambda d: item(d)["properties"].pop("score"), "items[].score is gone"),
    "a member that may be missing": (lambda d: item(d)["required"].remove("score"), "score may be missing"),
    "a new required parameter": (
        lambda d: d["paths"][USER]["get"]["parameters"].append(new_parameter(required=True)),
        "locale is new and required",
    ),
    "a removed parameter": (
        lambda d: d["paths"][USER]["get"]["parameters"].remove(parameter(d, "exclude")),
        "exclude is gone",
    ),
    "a parameter that is required now": (
        lambda d: parameter(d, "placement").update(required=True),
        "placement is required now",
    ),
    "a narrower enum of what is sent": (
        lambda d: event(d)["properties"]["type"]["enum"].remove("click"),
        "type may be 'click'",
    ),
    "a wider enum of what is answered": (
        lambda d: item(d)["properties"]["source"]["enum"].append("guessed"),
        "source may be 'guessed'",
    ),
    "a changed type of what is answered": (
        lambda d: item(d)["properties"]["position"].update(type="string"),
        "position may be string",
    ),
    "an answer that may be null now": (
        lambda d: item(d)["properties"]["itemId"].update(type=["string", "null"]),
        "itemId may be null",
    ),
    "a changed type of what is sent": (
        lambda d: event(d)["properties"]["value"].update(type="string"),
        "value may be number",
    ),
    "a shorter list of what is sent": (
        lambda d: schemas(d)["ItemsToRank"]["properties"]["itemIds"].update(maxItems=10),
        "maxItems 500 is beyond 10",
    ),
    "a longer list of what is answered": (
        lambda d: schemas(d)["Recommendations"]["properties"]["items"].update(maxItems=5000),
        "maxItems 5000 is beyond 500",
    ),
    "another pattern of what is sent": (
        lambda d: parameter(d, "placement")["schema"].update(pattern="^[a-z]$"),
        "pattern",
    ),
    "another default": (lambda d: parameter(d, "explain")["schema"].update(default=True), "another default"),
    "another name of the operation": (
        lambda d: d["paths"][USER]["get"].update(operationId="list"),
        "operationId",
    ),
    "a removed answer": (lambda d: d["paths"][USER]["get"]["responses"].pop("304"), "answer 304 is gone"),
    "a removed header": (
        lambda d: d["paths"][USER]["get"]["responses"]["200"].pop("headers"),
        "header ETag is gone",
    ),
    "another kind of content": (
        lambda d: d["components"]["responses"]["400"].update(
            content={"text/html": {"schema": {"type": "string"}}}
        ),
        "application/problem+json is gone",
    ),
    "another way to sign": (lambda d: d.update(security=[{"key": []}]), "who may call"),
    "a body that is new": (
        lambda d: d["paths"]["/v1/popular"]["get"].update(
            requestBody={"required": True, "content": {"application/json": {"schema": {}}}}
        ),
        "a body is new",
    ),
}

HARMLESS: dict[str, Callable[[Document], Any]] = {
    "a new route": lambda d: d["paths"].update({"/v1/new": {"get": {"responses": {}}}}),
    "a new member of an answer": lambda d: item(d)["properties"].update(reason={"type": "string"}),
    "a new member that is always there": lambda d: (
        item(d)["properties"].update(reason={"type": "string"}),
        item(d)["required"].append("reason"),
    ),
    "a new optional parameter": lambda d: d["paths"][USER]["get"]["parameters"].append(
        new_parameter(required=False)
    ),
    "a new optional member of a body": lambda d: event(d)["properties"].update(shelf={"type": "string"}),
    "a wider enum of what is sent": lambda d: event(d)["properties"]["type"]["enum"].append("shared"),
    "a narrower enum of what is answered": lambda d: item(d)["properties"]["source"]["enum"].remove(
        "promoted"
    ),
    "a larger number that may be asked for": lambda d: parameter(d, "numResults")["schema"].update(
        maximum=500
    ),
    "a number that is whole now": lambda d: item(d)["properties"]["score"].update(type=["integer", "null"]),
    "another description": lambda d: item(d)["properties"]["score"].update(description="Of the model"),
    "a new answer to what was wrong before": lambda d: d["paths"][USER]["get"]["responses"].update(
        {"422": {"description": "x"}}
    ),
    "a moved schema": lambda d: (
        d["components"]["schemas"].update(Score=item(d)["properties"]["score"]),
        item(d)["properties"].update(score={"$ref": "#/components/schemas/Score"}),
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_change_that_breaks_readers_is_named(name: str) -> None:
    change, said = BREAKS[name]
    document = copy.deepcopy(openapi.document())
    change(document)
    found = contract.breaks(openapi.document(), document)
    assert found and all(said in line for line in found), found
    assert contract.check(openapi.document(), document) == 1


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_is_not_flagged(name: str) -> None:
    document = copy.deepcopy(openapi.document())
    HARMLESS[name](document)
    assert document != openapi.document()
    assert contract.breaks(openapi.document(), document) == []


def test_the_document_breaks_nobody_who_was_written_for_the_released_one() -> None:
    released = json.loads(contract.RELEASED.read_text())
    assert contract.breaks(released, openapi.document()) == []
    assert contract.main([]) == 0


def test_another_major_version_may_break_and_says_what(capsys: pytest.CaptureFixture[str]) -> None:
    document = copy.deepcopy(openapi.document())
    document["paths"].pop("/v1/popular")
    document["info"]["version"] = "2.0.0"
    assert contract.check(openapi.document(), document) == 0
    assert "GET /v1/popular is gone" in capsys.readouterr().out


def test_a_release_wants_a_version_of_its_own_and_no_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    current, file = tmp_path / "openapi.json", tmp_path / "openapi.released.json"
    monkeypatch.setattr(contract, "CURRENT", current)
    monkeypatch.setattr(contract, "RELEASED", file)
    file.write_text(openapi.rendered())
    changed = copy.deepcopy(openapi.document())
    HARMLESS["a new route"](changed)
    current.write_text(json.dumps(changed))
    assert contract.main(["--release"]) == 1
    assert "raise info.version" in capsys.readouterr().out and file.read_text() == openapi.rendered()
    changed["info"]["version"] = "1.99.0"
    current.write_text(json.dumps(changed))
    assert contract.main(["--release"]) == 0 and json.loads(file.read_text()) == changed
    current.write_text(openapi.rendered())
    assert contract.main(["--release"]) == 1, "the new route is gone again"
    assert json.loads(file.read_text()) == changed
    assert contract.main(["--nothing"]) == 2


def test_a_keyword_that_is_not_compared_is_refused() -> None:
    with pytest.raises(containment.UnknownKeyword, match="oneOf"):
        list(beyond({"oneOf": [{"type": "string"}]}, {}))


def beyond(inner: Any, outer: Any) -> list[str]:
    return list(containment.beyond(inner, outer, where="x", documents=({}, {}), older="outer"))


SCALARS = st.one_of(
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more}, *[st.integers(0, 4)] * 2
    ),
    st.builds(lambda low: {"type": "number", "minimum": low}, st.integers(-2, 2)),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        *[st.integers(0, 3)] * 2,
    ),
    st.builds(
        lambda values: {"enum": sorted(values, key=repr)},
        st.sets(st.sampled_from(["a", "b", 1, 2.5, None]), min_size=1),
    ),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}, {}]),
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(st.sampled_from("pqr"), inner, max_size=3)
    return st.builds(
        lambda own, required, more: {
            "type": "object",
            "properties": own,
            "required": sorted(required),
            "additionalProperties": more,
        },
        properties,
        st.sets(st.sampled_from("pqr")),
        st.one_of(st.booleans(), inner),
    )


def arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda one, low, more: {"type": "array", "items": one, "minItems": low, "maxItems": low + more},
        inner,
        st.integers(0, 2),
        st.integers(0, 2),
    )


ANYTHING = st.recursive(
    st.sampled_from([None, True, "", "a", "abc", -3, 0, 1, 2.5, 7]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("pqr"), inner, max_size=3),
    max_leaves=4,
)


def values(schema: Any) -> st.SearchStrategy[Any]:
    """Mostly values of the schema, at its limits above all."""
    kind = schema.get("type")
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "integer":
        return st.sampled_from([schema["minimum"], schema["maximum"]])
    if kind == "string":
        return st.sampled_from(["x" * schema["minLength"], "x" * schema["maxLength"]])
    if kind == "array":
        return st.lists(values(schema["items"]), min_size=schema["minItems"], max_size=schema["maxItems"])
    if kind == "object":
        more = schema["additionalProperties"]
        rest = {} if isinstance(more, bool) else more
        named = {name: values(schema["properties"].get(name, rest)) for name in "pqr"}
        must = {name: named[name] for name in schema["required"]}
        may = {name: one for name, one in named.items() if name not in must}
        return st.fixed_dictionaries(must, optional=may)
    return ANYTHING


SCHEMAS = st.recursive(SCALARS, lambda inner: st.one_of(objects(inner), arrays(inner)), max_leaves=4)


def near(schema: Any) -> st.SearchStrategy[Any]:
    """The schema with one thing otherwise."""
    kind = schema.get("type")
    bounds = [name for name in containment.BOUNDS if name in schema]
    changed = (
        [
            st.builds(
                lambda name, by: {**schema, name: max(0, schema[name] + by)},
                st.sampled_from(bounds),
                st.sampled_from([-1, 1]),
            )
        ]
        if bounds
        else []
    )
    if kind == "array":
        changed.append(near(schema["items"]).map(lambda one: {**schema, "items": one}))
    if kind == "object":
        changed.append(
            st.sets(st.sampled_from("pqr")).map(lambda names: {**schema, "required": sorted(names)})
        )
        changed.append(st.booleans().map(lambda more: {**schema, "additionalProperties": more}))
        for name, one in schema["properties"].items():
            changed.append(
                near(one).map(
                    lambda new, name=name: {**schema, "properties": {**schema["properties"], name: new}}
                )
            )
    return st.one_of(*changed) if changed else SCALARS


PAIRS = SCHEMAS.flatmap(lambda inner: st.tuples(st.just(inner), st.one_of(near(inner), SCHEMAS)))


@given(data=st.data(), pair=PAIRS)
@settings(max_examples=200, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
def test_where_nothing_is_told_every_value_of_the_one_is_one_of_the_other(
    data: st.DataObject, pair: tuple[Any, Any]
) -> None:
    inner, outer = pair
    for one in (inner, outer):
        assert beyond(one, one) == []
    if beyond(inner, outer):
        return
    value = data.draw(values(inner))
    if jsonschema.Draft202012Validator(inner).is_valid(value):
        jsonschema.Draft202012Validator(outer).validate(value)
