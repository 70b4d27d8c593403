"""The API as OpenAPI 3.1, made of routes.py: `python -m lambdas.get_recommendations.openapi [--check]`.

Not part of what runs: pydantic and a generator would double the function's start-up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, get_args

from lambdas.get_recommendations.ranking import ItemSource, Source
from lambdas.get_recommendations.routes import (
    DEFAULT_RESULTS,
    MAX_EVENTS,
    MAX_MEMBERS,
    MAX_RANKED,
    MAX_RESULTS,
    MIN_RESULTS,
    PLACEMENT,
    PLACEMENT_NAME,
    ROUTES,
    RUN_NAME,
    SOLUTION_NAME,
    Parameter,
    Route,
)
from lambdas.request_forgetting import routes as forgetting
from lambdas.shared.experiment_rules import STATES_OF_USERS
from lambdas.shared.forgetting import STATES
from lambdas.shared.identifiers import MAX_ID_LENGTH
from lambdas.shared.problems import CONTENT_TYPE, TYPE
from lambdas.shared.user_state import LETTERS

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
PROBLEMS = {
    "400": "A parameter or the body is wrong; `detail` says which and what is right",
    "403": "The request is not signed by a principal that may call the API, or asks for more than it may",
    "404": "No such resource",
    "405": "The method is not allowed; the header Allow has those that are",
    "429": "Too many requests",
    "500": "The request failed on our side",
    "504": "No answer came in time: send the request again",
}
# Of operations that take a body.
OF_BODIES = {"413": "The body is too large", "415": "The body is no JSON"}
OF_READERS = {"401": "With `api.jwt`: the token is missing, or to be renewed"}
# Of single operations, beside those of all.
MORE_PROBLEMS = {
    "getSegment": {
        "410": "The run that `cursor` is of can't be read any more: begin without it",
        "503": "The store can't be read now, and nothing stands in for a segment: send the request again",
    }
}
ANSWERS = {
    "recordEvents": ("202", "EventsAnswer", "What became of each event"),
    "getActions": ("200", "Actions", "Actions, best first; none where `degraded`"),
    "getSegment": ("200", "Segment", "Members of the segment, best first"),
    "getHealth": ("200", "Health", "Whether lists can be read"),
}
BODIES = {"rankItems": "ItemsToRank", "recordEvents": "Events"}


def document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recommendations",
            "version": "1.2.0",
            "description": "Recommendations that Amazon Personalize made in batch, published to DynamoDB. "
            "A trouble of the store never becomes an error: `source` and `degraded` tell what stood in.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        # Of the document, not of operations: the generated clients would ask for another class where one has its own.
        "security": [{"sigv4": []}, {"sigv4": [], "key": []}, {"token": []}, {"token": [], "key": []}],
        "paths": {
            **{route.path: {route.method.lower(): _operation(route)} for route in ROUTES},
            **{route.path: {route.method.lower(): _forgetting(route)} for route in forgetting.ROUTES},
        },
        "components": {
            "schemas": {
                "Recommendations": _recommendations(),
                "ItemsToRank": _items_to_rank(),
                "Events": _events(),
                "EventsAnswer": _events_answer(),
                "Actions": _proposed(),
                "Segment": _segment(),
                "Health": _health(),
                "Deletion": _deletion(),
                "Problem": _problem(),
            },
            "responses": {code: _problem_response(text) for code, text in _problems().items()},
            "securitySchemes": {"sigv4": _sigv4(), "token": _token(), "key": _key()},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    named = [_path_parameter(route.parameter)] if route.parameter else []
    sent, placed = BODIES.get(route.operation), PLACEMENT in route.query
    body = {"requestBody": {"required": True, "content": _json_of(sent)}} if sent else {}
    return {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*named, *(_query_parameter(one, placed=placed) for one in route.query)],
        **body,
        "responses": {
            **_answers(route),
            **{code: {"$ref": f"#/components/responses/{code}"} for code in _codes(route)},
        },
    }


def _problems() -> dict[str, str]:
    rows = (OF_READERS, OF_BODIES, *MORE_PROBLEMS.values())
    return {**PROBLEMS, **{code: text for one in rows for code, text in one.items()}}


def _codes(route: Route) -> list[str]:
    of_readers = OF_READERS if route.readers else {}
    of_bodies = OF_BODIES if route.operation in BODIES else {}
    return [*PROBLEMS, *of_readers, *of_bodies, *MORE_PROBLEMS.get(route.operation, {})]


def _answers(route: Route) -> dict[str, Any]:
    if route.operation in ANSWERS:
        status, schema, description = ANSWERS[route.operation]
        return {status: {"description": description, "content": _json_of(schema)}}
    tag = {"schema": {"type": "string"}, "description": "Send it as If-None-Match; none where degraded"}
    listed = {"description": "A list, best first", "headers": {"ETag": tag}}
    return {
        "200": {**listed, "content": _json_of("Recommendations")},
        "304": {"description": "What If-None-Match named is still the answer"},
    }


def _json_of(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


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


# What lambdas/shared/identifiers.py takes; half of a surrogate pair is no text of JSON either.
_NO_CONTROL = r"[^\u0000-\u001f\u007f]"
_ID = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID_LENGTH,
    "pattern": f"^{_NO_CONTROL}*$",
}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _ID}


_QUERY: dict[str, dict[str, Any]] = {
    "number": {"type": "integer", "minimum": MIN_RESULTS, "maximum": MAX_RESULTS},
    "name": {"type": "string", "pattern": f"^{PLACEMENT_NAME}$"},
    "solution": {"type": "string", "pattern": f"^{SOLUTION_NAME}$"},
    "flag": {"type": "boolean", "default": False},
    "run": {"type": "string", "pattern": f"^{RUN_NAME}$"},
    "cursor": {"type": "string", "minLength": 1},
    "id": _ID,
    "ids": {"type": "array", "items": _ID},
    "fields": {"type": "array", "items": {"type": "string", "minLength": 1}},
}


def _query_parameter(parameter: Parameter, *, placed: bool) -> dict[str, Any]:
    """`placed`: the route takes a placement, whose length stands for a number that isn't given."""
    schema = {**_QUERY[parameter.kind]}
    if parameter.most > 1:
        schema["maxItems"] = parameter.most
    if parameter.kind == "number" and not placed:
        schema["default"] = DEFAULT_RESULTS
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.says,
        "schema": schema,
    }


def _recommendations() -> dict[str, Any]:
    item = {
        "itemId": {"type": "string", "minLength": 1},
        "score": {"type": ["number", "null"], "description": "Of the recipe; null where it gives none"},
        "position": {"type": "integer", "minimum": 1},
        "source": {"enum": list(_texts(ItemSource)), "description": "The list that the item is of"},
    }
    metadata = {
        "type": "object",
        "additionalProperties": {"type": ["string", "null"]},
        "description": "The item fields that `fields` asks for",
    }
    items = _object(item)
    items["properties"]["metadata"] = metadata
    fields: dict[str, Any] = {
        "recommendationId": {"type": "string", "description": "Events of this answer name it"},
        "items": {"type": "array", "maxItems": MAX_RANKED, "items": items},
        "placement": {"type": ["string", "null"]},
        "source": {"enum": list(get_args(Source)), "description": "The list that was found"},
        "version": {"type": ["string", "null"], "description": "The run that made it; null for the default"},
        "degraded": {"type": "boolean", "description": "Something failed and another list stood in"},
        "experiment": {"type": ["string", "null"]},
        "variant": {"type": ["string", "null"]},
        "nextCursor": {"type": ["string", "null"], "description": "Send it as `cursor`; null at the end"},
    }
    made = _object(fields)
    made["properties"]["rules"] = {"type": "array", "items": _acted(), "description": "With explain=true"}
    made["properties"]["userState"] = {
        "enum": [*STATES_OF_USERS, None],
        "description": "With explain=true: the state of the user, where the answer hangs on it",
    }
    return made


def _texts(alias: Any) -> list[str]:
    return [text for part in get_args(alias) for text in (get_args(part) or [part])]


def _acted() -> dict[str, Any]:
    place = {"type": "integer", "minimum": 1}
    removed = {"itemId": {"type": "string"}, "position": place, "score": {"type": ["number", "null"]}}
    moved = {"itemId": {"type": "string"}, "from": place, "to": place}
    return _object(
        {
            "rule": {"type": "string"},
            "kind": {"type": "string"},
            "removed": {"type": "array", "items": _object(removed)},
            "moved": {"type": "array", "items": _object(moved)},
            "added": {"type": "array", "items": {"type": "string"}},
        }
    )


def _items_to_rank() -> dict[str, Any]:
    ids = {"type": "array", "minItems": 1, "maxItems": MAX_RANKED, "uniqueItems": True, "items": _ID}
    return {**_object({"itemIds": ids}), "additionalProperties": False}


def _events() -> dict[str, Any]:
    """What is accepted; an event that is not so is rejected by itself."""
    event = {
        "eventId": {**_ID, "description": "Yours; the same of the same user twice is one event"},
        "type": {"enum": list(LETTERS)},
        "occurredAt": {"type": "string", "format": "date-time", "description": "With its offset"},
    }
    more = {
        "userId": _ID,
        "anonymousId": {**_ID, "maxLength": 240, "description": "In place of userId"},
        "itemId": _ID,
        "itemIds": {"type": "array", "minItems": 1, "maxItems": 100, "items": _ID},
        "sessionId": _ID,
        "recommendationId": _ID,
        "placement": {
            **_ID,
            "description": "Where it was shown or clicked; of an impression, so that experiments count it",
        },
        "position": {
            "type": "integer",
            "minimum": 1,
            "maximum": 10_000,
            "description": "`position` of the item in the answer; of itemIds that of the first",
        },
        "value": {"type": "number", "description": "A price, or the share that was watched"},
    }
    whole = {**_object(event), "additionalProperties": False}
    whole["properties"] |= more
    rows = {"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": whole}
    return {**_object({"events": rows}), "additionalProperties": False}


def _events_answer() -> dict[str, Any]:
    rejected = {
        "index": {"type": "integer", "minimum": 0},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    }
    return _object(
        {
            "accepted": {"type": "integer", "minimum": 0, "description": "Kept, now or before"},
            "duplicates": {"type": "integer", "minimum": 0, "description": "Of them, kept before"},
            "rejected": {"type": "array", "items": _object(rejected)},
        }
    )


def _proposed() -> dict[str, Any]:
    action = {
        "actionId": {"type": "string", "minLength": 1},
        "score": {"type": ["number", "null"]},
        "position": {"type": "integer", "minimum": 1},
    }
    return _object(
        {
            "recommendationId": {"type": "string", "description": "Events of this answer name it"},
            "actions": {"type": "array", "maxItems": MAX_RESULTS, "items": _object(action)},
            "solution": {"type": "string"},
            "version": {
                "type": ["string", "null"],
                "description": "Of the solution; null where none was asked",
            },
            "degraded": {"type": "boolean", "description": "The campaign didn't answer: propose nothing"},
        }
    )


def _segment() -> dict[str, Any]:
    member = {"userId": {"type": "string", "minLength": 1}, "position": {"type": "integer", "minimum": 1}}
    return _object(
        {
            "segment": {"type": "string"},
            "solution": {"type": "string"},
            "version": {"type": "string", "description": "The run that made it"},
            "members": {"type": "array", "minItems": 1, "maxItems": MAX_MEMBERS, "items": _object(member)},
            "nextCursor": {"type": ["string", "null"], "description": "Send it as `cursor`; null at the end"},
        }
    )


def _health() -> dict[str, Any]:
    return _object(
        {
            "status": {"enum": ["ok", "degraded"]},
            "versions": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    )


def _problem() -> dict[str, Any]:
    fields = {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "pattern": f"^{TYPE}[a-z-]+$",
            "description": "What went wrong, for programs; later versions may have more of them",
        },
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


def _token() -> dict[str, Any]:
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "With `api.jwt`, in place of the signature: an access token of the configured issuer. Segments, "
        "health and forgetting are signed all the same",
    }


def _key() -> dict[str, Any]:
    return {
        "type": "apiKey",
        "name": "x-api-key",
        "in": "header",
        "description": "Where `api.key_routes` names the operation: the key of a usage plan, beside the others",
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
