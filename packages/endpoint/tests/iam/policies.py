"""Policies and requests, made by chance from a seed: valid ones, of which AWS's documentation says what they mean.

Left out, since AWS doesn't say: ForAnyValue with IfExists where the key is absent, wildcards in an ARN's resource
type, a boundary beside a resource policy for "*", a variable without a value in NotResource. Left out, since the other
implementation has it wrong by AWS's pages: variables in policies of 2008-10-17, the network 0.0.0.0/0, ${*} in
StringEquals. test_evaluation_logic.py has those.
"""

from __future__ import annotations

import random
from typing import Any

Json = dict[str, Any]
Call = tuple[str, str]  # action, resource
ACCOUNT, OTHER = "222222222222", "333333333333"
REGIONS = ("ap-northeast-1", "us-east-1")
TEAMS = ("red", "blue", "*", "r?d")
# (action, resource) of requests; patterns of statements are made from them.
CALLS = (
    ("s3:GetObject", "arn:aws:s3:::lake/red/part-0"),
    ("s3:PutObject", "arn:aws:s3:::lake/blue/part:1"),
    ("s3:ListBucket", "arn:aws:s3:::lake"),
    ("dynamodb:GetItem", f"arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table/lists"),
    ("sqs:SendMessage", f"arn:aws:sqs:ap-northeast-1:{ACCOUNT}:letters"),
    ("sns:Publish", f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"),
    ("lambda:InvokeFunction", f"arn:aws:lambda:ap-northeast-1:{ACCOUNT}:function:plan"),
    ("states:StartExecution", f"arn:aws:states:ap-northeast-1:{ACCOUNT}:stateMachine:train"),
)
_SOURCES = (
    *(
        f"arn:aws:states:us-east-1:{OTHER}:{ACCOUNT}:train" for _ in range(4)
    ),  # another ARN if read as one text
    *(
        f"arn:aws:personalize:{region}:{account}:solution/a"
        for region in REGIONS
        for account in (ACCOUNT, OTHER)
    ),
    *(
        f"arn:aws:states:{region}:{account}:stateMachine:a:1"
        for region in REGIONS
        for account in (ACCOUNT, OTHER)
    ),
)
# Values of requests by key; a tuple in a tuple is a key with several values.
KEYS: dict[str, tuple[Any, ...]] = {
    "aws:RequestedRegion": REGIONS,
    "aws:SourceAccount": (ACCOUNT, OTHER),
    "aws:SourceArn": _SOURCES,
    "aws:SourceIp": ("10.0.0.7", "192.0.2.200", "2001:db8::1"),
    "aws:SecureTransport": ("true", "false"),
    "aws:MultiFactorAuthPresent": ("true", "false"),
    "aws:PrincipalTag/team": TEAMS,
    "aws:username": ("red", "Blue"),
    "aws:TagKeys": (["team"], ["team", "cost"], []),
    "dynamodb:LeadingKeys": (["red"], ["red", "blue"], ["Blue"]),
    "iam:PassedToService": ("personalize.amazonaws.com", "glue.amazonaws.com"),
    "s3:prefix": ("red/", "blue/x", ""),
    "s3:max-keys": ("9", "10", "1000"),
    "aws:TokenIssueTime": ("2026-11-01T00:00:00Z", "2026-11-27T12:00:00Z"),
}
ALWAYS = ("aws:RequestedRegion", "aws:SourceIp", "aws:SecureTransport")
_STRINGS = tuple(
    f"String{name}" for name in "Equals NotEquals EqualsIgnoreCase NotEqualsIgnoreCase Like NotLike".split()
)
_COMPARED = "Equals NotEquals LessThan LessThanEquals GreaterThan GreaterThanEquals".split()
_OPERATORS: dict[str, tuple[str, ...]] = {
    "aws:SourceArn": ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringLike", "StringEquals"),
    "aws:SourceIp": ("IpAddress", "NotIpAddress"),
    "aws:SecureTransport": ("Bool",),
    "aws:MultiFactorAuthPresent": ("Bool",),
    "s3:max-keys": tuple(f"Numeric{name}" for name in _COMPARED),
    "aws:TokenIssueTime": tuple(f"Date{name}" for name in _COMPARED),
}
_WANTED: dict[str, tuple[str, ...]] = {
    "aws:SourceIp": ("10.0.0.0/8", "192.0.2.128/25", "192.0.2.200/32", "2001:db8::/32"),
    "aws:SecureTransport": ("true", "false"),
    "aws:MultiFactorAuthPresent": ("true", "false"),
    "s3:max-keys": ("9", "10", "10.0", "100"),
    "aws:TokenIssueTime": ("2026-11-01T00:00:00Z", "2026-11-15T00:00:00Z", "2026-11-27T21:00:00+09:00"),
}
_VARIABLES = (
    "${aws:PrincipalTag/team}",
    "${aws:username}",
    "${aws:PrincipalTag/team, 'red'}",
    "${aws:TagKeys}",
    "${AWS:USERNAME}",
)


def request(chance: random.Random) -> Json:
    """What both implementations are asked."""
    action, resource = call = chance.choice(CALLS)
    boundary = policy(chance, call) if chance.random() < 0.25 else None
    return {
        "principal": f"arn:aws:iam::{ACCOUNT}:user/red",
        "action": action,
        "resource": resource,
        "account": ACCOUNT,
        "context": _context(chance),
        "identity": [policy(chance, call) for _ in range(chance.choice((1, 1, 2)))],
        "boundary": boundary,
        "resource_policy": _resource_policy(chance, call, boundary) if chance.random() < 0.3 else None,
    }


API = f"arn:aws:execute-api:ap-northeast-1:{ACCOUNT}:abc123/live/GET/v1/users/red/recommendations"


def across(chance: random.Random) -> Json:
    """A user of another account, whom the resource's policy names or leaves out."""
    call = chance.choice((*CALLS, *[("execute-api:Invoke", API)] * 4))
    found = policy(chance, call)
    for statement in found["Statement"]:
        for name in ("Action", "NotAction"):
            if name in statement:
                statement[name] = call[0]
        users = (
            f"arn:aws:iam::{OTHER}:root",
            f"arn:aws:iam::{OTHER}:user/red",
            f"arn:aws:iam::{ACCOUNT}:root",
        )
        statement["Principal"] = chance.choice([*({"AWS": one} for one in users), {"AWS": f"{OTHER}"}, "*"])
    return {
        "principal": f"arn:aws:iam::{OTHER}:user/red",
        "action": call[0],
        "resource": call[1],
        "account": ACCOUNT,
        "context": _context(chance),
        "identity": [policy(chance, call)],
        "boundary": None,
        "resource_policy": found if chance.random() < 0.9 else None,
    }


def _context(chance: random.Random) -> Json:
    """Half of the keys; the others are absent, but for those that every request has."""
    present = [key for key in KEYS if key in ALWAYS or chance.random() < 0.5]
    context = {key: chance.choice(KEYS[key]) for key in present}
    return {key: value for key, value in context.items() if value not in ("", [])}


def policy(chance: random.Random, call: Call) -> Json:
    statements = [_statement(chance, call) for _ in range(chance.choice((1, 2, 3)))]
    return {"Version": "2012-10-17", "Statement": statements}


def _resource_policy(chance: random.Random, call: Call, boundary: Json | None) -> Json:
    """Of the resource's own service: AWS refuses other actions there.

    AWS says what a boundary means for a user who is named, not what for "*".
    """
    users = ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/red"}, {"AWS": f"arn:aws:iam::{OTHER}:root"})
    principals = users if boundary else ("*", {"AWS": "*"}, *users)
    action, found = call[0], policy(chance, call)
    for statement in found["Statement"]:
        for name in ("Action", "NotAction"):
            if name in statement:
                statement[name] = chance.choice((action, f"{action.partition(':')[0]}:*"))
        statement["Principal"] = chance.choice(principals)
    return found


def _statement(chance: random.Random, call: Call) -> Json:
    """Most are about the call that is asked for: else nearly all requests are implicitly denied."""
    chosen = [
        call if chance.random() < 0.7 else chance.choice(CALLS) for _ in range(chance.choice((1, 1, 2)))
    ]
    statement: Json = {"Effect": chance.choice(("Allow", "Allow", "Allow", "Deny"))}
    name = "NotAction" if chance.random() < 0.1 else "Action"
    statement[name] = _listed(chance, [_action(chance, action) for action, _ in chosen])
    name = "NotResource" if chance.random() < 0.1 else "Resource"
    patterns = [_resource(chance, resource) for _, resource in chosen]
    statement[name if "${" not in str(patterns) else "Resource"] = _listed(chance, patterns)
    if chance.random() < 0.7:
        statement["Condition"] = _conditions(chance)
    return statement


def _listed(chance: random.Random, values: list[str]) -> Any:
    return values[0] if len(values) == 1 and chance.random() < 0.5 else values


def _action(chance: random.Random, action: str) -> str:
    service, _, name = action.partition(":")
    forms = (
        action,
        action,
        f"{service}:*",
        f"{service}:{name[:3]}*",
        f"{service}:?{name[1:]}",
        "*",
        action.upper(),
    )
    return chance.choice(forms)


def _resource(chance: random.Random, resource: str) -> str:
    """Wildcards inside the six components of an ARN."""
    head, last = resource.rsplit(":", 1)
    forms = [
        resource,
        "*",
        f"{resource[:-2]}*",
        f"{head}:*",
        f"{head}:{last[:-1]}?",
        f"{head}:{last.upper()}",
    ]
    parts = resource.split(":", 5)
    if parts[3]:
        forms.append(":".join((*parts[:3], "*", parts[4], parts[5])))
    if "/" in last:
        forms.append(f"{head}:{last.partition('/')[0]}/{chance.choice(_VARIABLES)}*")
    return chance.choice(forms)


def _conditions(chance: random.Random) -> Json:
    found: Json = {}
    for _ in range(chance.choice((1, 1, 2))):
        key = chance.choice(tuple(KEYS))
        operator = _operator(chance, key)
        written = key if chance.random() < 0.9 else key.lower()
        found.setdefault(operator, {})[written] = _wanted(chance, key, operator)
    return found


def _operator(chance: random.Random, key: str) -> str:
    if chance.random() < 0.08:
        return "Null"
    base = chance.choice(_OPERATORS.get(key, _STRINGS))
    several = isinstance(KEYS[key][0], list)
    quantifier = (
        chance.choice(("ForAllValues:", "ForAnyValue:", "")) if several or chance.random() < 0.05 else ""
    )
    if_exists = quantifier != "ForAnyValue:" and chance.random() < 0.2
    return f"{quantifier}{base}{'IfExists' if if_exists else ''}"


def _wanted(chance: random.Random, key: str, operator: str) -> Any:
    if operator == "Null":
        return chance.choice(("true", "false"))
    return _listed(chance, [_value(chance, key, operator) for _ in range(chance.choice((1, 1, 2)))])


def _value(chance: random.Random, key: str, operator: str) -> str:
    if key in _WANTED:
        return chance.choice(_WANTED[key])
    given = chance.choice(KEYS[key])
    text = chance.choice(given or ["team"]) if isinstance(given, list) else str(given)
    if key == "aws:SourceArn":
        return _arn(chance, text)
    forms = [text, text, text.upper(), chance.choice(_VARIABLES)]
    forms += ["${*}", "r${?}d"] if "Like" in operator else []
    return chance.choice([*forms, "*", f"{text[:2]}*", f"?{text[1:]}"] if "Like" in operator else forms)


def _arn(chance: random.Random, arn: str) -> str:
    parts = arn.split(":", 5)
    position = chance.randrange(3, 6)
    wild = [*parts[:position], chance.choice(("*", f"{parts[position][:3]}*")), *parts[position + 1 :]]
    return chance.choice(
        (arn, ":".join(wild), "arn:aws:states:*:*:*", *[f"arn:aws:states:*:{ACCOUNT}:train"] * 2)
    )
