"""The assessment as JSON, for programs: figures as they are, no words of a language."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from assess.assessment import Assessment

DIGITS = 6


def twin(found: Assessment) -> str:
    content = {
        "folder": found.folder,
        "stopped": found.stopped,
        "findings": [asdict(one) for one in found.findings],
        "quotas": [{**asdict(one), "held": one.held} for one in found.quotas],
        "shape": asdict(found.shape),
        "compared": None if found.compared is None else asdict(found.compared),
        "solutions": [] if found.proposal is None else list(found.proposal.solutions),
        "config": None if found.proposal is None else found.proposal.text,
        "costs": [asdict(line) for line in found.costs],
    }
    return json.dumps(_rounded(content), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _rounded(value: Any) -> Any:
    """Numbers to DIGITS, numpy's as Python's."""
    if isinstance(value, dict):
        return {str(key): _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return round(value, DIGITS) if isinstance(value, float) else value
