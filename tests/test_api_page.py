"""docs/api.md shows requests that the API takes and answers that it gives, by docs/openapi.json, and every code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text()
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())
# A request in backticks, then what is shown of it: a block, or a span of code behind a colon.
SHOWN = re.compile(
    r"^`(GET|POST) (/v1/[^`]+)`(?: with `(\{[^`]+\})`[^\n]*)?(?:\n\n```json\n(.*?)^```|: `(\{[^`]*\})`)",
    re.MULTILINE | re.DOTALL,
)
LEFT_OUT = "…"


def shown() -> Iterator[tuple[str, str, str | None, str]]:
    """(method, target, body or None, JSON) of each example."""
    for method, target, body, block, span in SHOWN.findall(PAGE):
        yield method, target, body or None, block or span


def operation(method: str, path: str) -> dict[str, Any]:
    for template, methods in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in methods:
            return dict(methods[method.lower()])
    raise AssertionError(f"{method} {path} is no operation of the document")


def refused(value: Any, content: dict[str, Any]) -> list[str]:
    """What the schema says against it; of an answer with a member `…` some members may be missing."""
    name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    errors = jsonschema.Draft202012Validator(schema).iter_errors(value)
    return [one.message for one in errors if not (LEFT_OUT in value and one.validator == "required")]


@pytest.mark.parametrize("example", list(shown()), ids=lambda example: f"{example[0]} {example[1]}")
def test_an_example_is_one_of_the_document(example: tuple[str, str, str | None, str]) -> None:
    method, target, body, text = example
    path, _, query = target.partition("?")
    found = operation(method, path)
    assert {name for name, _ in parse_qsl(query)} <= {one["name"] for one in found["parameters"]}
    sent = found.get("requestBody", {}).get("content")
    if body:
        assert refused(json.loads(body), sent) == []
    # What is shown of a request that has a body is the body, unless that stands before it.
    content = sent if sent and not body else found["responses"]["200"]["content"]
    assert refused(json.loads(text), content) == []


def test_examples_are_found_and_a_wrong_one_is_noticed() -> None:
    assert len(list(shown())) == 6
    content = operation("GET", "/v1/health")["responses"]["200"]["content"]
    assert refused({"status": "fine"}, content) == [
        "'fine' is not one of ['ok', 'degraded']",
        "'versions' is a required property",
    ]


def test_the_answer_to_events_is_one_of_the_document() -> None:
    [text] = re.findall(r"^`202 (\{.*?\})`", PAGE, re.MULTILINE)
    answers = operation("POST", "/v1/events")["responses"]["202"]["content"]
    assert refused(json.loads(text), answers) == []


def test_every_code_of_a_rejected_event_is_on_the_page() -> None:
    source = "".join(file.read_text() for file in (ROOT / "lambdas" / "record_events").glob("*.py"))
    [told] = re.findall(r"^Codes, to which .*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    codes = set(re.findall(r'Rejected\(\s*"([a-z-]+)"', source))
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", told)) == codes
    assert len(codes) == 16
