"""The API as OpenAPI 3.1, made of routes.py: `python -m lambdas.get_recommendations.openapi [--check]`.

Not part of what runs: pydantic and a generator would double the function's start-up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, get_args

from lambdas.get_recommendations.ranking import Source
from lambdas.get_recommendations.routes import (
    DEFAULT_RESULTS,
    MAX_RESULTS,
    METHOD,
    MIN_RESULTS,
    RESULTS,
    ROUTES,
    Route,
)
from lambdas.request_forgetting import routes as forgetting
from lambdas.shared.forgetting import STATES
from lambdas.shared.identifiers import MAX_ID_LENGTH
from lambdas.shared.problems import CONTENT_TYPE

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
PROBLEMS = {
    "400": "A parameter is wrong; `detail` says which and what is right",
    "403": "The request is not signed by a principal that may call the API",
    "404": "No such resource",
    "405": "The method is not allowed; the header Allow has those that are",
    "429": "Too many requests",
    "500": "The request failed on our side",
}


def document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Osusume",
            "version": "1.0.0",
            "description": "Recommendations that Amazon Personalize made in batch, published to DynamoDB. "
            "A trouble of the store never becomes an error: `source` and `degraded` tell what stood in.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"sigv4": []}],
        "paths": {
            **{route.path: {METHOD.lower(): _operation(route)} for route in ROUTES},
            **{route.path: {route.method.lower(): _forgetting(route)} for route in forgetting.ROUTES},
        },
        "components": {
            "schemas": {
                "Recommendations": _recommendations(),
                "Deletion": _deletion(),
                "Problem": _problem(),
            },
            "responses": {code: _problem_response(text) for code, text in PROBLEMS.items()},
            "securitySchemes": {"sigv4": _sigv4()},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    named = [_path_parameter(route.parameter)] if route.parameter else []
    return {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*named, _results_parameter()],
        "responses": {
            "200": {
                "description": "A list, best first; never empty",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Recommendations"}}},
            },
            **{code: {"$ref": f"#/components/responses/{code}"} for code in PROBLEMS},
        },
    }


def _forgetting(route: forgetting.Route) -> dict[str, Any]:
    """Who may call a method on a path is the caller's policy: see docs/forget.md."""
    header = {"description": "Where the state can be asked", "schema": {"type": "string"}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Deletion"}}}
    answer: dict[str, Any] = {"description": "The deletion", "content": content}
    return {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [_path_parameter(route.parameter)],
        "responses": {
            str(route.status): {
                **answer,
                **({"headers": {"Location": header}} if route.status == 202 else {}),
            },
            **{code: {"$ref": f"#/components/responses/{code}"} for code in PROBLEMS},
        },
    }


def _deletion() -> dict[str, Any]:
    fields: dict[str, Any] = {
        "deletionId": {"type": "string", "minLength": 1},
        "state": {"enum": list(STATES), "description": "Ask again for one that failed: it goes on"},
        "requestedAt": {"type": "string", "format": "date-time"},
    }
    later = {
        "finishedAt": {"type": "string", "format": "date-time"},
        "report": {"type": "string", "description": "Where the report of what was removed lies"},
    }
    shape = _object(fields)
    return {**shape, "properties": {**fields, **later}}


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _results_parameter() -> dict[str, Any]:
    schema = {
        "type": "integer",
        "minimum": MIN_RESULTS,
        "maximum": MAX_RESULTS,
        "default": DEFAULT_RESULTS,
    }
    return {
        "name": RESULTS,
        "in": "query",
        "required": False,
        "description": "How many items at most",
        "schema": schema,
    }


def _recommendations() -> dict[str, Any]:
    item = {
        "itemId": {"type": "string", "minLength": 1},
        "score": {"type": ["number", "null"], "description": "Of the recipe; null where it gives none"},
    }
    fields: dict[str, Any] = {
        "items": {"type": "array", "minItems": 1, "maxItems": MAX_RESULTS, "items": _object(item)},
        "source": {"enum": list(get_args(Source)), "description": "The list that was found"},
        "version": {"type": ["string", "null"], "description": "The run that made it; null for the default"},
        "degraded": {"type": "boolean", "description": "Something failed and another list stood in"},
        "experiment": {"type": ["string", "null"]},
        "variant": {"type": ["string", "null"]},
    }
    return _object(fields)


def _problem() -> dict[str, Any]:
    fields = {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    }
    return {**_object(fields), "description": "RFC 9457"}


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    """Open: a field that a later version adds breaks no reader."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
    }


def _problem_response(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {CONTENT_TYPE: {"schema": schema}}}


def _sigv4() -> dict[str, Any]:
    return {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "AWS Signature Version 4 of the service execute-api",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }


def rendered() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        fresh = FILE.exists() and FILE.read_text() == rendered()
        if not fresh:
            print(f"{FILE} is stale: run python -m lambdas.get_recommendations.openapi")
        return 0 if fresh else 1
    if arguments:
        print("usage: python -m lambdas.get_recommendations.openapi [--check]")
        return 2
    FILE.write_text(rendered())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
