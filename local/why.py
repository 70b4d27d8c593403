"""`why`: the last calls that IAM refused, and for each the statement of the caller's policies that comes nearest."""

from __future__ import annotations

import argparse
import difflib
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.repository import REPOSITORY
from osusume_endpoint import state
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.guard import calls

LAST = 5
CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403", ""}
)
# AWS's wording, which names what was really asked: a call may need more than the action of its own name.
_SAID = re.compile(
    r"User: (?P<caller>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on resource: (?P<resource>\S+))?(?P<reason>.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Denial:
    """`kind` is "explicit" or "implicit", and "resource" where the policy of the resource does not allow it."""

    time: datetime
    caller: str  # ARN
    action: str
    resource: str
    kind: str

    @classmethod
    def of(cls, call: Mapping[str, Any]) -> Denial:
        said = _SAID.search(call.get("message", ""))
        found = said.groupdict() if said else {}
        reason = found.get("reason") or ""
        kind = "explicit" if "explicit deny" in reason else "implicit"
        return cls(
            datetime.fromtimestamp(call["time"]),
            found.get("caller") or call["caller"],
            found.get("action") or call["action"],
            found.get("resource") or call["resource"] or "*",
            "resource" if kind == "implicit" and "resource-based" in reason else kind,
        )

    @property
    def service(self) -> str:
        return self.action.partition(":")[0]


@dataclass(frozen=True)
class Statement:
    """One statement, and the policy that holds it."""

    policy: str
    text: Mapping[str, Any]

    @property
    def effect(self) -> str:
        return str(self.text["Effect"])

    @property
    def actions(self) -> list[str]:
        return _listed(self.text.get("Action"))

    @property
    def resources(self) -> list[str]:
        return _listed(self.text.get("Resource"))

    @property
    def conditions(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.text.get("Condition") or {}
        return found

    def names_action(self, action: str) -> bool:
        if "NotAction" in self.text:
            return not _any(_listed(self.text["NotAction"]), action, fold=True)
        return _any(self.actions, action, fold=True)

    def names_resource(self, resource: str) -> bool:
        if "NotResource" in self.text:
            return not _any(_listed(self.text["NotResource"]), resource)
        return _any(self.resources, resource)

    def distance(self, denial: Denial) -> tuple[bool, bool, bool, float]:
        """The smaller, the nearer. Statements of another service are not compared."""
        deciding = "Deny" if denial.kind == "explicit" else "Allow"
        return (
            self.effect != deciding,
            not self.names_action(denial.action),
            not self.names_resource(denial.resource),
            -_likeness(self.actions, denial.action) - _likeness(self.resources, denial.resource),
        )

    def concerns(self, service: str) -> bool:
        return "NotAction" in self.text or any(a == "*" or a.startswith(f"{service}:") for a in self.actions)


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _any(patterns: Iterable[str], value: str, *, fold: bool = False) -> bool:
    """IAM's wildcards: `*` and `?` alone."""
    flags = re.DOTALL | (re.IGNORECASE if fold else re.NOFLAG)
    texts = (re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns)
    return any(re.fullmatch(text, value, flags) for text in texts)


def _likeness(patterns: Iterable[str], value: str) -> float:
    return max((difflib.SequenceMatcher(None, pattern, value).ratio() for pattern in patterns), default=0.0)


def nearest(statements: Iterable[Statement], denial: Denial) -> Statement | None:
    """None when no statement names the action's service."""
    of_service = [statement for statement in statements if statement.concerns(denial.service)]
    return min(of_service, key=lambda statement: statement.distance(denial), default=None)


def cure(denial: Denial, near: Statement | None, *, place: str) -> str:
    """The cure, in one line. `place` is where the caller's statements are written."""
    if denial.kind == "resource":
        return f"let the policy of {denial.resource} itself allow {denial.action} to the caller"
    if denial.kind == "explicit":
        return f"narrow the Deny among the {place}: no Allow overrules it"
    if near is None or near.effect == "Deny":
        return f"add a statement that allows {denial.action} on {denial.resource} to the {place}"
    if near.names_action(denial.action) and near.names_resource(denial.resource):
        keys = sorted(key for test in near.conditions.values() for key in test)
        return (
            f"the call does not meet the statement's Condition ({', '.join(keys) or 'none'}): see the {place}"
        )
    if near.names_action(denial.action):
        return f"add {denial.resource} to its Resource, among the {place}"
    if near.names_resource(denial.resource):
        return f"add {denial.action} to its Action, among the {place}"
    return f"add a statement that allows {denial.action} on {denial.resource} to the {place}"


def denials(log: Iterable[Mapping[str, Any]]) -> Iterator[Denial]:
    for call in log:
        if call["status"] == 403 and call["code"] in CODES and call["caller"].startswith("arn:"):
            yield Denial.of(call)


@dataclass(frozen=True)
class Principal:
    """A role or user of IAM. One that is gone has no statements and no stack."""

    kind: str  # "role" or "user"
    name: str

    @classmethod
    def of(cls, arn: str) -> Principal:
        """The user or role of an ARN, which may be that of a session (assumed-role/<role>/<session>)."""
        kind, _, rest = arn.split(":", 5)[-1].partition("/")
        if kind == "assumed-role":
            return cls("role", rest.split("/")[0])
        return cls("user" if kind == "user" else "role", rest.rsplit("/", 1)[-1])

    def statements(self, iam: Any) -> Iterator[Statement]:
        try:
            for name, document in self._documents(iam):
                parsed = json.loads(urllib.parse.unquote(document)) if isinstance(document, str) else document
                found = parsed["Statement"]
                yield from (Statement(name, text) for text in (found if isinstance(found, list) else [found]))
        except iam.exceptions.NoSuchEntityException:
            return

    def _documents(self, iam: Any) -> Iterator[tuple[str, Any]]:
        given = {f"{self.kind.title()}Name": self.name}
        for name in getattr(iam, f"list_{self.kind}_policies")(**given)["PolicyNames"]:
            yield name, getattr(iam, f"get_{self.kind}_policy")(**given, PolicyName=name)["PolicyDocument"]
        attached = getattr(iam, f"list_attached_{self.kind}_policies")(**given)["AttachedPolicies"]
        for arn in (policy["PolicyArn"] for policy in attached):
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
            yield arn.rsplit("/", 1)[-1], found["Document"]

    def in_template(self, cloudformation: Any) -> tuple[str, str]:
        """(logical id without CDK's hash, the stack's name); its own name and "" when no stack made it."""
        pages = cloudformation.get_paginator("describe_stacks").paginate()
        for stack in (stack["StackName"] for page in pages for stack in page["Stacks"]):
            for found in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
                if found.get("PhysicalResourceId") == self.name:
                    return re.sub(r"[0-9A-F]{8}\Z", "", found["LogicalResourceId"]), stack
        return self.name, ""


def place_of(name: str, stack: str) -> str:
    """The file in which the stack is written; stacks are named <app>-<environment>-<part>."""
    file = f"stacks/{stack.rsplit('-', 1)[-1]}.py"
    return f"statements of {file}" if stack and (REPOSITORY / file).exists() else f"policies of {name}"


def explained(denial: Denial, endpoint: Endpoint) -> list[str]:
    """Lines for people."""
    principal = Principal.of(denial.caller)
    name, stack = principal.in_template(endpoint.client("cloudformation"))
    near = nearest(principal.statements(endpoint.client("iam")), denial)
    whose = f"{name} ({stack})" if stack else name
    kind = {"explicit": "explicit deny", "implicit": "no statement allows it"}.get(
        denial.kind, "its resource's policy does not allow it"
    )
    return [
        f"{denial.time:%Y-%m-%d %H:%M:%S}  {whose}: {denial.action} on {denial.resource}: {kind}",
        f"  nearest: {_shown(near) if near else f'no statement of {name} names {denial.service}'}",
        f"  cure: {cure(denial, near, place=place_of(name, stack))}",
    ]


def _shown(statement: Statement) -> str:
    return f"{statement.policy}: {json.dumps(statement.text, sort_keys=True)}"


def register(commands: Any) -> None:
    """Adds `why` to the sub-commands of `python -m local`."""
    why = commands.add_parser("why", help="the last calls that were denied, and what would allow each")
    why.add_argument("--last", type=_count, default=LAST, metavar="N", help=f"how many (default {LAST})")
    why.set_defaults(run=run)


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of denials: give 1 or more")
    return int(text)


def run(options: argparse.Namespace) -> int:
    home = state.home()
    current = state.running(home)
    endpoint = Endpoint(
        url=current.url, port=current.port, region=current.region, account=current.account, home=home
    )
    found = list(denials(calls.read(home / "calls.jsonl")))[-options.last :]
    for denial in found:
        print("\n".join(explained(denial, endpoint)))
    if not found:
        print("nothing was denied")
    return 0
