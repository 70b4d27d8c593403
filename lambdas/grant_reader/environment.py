from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    cluster_arn: str
    administrator_secret_arn: str
    reader_secret_arn: str
    database: str
    tables: list[str]
