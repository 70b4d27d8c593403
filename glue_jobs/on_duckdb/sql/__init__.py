"""Frames, columns and the session."""

from __future__ import annotations

from .column import Column
from .frame import DataFrame
from .session import SparkSession

__all__ = ["Column", "DataFrame", "SparkSession"]
