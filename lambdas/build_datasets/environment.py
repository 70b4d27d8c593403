from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`engine` is etl.engine: auto leaves larger sources to Spark, lambda refuses them."""

    engine: str
    small_megabytes: int
    function_memory: int
