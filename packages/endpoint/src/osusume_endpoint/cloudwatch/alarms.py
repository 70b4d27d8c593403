"""Alarm evaluation: per period, by dimensions, M of N, with missing data and metric math.

ministack's own evaluation adds up a metric over all its dimensions and knows neither. Source: "Using Amazon
CloudWatch alarms" of the user guide.
"""

from __future__ import annotations

import math
import time
from typing import Any

from osusume_endpoint.cloudwatch.expression import Value, evaluate

Alarm = dict[str, Any]


def evaluate_alarm(alarm: Alarm) -> None:
    """Takes the place of ministack's cloudwatch._evaluate_alarm."""
    from ministack.services import cloudwatch

    if not alarm.get("MetricName") and not alarm.get("Metrics"):
        return
    values = recent_values(alarm, now=time.time())
    new, old = state(alarm, values), alarm["StateValue"]
    if new is None or new == old:
        return
    shown = [round(v, 4) for v in values if v is not None]
    reason = f"Threshold Crossed: {shown} {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm |= {"StateValue": new, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def recent_values(alarm: Alarm, *, now: float) -> list[Value]:
    """The alarm's values in its evaluation periods, the newest last. Periods are aligned to the clock."""
    period = period_of(alarm)
    count = int(alarm.get("EvaluationPeriods", 1))
    newest = math.floor(now / period) * period
    starts = [newest - period * back for back in reversed(range(count))]
    return [_value(alarm, start=start, period=period) for start in starts]


def period_of(alarm: Alarm) -> int:
    for query in alarm.get("Metrics") or []:
        if query.get("MetricStat"):
            return int(query["MetricStat"]["Period"])
    return int(alarm.get("Period", 60))


def _value(alarm: Alarm, *, start: float, period: int) -> Value:
    queries = alarm.get("Metrics")
    if not queries:
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        return metric_value(alarm, statistic, start=start, period=period)
    values: dict[str, Value] = {}
    for query in queries:
        if query.get("MetricStat"):
            stat = query["MetricStat"]
            values[query["Id"]] = metric_value(stat["Metric"], stat["Stat"], start=start, period=period)
    for query in queries:
        if query.get("Expression"):
            values[query["Id"]] = evaluate(query["Expression"], values)
    returned = next((q["Id"] for q in queries if _is_true(q.get("ReturnData", True))), queries[0]["Id"])
    return values[returned]


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def metric_value(metric: dict[str, Any], statistic: str, *, start: float, period: int) -> Value:
    from ministack.services import cloudwatch

    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    stored = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions)) or []
    points = [p for p in stored if start <= p["Timestamp"] < start + period]
    if not points:
        return None
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    return None if value is None else float(value)


def state(alarm: Alarm, values: list[Value]) -> str | None:
    """ALARM, OK, INSUFFICIENT_DATA; None keeps the present state (TreatMissingData=ignore)."""
    missing = alarm.get("TreatMissingData") or "missing"
    known = [v for v in values if v is not None]
    if not known and missing == "ignore":
        return None
    if not known and missing == "missing":
        return "INSUFFICIENT_DATA"
    wanted = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods", 1))
    count = sum(breaches(alarm, v) for v in known)
    if missing == "breaching":
        count += len(values) - len(known)
    return "ALARM" if count >= wanted else "OK"


def breaches(alarm: Alarm, value: float) -> bool:
    threshold = float(alarm.get("Threshold", 0))
    return {
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "GreaterThanThreshold": value > threshold,
        "LessThanThreshold": value < threshold,
        "LessThanOrEqualToThreshold": value <= threshold,
    }.get(alarm.get("ComparisonOperator", ""), False)
