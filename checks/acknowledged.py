"""Reads checks/acknowledged.yaml: findings that are known and meant, of every check and tool, in one form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from checks.finding import Finding

FILE = Path(__file__).with_name("acknowledged.yaml")
# Findings of tools that run apart: each run judges its own acknowledgements.
CDK_NAG, CHECKOV = "cdk-nag-", "checkov-"
_KEYS = {"rule", "where", "reason"}


class AcknowledgementInvalid(ValueError):
    """An entry lacks what it is about, or why, or is no expression."""


@dataclass(frozen=True, order=True)
class Acknowledgement:
    """`rule`, and `where` over <stack>/<logical id>, are expressions that fit as a whole; `says`: how it begins."""

    rule: str
    where: str
    reason: str
    says: str = ""

    def fits(self, finding: Finding) -> bool:
        return (
            re.fullmatch(self.rule, finding.rule) is not None
            and re.fullmatch(self.where, finding.place) is not None
            and finding.why.startswith(self.says)
        )


@dataclass(frozen=True)
class Acknowledged:
    entries: tuple[Acknowledgement, ...]

    def of(self, *tools: str) -> Acknowledged:
        """The acknowledgements of findings of these tools."""
        return Acknowledged(tuple(entry for entry in self.entries if entry.rule.startswith(tools)))

    def without(self, *tools: str) -> Acknowledged:
        return Acknowledged(tuple(entry for entry in self.entries if not entry.rule.startswith(tools)))

    def left(self, found: Iterable[Finding], *, everything: bool = True) -> list[Finding]:
        """What is not acknowledged; and, when `everything` was looked at, acknowledgements that fit nothing."""
        found = list(found)
        kept = [finding for finding in found if not any(entry.fits(finding) for entry in self.entries)]
        return [*kept, *(_unneeded(entry) for entry in self.unneeded(found) if everything)]

    def unneeded(self, found: Iterable[Finding]) -> list[Acknowledgement]:
        found = list(found)
        return [entry for entry in self.entries if not any(entry.fits(finding) for finding in found)]


def read(file: Path = FILE) -> Acknowledged:
    """Raises AcknowledgementInvalid."""
    content = yaml.safe_load(file.read_text()) or {}
    return Acknowledged(tuple(one for entry in content["acknowledged"] for one in _entry(entry)))


def _entry(entry: dict[str, Any]) -> Iterator[Acknowledgement]:
    """One for each place."""
    where = entry.get("where")
    texts = {key: value for key, value in entry.items() if key != "where"}
    if (
        set(entry) - {"says"} != _KEYS
        or not isinstance(where, list)
        or not where
        or not all(isinstance(text, str) and text.strip() for text in [*texts.values(), *where])
    ):
        raise AcknowledgementInvalid(
            f"{entry} must have rule, where (a list) and reason, may have says, and nothing else"
        )
    for place in where:
        _compiled(entry["rule"], place)
        yield Acknowledgement(where=place, **{key: value.strip() for key, value in texts.items()})


def _compiled(*expressions: str) -> None:
    for expression in expressions:
        try:
            re.compile(expression)
        except re.error as error:
            raise AcknowledgementInvalid(f"{expression!r} is no expression: {error}") from None


def _unneeded(entry: Acknowledgement) -> Finding:
    why = f"{entry.rule} fits nothing at {entry.where} any more."
    return Finding("(checks)", FILE.name, "acknowledged", why, "take the place, or the entry, away.")
