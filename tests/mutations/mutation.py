# mypy: disable-error-code="misc"
# (it infers no lambda that has defaults)
"""A mutation breaks the shipped templates, or a configuration, in one way; the runner says what notices."""

from __future__ import annotations

import copy
import fnmatch
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from checks import acknowledged
from checks.assembly import Assembly
from checks.catalogue import QUICK, check
from checks.finding import Finding
from checks.rules import schemas
from checks.synthesized import synthesize
from tests import example

Template = dict[str, Any]
ESCAPES = Path(__file__).with_name("escapes.yaml")
ESCAPED = "ESCAPED"


@dataclass(frozen=True)
class Mutation:
    """`noticed` gives the rule that notices the change, or None. The argument is whether cfn-lint may run."""

    id: str
    noticed: Callable[[bool], str | None]

    @property
    def kind(self) -> str:
        return self.id.partition("/")[0]


@cache
def shipped() -> Assembly:
    """The example's templates."""
    return synthesize("dev", example.folder())


def with_template(assembly: Assembly, stack: str, template: Template) -> Assembly:
    """The same environment with one template in another's place; its file stays as it was."""
    return replace(assembly, templates={**assembly.templates, stack: template})


@cache
def known() -> frozenset[Finding]:
    """What the checks say of the shipped templates: acknowledged findings."""
    return frozenset(check(shipped(), QUICK))


def of_template(mutation_id: str, stack: str, change: Callable[[Template], Any]) -> Mutation:
    """`change` works on a copy of the stack's template."""

    def noticed(thorough: bool) -> str | None:
        template = copy.deepcopy(shipped().templates[stack])
        change(template)
        if template == shipped().templates[stack]:
            raise ValueError(f"{mutation_id} changes nothing")
        return _noticed(with_template(shipped(), stack, template), stack, thorough)

    return Mutation(mutation_id, noticed)


def of_manifest(mutation_id: str, change: Callable[[dict[str, Any]], Any]) -> Mutation:
    def noticed(thorough: bool) -> str | None:
        manifest = copy.deepcopy(shipped().manifest)
        change(manifest)
        return _noticed(replace(shipped(), manifest=manifest), None, False)

    return Mutation(mutation_id, noticed)


def _noticed(assembly: Assembly, stack: str | None, thorough: bool) -> str | None:
    """The first rule with a finding that the shipped templates don't have; the cheap checks come first."""
    for family in QUICK:
        for finding in family.run(assembly):
            if finding not in known():
                return finding.rule
    if stack is None:
        return None
    found = schemas.quick(assembly, [stack])
    if not found and thorough:
        found = acknowledged.read().left(
            (
                Finding(stack, match[0], match[1], match[2], match[3])
                for match in schemas.matches(json.dumps(assembly.templates[stack], indent=1), assembly.region)
            ),
            everything=False,
        )
    return found[0].rule if found else None


def run(mutations: Iterable[Mutation], *, thorough: bool) -> Iterator[tuple[Mutation, str]]:
    """(mutation, rule that noticed it or ESCAPED)."""
    for mutation in mutations:
        yield mutation, mutation.noticed(thorough) or ESCAPED


@cache
def escapes() -> dict[str, str]:
    """Reason by pattern of ids."""
    return {str(entry["id"]): str(entry["reason"]) for entry in yaml.safe_load(ESCAPES.read_text())}


def reason_of(mutation: Mutation) -> str | None:
    return next((reason for pattern, reason in escapes().items() if _fits(mutation.id, pattern)), None)


def _fits(mutation_id: str, pattern: str) -> bool:
    """Brackets and braces stand for themselves."""
    return fnmatch.fnmatchcase(mutation_id, pattern.replace("[", "[[]"))


def unused_escapes(escaped: Iterable[Mutation]) -> list[str]:
    """Patterns that no escaped mutation fits."""
    ids = [mutation.id for mutation in escaped]
    return [pattern for pattern in escapes() if not any(_fits(i, pattern) for i in ids)]
