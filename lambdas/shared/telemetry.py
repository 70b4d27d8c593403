"""Structured log and metrics, both through standard output."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import cache

from aws_lambda_powertools import Logger


@cache
def logger() -> Logger:
    return Logger()


def count(values: Mapping[str, float], *, namespace: str, dimensions: Mapping[str, str]) -> None:
    """CloudWatch metrics in one line of embedded metric format.

    Powertools would write a line a metric, or add a dimension that alarms would have to know.
    """
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "None"} for name in values],
    }
    envelope = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": envelope, **dimensions, **values}, separators=(",", ":")))
