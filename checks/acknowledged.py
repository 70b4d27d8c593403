"""Reads checks/acknowledged.yaml: findings and replacements that are known and meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from checks.finding import Finding

FILE = Path(__file__).with_name("acknowledged.yaml")


class AcknowledgementInvalid(ValueError):
    """An entry lacks what it is about, or why."""


@dataclass(frozen=True)
class Acknowledged:
    findings: tuple[dict[str, str], ...]
    replacements: tuple[dict[str, str], ...]

    def left(self, found: list[Finding]) -> list[Finding]:
        """What is not acknowledged, and acknowledgements that fit nothing."""
        beginnings = [entry["finding"] for entry in self.findings]
        kept = [f for f in found if not any(str(f).startswith(beginning) for beginning in beginnings)]
        return [*kept, *(_unneeded(b) for b in beginnings if not any(str(f).startswith(b) for f in found))]


def read(file: Path = FILE) -> Acknowledged:
    """Raises AcknowledgementInvalid."""
    content = yaml.safe_load(file.read_text()) or {}
    return Acknowledged(
        _entries(content.get("findings", []), "finding"),
        _entries(content.get("acknowledged_replacements", []), "resource"),
    )


def _entries(entries: list[dict[str, str]], key: str) -> tuple[dict[str, str], ...]:
    for entry in entries:
        if set(entry) != {key, "reason"} or not all(str(value).strip() for value in entry.values()):
            raise AcknowledgementInvalid(f"{entry} must have {key} and reason, and nothing else")
    return tuple(entries)


def _unneeded(beginning: str) -> Finding:
    why = f"nothing begins with {beginning!r} any more."
    return Finding("(checks)", FILE.name, "acknowledged", why, "take the entry away.")
