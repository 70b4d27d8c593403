"""Decides which calls and processes a plan hits, and remembers what it hit.

A decision depends on the seed, the place of the rule in the plan and the number of the call among those that
the rule covers. Concurrent calls may swap their numbers, but not how many of them fail.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from osusume_endpoint.faults.plan import SERVERS, Disk, Kill, Plan, Rule


@dataclass(frozen=True)
class Subject:
    """A call of an API. `caller` is an ARN, `session` the last part of it."""

    service: str
    operation: str
    caller: str

    @property
    def role(self) -> str:
        """An assumed role's name or a user's; "root" is the account's administrator."""
        kind, _, rest = self.caller.rpartition(":")[2].partition("/")
        return rest.partition("/")[0] if kind == "assumed-role" else rest or kind

    @property
    def session(self) -> str:
        return self.caller.rpartition("/")[2]


@dataclass(frozen=True)
class Fired:
    fault: str  # "rules.0", "kills.1", "disks.0", "resources.0"
    kind: str
    what: str  # "dynamodb:PutItem", "lambda:osusume-dev-plan-run"
    number: int  # of the call, among those that the fault covers
    caller: str
    time: float


def chance(seed: int, fault: str, number: int) -> float:
    """A number from 0 to 1, the same on every machine."""
    digest = hashlib.sha256(f"{seed}/{fault}/{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


class Injector:
    def __init__(self, plan: Plan, *, wall: Any = time.time) -> None:
        self.plan = plan
        self._wall = wall
        self._seen: Counter[str] = Counter()
        self._hits: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._due: Counter[str] = Counter()  # deaths of processes whose state was entered
        self._fired: list[Fired] = []
        self._lock = threading.Lock()

    def rule_for(self, subject: Subject) -> Rule | None:
        """The first rule that makes this call fail. Every rule that covers the call counts it."""
        chosen: Rule | None = None
        with self._lock:
            for place, rule in enumerate(self.plan.rules):
                if not covers(rule, subject):
                    continue
                fault = f"rules.{place}"
                self._seen[fault] += 1
                if chosen is None and self._decide(fault, rule):
                    chosen = rule
                    self._hit(fault, rule.kind, f"{subject.service}:{subject.operation}", subject.caller)
        return chosen

    def _decide(self, fault: str, rule: Rule) -> bool:
        number = self._seen[fault] - rule.after
        if number < 1 or (rule.limit is not None and self._hits[fault] >= rule.limit):
            return False
        return chance(self.plan.seed, fault, number) < rule.probability

    def kills_on(self, happened: str, *, target: str = "", caller: str = "") -> list[Kill]:
        """What dies now. `target`: of whom `happened` is told, as "lambda:<name>" or "glue:<name>"."""
        found = []
        with self._lock:
            for place, kill in enumerate(self.plan.kills):
                fault = f"kills.{place}"
                if kill.state is not None:
                    dies = self._due[fault] > 0 and not happened and _is_target(kill, target)
                    self._due[fault] -= dies
                elif _awaits(kill, happened, target):
                    self._seen[fault] += 1
                    dies = kill.at <= self._seen[fault] < kill.at + kill.count
                else:
                    dies = False
                if dies:
                    found.append(kill)
                    self._hit(fault, "kill", kill.of if kill.of in SERVERS else target, caller)
        return found

    def entered(self, workflow: str, state: str) -> list[Kill]:
        """What dies as a workflow enters a state. What the state is about to start dies once it has started."""
        found = []
        with self._lock:
            for place, kill in enumerate(self.plan.kills):
                if kill.state is None or not is_named(workflow, kill.state[0]):
                    continue
                if not fnmatchcase(state, kill.state[1]):
                    continue
                fault = f"kills.{place}"
                self._seen[fault] += 1
                if kill.of not in SERVERS:
                    self._due[fault] += kill.count if self._seen[fault] == kill.at else 0
                elif kill.at <= self._seen[fault] < kill.at + kill.count:
                    found.append(kill)
                    self._hit(fault, "kill", kill.of, "")
        return found

    def withdraw(self, kill: Kill) -> None:
        """The process had ended before its time came: nothing was killed."""
        fault = f"kills.{self.plan.kills.index(kill)}"
        with self._lock:
            newest = next(f for f in reversed(self._fired) if f.fault == fault)
            self._fired.remove(newest)

    def disk_full(self, bucket: str, size: int) -> bool:
        """Whether `size` more bytes no longer fit."""
        full = False
        with self._lock:
            for place, disk in enumerate(self.plan.disks):
                if disk.covers(bucket) and not self._fits(f"disks.{place}", disk, size):
                    self._hit(f"disks.{place}", "full disk", f"s3 bucket {bucket}", "")
                    full = True
        return full

    def resource_fails(self, change: str, kind: str, name: str) -> bool:
        """Whether this change of a stack's resource fails; `change` is create, update or delete."""
        fails = False
        with self._lock:
            for place, resource in enumerate(self.plan.resources):
                if not resource.covers(change, kind, name):
                    continue
                fault = f"resources.{place}"
                self._seen[fault] += 1
                if resource.after < self._seen[fault] <= resource.after + resource.count:
                    self._hit(fault, change, f"{kind} {name}", "")
                    fails = True
        return fails

    def _fits(self, fault: str, disk: Disk, size: int) -> bool:
        self._seen[fault] += 1
        freed = disk.count is not None and self._hits[fault] >= disk.count
        if freed or self._bytes[fault] + size <= disk.full_after:
            self._bytes[fault] += size
            return True
        return False

    def _hit(self, fault: str, kind: str, what: str, caller: str) -> None:
        self._hits[fault] += 1
        self._fired.append(Fired(fault, kind, what, self._seen[fault], caller, round(self._wall(), 3)))

    def report(self) -> dict[str, Any]:
        with self._lock:
            return {
                "plan": self.plan.model_dump(mode="json", exclude_defaults=True),
                "seen": dict(self._seen),
                "fired": [asdict(fired) for fired in self._fired],
            }


def covers(rule: Rule, subject: Subject) -> bool:
    """The administrator of the endpoint is spared unless named: it is who looks at the damage."""
    return (
        rule.service == subject.service
        and fnmatchcase(subject.operation, rule.operation)
        and fnmatchcase(subject.role, rule.role)
        and (subject.role != "root" or rule.role == "root")
    )


def is_named(physical: str, wanted: str) -> bool:
    """`publish_recommendations` is `osusume-dev-publish-recommendations`; patterns are of the whole name."""
    plain = wanted.replace("_", "-")
    return fnmatchcase(physical, wanted) or physical.replace("_", "-").endswith(f"-{plain}")


def _awaits(kill: Kill, happened: str, target: str) -> bool:
    if kill.of in SERVERS:
        whom, _, name = target.partition(":")
        wanted, _, detail = kill.when.partition(":")
        told = not happened and whom == wanted and is_named(name, detail)
        return told or bool(happened and _matches(happened, kill.when))
    if not _is_target(kill, target):
        return False
    return _matches(happened, kill.when) if kill.when else not happened


def _is_target(kill: Kill, target: str) -> bool:
    whom, _, name = target.partition(":")
    if whom != kill.of:
        return False
    return kill.name in ("", name) if kill.of == "training" else is_named(name, kill.name)


def _matches(happened: str, wanted: str) -> bool:
    return bool(happened) and fnmatchcase(happened, wanted)
