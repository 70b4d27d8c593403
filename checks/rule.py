"""A rule of the catalogue: what docs/checks.md says of it, and what a finding of it is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`fails`: what happens on AWS; `cure`: in general, a finding says it of its resource; `source`: who says so."""

    id: str
    fails: str
    cure: str
    source: str
