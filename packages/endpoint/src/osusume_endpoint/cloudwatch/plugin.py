"""CloudWatch alarms: metric math, dimensions and missing data, and a look every ten seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.cloudwatch.alarms import evaluate_alarm
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.replacements import replaces

log = logging.getLogger("osusume.alarms")

LOOK_SECONDS = 10.0


def install(endpoint: Endpoint) -> None:
    replacements.apply(__name__)
    threading.Thread(target=_look, args=(endpoint,), name="alarms", daemon=True).start()


@replaces("ministack.services.cloudwatch:_evaluate_alarm", takes="alarm")
def _evaluating() -> Callable[[dict[str, Any]], None]:
    return evaluate_alarm


@replaces("ministack.services.cloudformation.provisioners:_cw_metric_alarm_record", takes="name, props")
def _with_metric_math(inner: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """AWS::CloudWatch::Alarm with Metrics, which ministack refuses, and with ActionsEnabled, which it forgets."""

    def record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        enabled = str(properties.get("ActionsEnabled", True)).lower() == "true"
        return {**_of_queries(inner, name, properties), "ActionsEnabled": enabled}

    return record


def _of_queries(
    inner: Callable[..., dict[str, Any]], name: str, properties: dict[str, Any]
) -> dict[str, Any]:
    queries = properties.get("Metrics")
    if not queries:
        return inner(name, properties)
    first = next((q["MetricStat"]["Metric"] for q in queries if q.get("MetricStat")), None)
    if first is None:
        raise ValueError(f"The alarm {name} has no metric among its Metrics")
    stand_in = {k: v for k, v in properties.items() if k != "Metrics"}
    stand_in |= {"MetricName": first["MetricName"], "Namespace": first["Namespace"]}
    alarm = inner(name, stand_in)
    for member in ("MetricName", "Namespace", "Statistic", "Dimensions", "Period"):
        alarm.pop(member, None)
    return {**alarm, "Metrics": queries}


def _look(endpoint: Endpoint) -> None:
    """Data also goes missing without a PutMetricData that would make ministack look."""
    from ministack.core.responses import request_scope
    from ministack.services import cloudwatch

    while True:
        time.sleep(LOOK_SECONDS)
        try:
            with request_scope(endpoint.account, endpoint.region):
                cloudwatch._evaluate_all_alarms()
        except Exception:
            log.exception("alarms were not evaluated")
