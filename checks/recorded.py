"""`python -m checks.recorded <calls.jsonl>... <cdk.out>`: what code really calls, measured in a local run.

The log of a run becomes checks/recorded_calls.json: role, action, resource, without account, names of the
environment, run ids and random ids, so that it holds for every environment; and the actions that anybody called with
success, which docs/fidelity.md counts as tested by the line.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from checks.assembly import Assembly
from checks.policies import Role, roles

RECORDED = Path(__file__).with_name("recorded_calls.json")
# A refused call says nothing of what the code needs when it is allowed.
_REFUSED = frozenset(["AccessDenied", "AccessDeniedException", "Forbidden", "NotEmulated"])
_DATASETS = ":dataset/{dataset_group}/"
_ANY_KEY = re.compile(r"arn:aws:kms:[^:]+:[^:]+:key/\*")
_CHANGING = (
    (r"\d{8}T\d{6}Z", "*"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "*"),
    (r"(?<=/)\d{11,14}-[0-9a-f]{6,}", "*"),
    (r"(?<=[/-])[0-9a-f]{8,64}(?=[/.]|$)", "*"),
    (r"part-[^/]*", "part-*"),
    (r"(?<=AWSDynamoDB/).*", "*"),
    (r"(:secret:[^:]+)-[0-9a-f]{6}\Z", r"\1-000000"),
    (r"(:execution:[^:]+):.*", r"\1:*"),
    (r"\*(?:-?\*)+", "*"),
)


@dataclass(frozen=True, order=True)
class RecordedCall:
    role: str  # <stack>/<logical id>
    action: str
    resource: str


def calls(assembly: Assembly) -> Iterator[RecordedCall]:
    """The committed calls, with the environment's names."""
    group, key = _dataset_group(assembly), _key(assembly)
    for role, action, resource in _committed():
        shown = resource.replace(_DATASETS, f":dataset/{group}/") if group else resource
        if key and _ANY_KEY.fullmatch(shown):
            shown = key
        yield RecordedCall(role, action, assembly.placeholders.show(shown))


def _key(assembly: Assembly) -> str | None:
    """The ARN of the only key: its id is made when it is deployed."""
    keys = [stack.resolver.arn(logical_id) for stack, logical_id, _ in assembly.each("AWS::KMS::Key")]
    return str(keys[0]) if len(keys) == 1 else None


def _dataset_group(assembly: Assembly) -> str | None:
    """The name of the only one: a later generation of datasets has another one than the recorded."""
    groups = [
        str(properties.get("Name")) for _, _, properties in assembly.each("AWS::Personalize::DatasetGroup")
    ]
    return groups[0] if len(groups) == 1 else None


@cache
def _committed() -> tuple[tuple[str, str, str], ...]:
    """Raises FileNotFoundError when nothing was ever recorded."""
    read = json.loads(RECORDED.read_text())
    return tuple((call["role"], call["action"], call["resource"]) for call in read["calls"])


def operations() -> tuple[str, ...]:
    """IAM actions that the whole line called with success, whoever the caller was."""
    return tuple(json.loads(RECORDED.read_text())["operations"])


def succeeded(log: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(
        {call["action"] for call in log if call["action"] and not call["code"] and not call["stub"]}
    )


def condense(log: Iterable[dict[str, Any]], assembly: Assembly) -> list[RecordedCall]:
    """Each distinct call of a role of the assembly, once."""
    known, found = _Callers(assembly), set()
    for call in log:
        role = known.role(str(call["caller"]))
        if role is not None and call["action"] and call["code"] not in _REFUSED and not call["stub"]:
            found.add(RecordedCall(role.key, call["action"], stable(str(call["resource"]), assembly)))
    return sorted(found)


class _Callers:
    """CloudFormation names a role <stack>-<logical id>-<random>, each part cut to fit 64 characters."""

    def __init__(self, assembly: Assembly) -> None:
        self._names = assembly.stack_names
        self._roles = roles(assembly)

    def role(self, caller: str) -> Role | None:
        match = re.search(r":assumed-role/([^/]+)/", caller)
        return None if match is None else self._named(match.group(1))

    def _named(self, name: str) -> Role | None:
        for role in self._roles:
            if role.name == name:
                return role
        fitting = [role for role in self._roles if self._fits(role, name)]
        return max(fitting, key=lambda role: len(role.logical_id), default=None)

    def _fits(self, role: Role, name: str) -> bool:
        stack = f"{self._names[role.stack]}-"
        if not name.startswith(stack):
            return False
        rest = name.removeprefix(stack).rpartition("-")[0] or name.removeprefix(stack)
        # Long ids are cut and closed by a hash: what counts is the beginning.
        return role.logical_id.startswith(rest) or role.logical_id[:24] == rest[:24]


def stable(resource: str, assembly: Assembly) -> str:
    for pattern, replacement in _CHANGING:
        resource = re.sub(pattern, replacement, resource)
    workgroups = [properties for _, _, properties in assembly.each("AWS::RedshiftServerless::Workgroup")]
    if len(workgroups) == 1:
        resource = resource.replace(":workgroup/*", f":workgroup/{workgroups[0]['WorkgroupName']}")
    if group := _dataset_group(assembly):
        resource = resource.replace(f":dataset/{group}/", _DATASETS)
    return assembly.placeholders.hide(resource)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.recorded", description=__doc__)
    parser.add_argument("logs", nargs="+", type=Path, help="calls.jsonl of local runs of the whole line")
    parser.add_argument("assembly", type=Path, help="the cdk.out that those runs deployed")
    given = parser.parse_args()
    lines = [json.loads(line) for log in given.logs for line in log.read_text().splitlines()]
    found = condense(lines, Assembly.read(given.assembly))
    kept = {"calls": [asdict(call) for call in found], "operations": succeeded(lines)}
    text = json.dumps(kept, indent=1)
    RECORDED.write_text(text + "\n")
    by_role = sorted({call.role for call in found})
    print(f"{len(found)} distinct calls of {len(by_role)} roles -> {RECORDED}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
