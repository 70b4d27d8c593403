"""CloudWatch alarms: metric math, dimensions and missing data, and a look every ten seconds."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from osusume_endpoint import hooks, replacements
from osusume_endpoint.cloudwatch.alarms import evaluate_alarm
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.replacements import replaces

log = logging.getLogger("osusume.alarms")

LOOK_SECONDS = 10.0


def install(endpoint: Endpoint) -> None:
    replacements.apply(__name__)
    prefix = f"arn:aws:cloudwatch:{endpoint.region}:{endpoint.account}:alarm:"
    hooks.resources["monitoring"] = lambda body, query: _one_alarm(body, query, prefix)
    groups = f"arn:aws:logs:{endpoint.region}:{endpoint.account}:log-group:"
    hooks.resources["logs"] = lambda body, query: _one_stream(body, groups)
    threading.Thread(target=_look, args=(endpoint,), name="alarms", daemon=True).start()


def _one_alarm(body: bytes, query: dict[str, Any], prefix: str) -> str | None:
    """The alarm of calls that take AlarmNames and name one; ministack reads AlarmName only."""
    names = _alarm_names(body, query)
    return f"{prefix}{names[0]}" if len(names) == 1 else None


def _one_stream(body: bytes, groups: str) -> str | None:
    """The stream of calls that name one, which policies of `<group's ARN>:*` are about; ministack reads the group."""
    try:
        read = json.loads(body)
    except ValueError:
        return None
    named = read if isinstance(read, dict) else {}
    group, stream = named.get("logGroupName"), named.get("logStreamName")
    return f"{groups}{group}:log-stream:{stream}" if group and stream else None


def _alarm_names(body: bytes, query: dict[str, Any]) -> list[str]:
    listed = [values for name, values in sorted(query.items()) if name.startswith("AlarmNames.member.")]
    if listed:
        return [str(one[0] if isinstance(one, list) else one) for one in listed]
    try:
        read = json.loads(body)
    except ValueError:
        return []
    names = read.get("AlarmNames") if isinstance(read, dict) else None
    return [str(name) for name in names] if isinstance(names, list) else []


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
