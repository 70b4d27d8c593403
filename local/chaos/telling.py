"""What chaos says of faults and of runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from local.chaos.line import Outcome
from local.demo import progress

SHOWN = 300  # characters of a line


def fired(report: dict[str, Any]) -> list[str]:
    """Each fault that hit something: what, how often, at which of its calls."""
    hits = Counter((f["fault"], f["kind"], f["what"]) for f in report["fired"])
    lines = []
    for (fault, kind, what), count in hits.items():
        numbers = [f["number"] for f in report["fired"] if (f["fault"], f["what"]) == (fault, what)]
        shown = ", ".join(map(str, numbers[:8])) + (", …" if len(numbers) > 8 else "")
        lines.append(f"{kind} of {what}, {count} x (call {shown} of {report['seen'][fault]}; {fault})")
    return lines or ["nothing: no call or process was met"]


def told(outcome: Outcome) -> str:
    took = f"{outcome.status} in {outcome.seconds:.1f} s"
    if outcome.failure is None:
        return f"{took} {outcome.run_id}".strip()
    words = str(progress.RunFailed.of(outcome.failure, logs=Path())).splitlines()[:3]
    return "\n    ".join([took, *(line[:SHOWN] for line in words)])
