"""How AWS counts what it bills, each rule by itself, so that AWS's own worked examples can be tried on it."""

from __future__ import annotations

import math

# Billed training hours of aws-user-personalization on MovieLens, (interactions, hours): aws-samples/amazon-personalize-
# samples, PersonalizeCheatSheet2.0.md, which says 25M in one half of the sentence and 50M in the other.
TRAININGS = ((100_000, 2.135), (25_000_000, 53.9))
LEAST_JOB_MINUTES = 1  # Glue, Spark jobs since version 2.0


def glue_dpu_hours(*, dpus: float, minutes: float) -> float:
    """DPU-hours by the second, a minute at least (AWS Glue pricing)."""
    return dpus * max(minutes, LEAST_JOB_MINUTES) / 60


def write_units(size: float) -> int:
    """Write request units of an item of so many bytes: one a KB begun (DynamoDB guide, "On-demand mode")."""
    return max(1, math.ceil(size / 1024))


def read_units(size: float) -> float:
    """Read request units of one eventually consistent read: half of one a 4 KB begun."""
    return max(1, math.ceil(size / 4096)) / 2


def lambda_gb_seconds(*, requests: float, milliseconds: float, memory_mb: float) -> float:
    return requests * milliseconds / 1000 * memory_mb / 1024


def training_hours(interactions: float) -> float:
    """Billed hours of one training that isn't v2, along the power law through AWS's two figures."""
    (few, short), (many, long) = TRAININGS
    exponent = math.log(long / short) / math.log(many / few)
    return short * (max(interactions, 1) / few) ** exponent


def gigabytes(size: float) -> float:
    return size / 1024**3
