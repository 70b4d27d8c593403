"""States of asynchronous operations and how long they take."""

from __future__ import annotations

import os
from collections.abc import Mapping

PENDING = "CREATE PENDING"
IN_PROGRESS = "CREATE IN_PROGRESS"
ACTIVE = "ACTIVE"
FAILED = "CREATE FAILED"
STOPPED = "CREATE STOPPED"
DELETE_PENDING = "DELETE PENDING"
DELETE_IN_PROGRESS = "DELETE IN_PROGRESS"

DELETING = frozenset({DELETE_PENDING, DELETE_IN_PROGRESS})

# Seconds that each operation takes in AWS at least, as seen in Amazon's own notebooks.
_REALISTIC: Mapping[str, float] = {
    "DatasetGroup": 20,
    "Dataset": 20,
    "DatasetImportJob": 300,
    "DatasetExportJob": 300,
    "DataDeletionJob": 3_600,
    "Solution": 20,
    "SolutionVersion": 1_500,
    "Campaign": 420,
    "EventTracker": 20,
    "Filter": 120,
    "BatchInferenceJob": 1_200,
    "BatchSegmentJob": 1_200,
    "Recommender": 2_400,
    "MetricAttribution": 60,
    "delete": 20,
}


def duration(kind: str, *, wait_scale: float) -> float:
    """Seconds to add to an operation: none, unless OSUSUME_PERSONALIZE_TIME=realistic."""
    mode = os.environ.get("OSUSUME_PERSONALIZE_TIME", "instant")
    if mode == "instant":
        return 0.0
    if mode == "realistic":
        return _REALISTIC.get(kind, 20.0) * wait_scale
    raise ValueError(f"OSUSUME_PERSONALIZE_TIME={mode!r}: use instant or realistic")
