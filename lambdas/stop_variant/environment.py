from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`experiments_profile`: AppConfig's ids, joined by slashes."""

    experiments_profile: str
    topic_arn: str
    environment: str
