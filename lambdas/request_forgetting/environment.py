from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`workflow_arn` is the state machine that forgets; `forgetting_secret` the name of the hash's secret."""

    control_table: str
    key_arn: str
    forgetting_secret: str
    workflow_arn: str
