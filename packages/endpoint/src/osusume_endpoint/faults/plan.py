"""A fault plan: what fails, when and how often. YAML or JSON; docs/chaos.md has every key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from osusume_endpoint import wire
from osusume_endpoint.problems import problem_lines

BROKEN = ("timeout", "reset")  # no answer at all
Kind = Literal[
    "throttle", "internal_error", "unavailable", "expired_credentials", "access_denied", "timeout", "reset"
]
TARGETS = "lambda:<function>, glue:<job>, training, training:<task>, postgres or endpoint"
# What a child process of Personalize may be at: osusume_endpoint/personalize/tasks.py.
TASKS = (
    "import",
    "train",
    "infer",
    "segment",
    "export",
    "read_users",
    "delete_users",
    "forget_in_models",
    "attribute",
)
# These die at once; of the others the next invocation, run or task is what dies.
SERVERS = ("postgres", "endpoint")
Count = Annotated[int, Field(ge=1)]


class PlanRefused(ValueError):
    """A plan that can't be carried out; the message names key, value and cure."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rule(_Part):
    """Calls of an API that fail. `operation` may hold *; `role` is that of the caller, and may hold * too."""

    service: str
    operation: str = "*"
    role: str = "*"
    kind: Kind
    after: int = Field(default=0, ge=0)  # so many matching calls pass first
    count: Count | None = None  # then so many fail; default 1, without limit when there is a probability
    probability: float = Field(default=1.0, gt=0, le=1)
    seconds: float = Field(default=3.0, gt=0, le=900)  # of a timeout: so long nobody answers
    performed: bool = False  # of timeout and reset: the call was done, only its answer is lost
    code: str | None = Field(default=None, pattern=r"^[A-Za-z.]+$")  # instead of the service's own
    status: int | None = Field(default=None, ge=400, le=599)

    @property
    def limit(self) -> int | None:
        return self.count or (1 if self.probability == 1 else None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_operation(self.service, self.operation)
        given = self.model_fields_set
        if self.kind not in BROKEN and self.performed:
            raise ValueError(
                f"performed is for kind timeout or reset, this one is {self.kind}: an error answers"
            )
        if self.kind != "timeout" and "seconds" in given:
            raise ValueError(f"seconds is for kind timeout, this one is {self.kind}: remove it")
        if self.kind in BROKEN and given & {"code", "status"}:
            raise ValueError(f"code and status are for errors, {self.kind} answers nothing: remove them")
        return self


class Kill(_Part):
    """A process that is killed. `when`: what is counted, and kills when it happens for the `at`-th time."""

    target: str
    # <service>:<Operation>, by the target itself, or state:<workflow>:<State>; default: each invocation, run or task
    when: str = ""
    at: Count = 1
    count: Count = 1  # so many times in a row
    seconds: float = Field(default=0.0, ge=0, le=900)  # so long after it happened
    restart_seconds: float = Field(default=2.0, ge=0, le=900)  # of postgres: so long it is down

    @property
    def of(self) -> str:
        """ "lambda", "glue", "training", "postgres" or "endpoint"."""
        return self.target.partition(":")[0]

    @property
    def name(self) -> str:
        return self.target.partition(":")[2]

    @property
    def state(self) -> tuple[str, str] | None:
        """Workflow and state on whose entry it waits."""
        subject, _, detail = self.when.partition(":")
        workflow, _, state = detail.partition(":")
        return (workflow, state) if subject == "state" else None

    @model_validator(mode="after")
    def _check(self) -> Self:
        named = {"lambda": bool(self.name), "glue": bool(self.name)}
        named |= {
            "training": not self.name or self.name in TASKS,
            **dict.fromkeys(SERVERS, not self.name),
        }
        if not named.get(self.of) or self.target.endswith(":"):
            raise ValueError(f"target is {self.target!r}: use {TARGETS}; a task is one of {', '.join(TASKS)}")
        if self.of in SERVERS and not self.when:
            raise ValueError(
                f"when is missing: say what {self.of} dies on, such as redshift-data:ExecuteStatement"
            )
        if self.of != "postgres" and "restart_seconds" in self.model_fields_set:
            raise ValueError("restart_seconds is for target postgres: others start again by themselves")
        self._check_when()
        return self

    def _check_when(self) -> None:
        subject, _, detail = self.when.partition(":")
        if self.state is not None:
            if not all(self.state):
                raise ValueError(f"when is {self.when!r}: use state:<workflow>:<State>, either may hold *")
        elif self.of == "training" and self.when:
            raise ValueError(
                f"when is {self.when!r}: a training makes no calls; leave it out, or use state:<workflow>:<State>"
            )
        elif self.when and not (self.of in SERVERS and subject in ("lambda", "glue") and detail.islower()):
            check_operation(subject, detail)


class Disk(_Part):
    """Writes of objects that find no space left."""

    bucket: str = "*"
    full_after: int = Field(ge=0)  # bytes that still fit
    count: Count | None = None  # so many writes fail, then there is space again; default: all

    def covers(self, bucket: str) -> bool:
        return fnmatchcase(bucket, self.bucket)


class Resource(_Part):
    """Resources of a stack that fail. `type` and `name`, the logical id, may hold *."""

    type: str = Field(pattern=r"^[A-Za-z0-9*]+(::[A-Za-z0-9*]+)*$")
    name: str = "*"
    change: Literal["create", "update", "delete"] = "create"
    after: int = Field(default=0, ge=0)  # so many pass first
    count: Count = 1

    def covers(self, change: str, kind: str, name: str) -> bool:
        return self.change == change and fnmatchcase(kind, self.type) and fnmatchcase(name, self.name)


class Plan(_Part):
    """Decisions depend on `seed`, the rule's place and how many calls it saw: not on the time."""

    seed: int = 0
    rules: tuple[Rule, ...] = ()
    kills: tuple[Kill, ...] = ()
    disks: tuple[Disk, ...] = ()
    resources: tuple[Resource, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.rules or self.kills or self.disks or self.resources):
            raise ValueError("the plan has no faults: add rules, kills or disks, or resources")
        return self

    def text(self) -> str:
        """The plan as YAML, without what is default."""
        return yaml.safe_dump(self.model_dump(mode="json", exclude_defaults=True), sort_keys=False)


def read(path: Path) -> Plan:
    """Raises PlanRefused."""
    try:
        return parse(path.read_text(), source=str(path))
    except OSError as error:
        raise PlanRefused(f"{path}: {error.strerror}: name a file that can be read") from None


def parse(text: str, *, source: str = "plan") -> Plan:
    """Raises PlanRefused."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PlanRefused(f"{source} is neither YAML nor JSON: {error}") from None
    if not isinstance(content, Mapping):
        raise PlanRefused(
            f"{source} holds {content!r}: write a mapping with rules, kills or disks, or resources"
        )
    try:
        # As JSON, lists are accepted for the tuples of frozen models.
        return Plan.model_validate_json(json.dumps(content))
    except ValidationError as error:
        lines = problem_lines(error, whole="(plan)", page="docs/chaos.md")
        raise PlanRefused("\n".join([f"{source}: no fault was set", *lines])) from None
    except TypeError as error:
        raise PlanRefused(f"{source}: {error}: use text, numbers, lists and mappings") from None


def check_operation(service: str, operation: str) -> None:
    """Raises ValueError unless botocore has the service, and an operation of that name or pattern."""
    try:
        known = wire.service_model(service).operation_names
    except Exception:
        cure = _near(service, _services())
        raise ValueError(f"service is {service!r}, which boto3 does not have: {cure}") from None
    if not any(fnmatchcase(name, operation) for name in known):
        cure = _near(operation, list(known))
        raise ValueError(f"operation is {operation!r}, which {service} does not have: {cure}")


def _services() -> list[str]:
    return list(wire.session().get_available_services())


def _near(value: str, known: list[str]) -> str:
    near = get_close_matches(value, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"use one of its {len(known)} names, or a pattern with *"
