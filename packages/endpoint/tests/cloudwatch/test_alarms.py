from __future__ import annotations

import pytest

from osusume_endpoint.cloudwatch.alarms import state
from osusume_endpoint.cloudwatch.expression import evaluate
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import NotEmulated
from osusume_endpoint.testing.running import allow, caller, error_of, eventually, name
from tests.cloudformation.test_types import deploy, resource


def alarm(**changes: object) -> dict[str, object]:
    return {
        "Threshold": 10,
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 3,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "values", "expected"),
    [
        ({}, [11, 12, 13], "ALARM"),
        ({}, [11, 9, 13], "OK"),
        ({"DatapointsToAlarm": 2}, [11, 9, 13], "ALARM"),
        ({}, [None, None, None], "INSUFFICIENT_DATA"),
        ({"TreatMissingData": "notBreaching"}, [None, None, None], "OK"),
        ({"TreatMissingData": "breaching"}, [None, None, None], "ALARM"),
        ({"TreatMissingData": "ignore"}, [None, None, None], None),
        ({"TreatMissingData": "breaching"}, [11, None, 12], "ALARM"),
        ({"ComparisonOperator": "LessThanOrEqualToThreshold"}, [10, 9, 8], "ALARM"),
    ],
)
def test_the_state_of(changes: dict[str, object], values: list[float | None], expected: str | None) -> None:
    assert state(alarm(**changes), values) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m1 + m2 * 2", 8),
        ("(m1 + m2) / m1", 2.5),
        ("m1 / zero", None),
        ("m1 + none", None),
        ("FILL(none, 0) + m1", 2),
        ("IF(m1 > 1, m2, 0)", 3),
        ("MAX([m1, m2])", 3),
        ("-m1", -2),
    ],
)
def test_the_value_of(text: str, expected: float | None) -> None:
    assert evaluate(text, {"m1": 2, "m2": 3, "zero": 0, "none": None}) == expected


@pytest.mark.parametrize("text", ["ANOMALY_DETECTION_BAND(m1)", "m9", "m1 ** 2", "m1 +"])
def test_other_metric_math_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(NotEmulated, match="metric math"):
        evaluate(text, {"m1": 1})


def test_an_alarm_counts_only_its_own_dimensions(cloud: Endpoint) -> None:
    client, alarm_name, namespace = cloud.client("cloudwatch"), name("alarm"), name("space")
    client.put_metric_alarm(
        AlarmName=alarm_name,
        Namespace=namespace,
        MetricName="failures",
        Dimensions=[{"Name": "Machine", "Value": "mine"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )

    def fail(machine: str) -> str:
        dimensions = [{"Name": "Machine", "Value": machine}]
        data = [{"MetricName": "failures", "Dimensions": dimensions, "Value": 1}]
        client.put_metric_data(Namespace=namespace, MetricData=data)
        return str(client.describe_alarms(AlarmNames=[alarm_name])["MetricAlarms"][0]["StateValue"])

    assert fail("other") == "OK"
    assert fail("mine") == "ALARM"


def test_an_alarm_on_metric_math_deploys_and_rings(cloud: Endpoint) -> None:
    alarm_name, namespace = name("alarm"), name("space")
    queries = [
        {"Id": "all", "Expression": "FILL(m0, 0) + FILL(m1, 0)", "ReturnData": True},
        *(
            {
                "Id": f"m{i}",
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {"Namespace": namespace, "MetricName": metric},
                    "Period": 300,
                    "Stat": "Sum",
                },
            }
            for i, metric in enumerate(("failed", "aborted"))
        ),
    ]
    properties = {
        "AlarmName": alarm_name,
        "Metrics": queries,
        "Threshold": 2,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "ActionsEnabled": False,
    }
    deploy(cloud, name("stack"), {"A": resource("CloudWatch::Alarm", **properties)})
    client = cloud.client("cloudwatch")
    for metric in ("failed", "aborted"):
        client.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": metric, "Value": 1}])
    described = eventually(lambda: client.describe_alarms(AlarmNames=[alarm_name])["MetricAlarms"])
    assert described[0]["StateValue"] == "ALARM"
    assert described[0]["ActionsEnabled"] is False
    client.enable_alarm_actions(AlarmNames=[alarm_name])
    assert client.describe_alarms(AlarmNames=[alarm_name])["MetricAlarms"][0]["ActionsEnabled"] is True


def test_enabling_an_alarms_actions_needs_that_alarm(cloud: Endpoint) -> None:
    """Service authorization reference, CloudWatch: EnableAlarmActions is granted for alarms."""
    mine, other = name("alarm"), name("alarm")
    for one in (mine, other):
        cloud.client("cloudwatch").put_metric_alarm(
            AlarmName=one,
            Namespace="N",
            MetricName="M",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            Statistic="Sum",
            ComparisonOperator="GreaterThanThreshold",
            ActionsEnabled=False,
        )
    arn = f"arn:aws:cloudwatch:{cloud.region}:{cloud.account}:alarm:{mine}"
    client = caller(cloud, allow("cloudwatch:EnableAlarmActions", resource=arn))("cloudwatch")
    client.enable_alarm_actions(AlarmNames=[mine])
    (found,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[mine])["MetricAlarms"]
    assert found["ActionsEnabled"] is True
    code, message = error_of(lambda: client.enable_alarm_actions(AlarmNames=[other]))
    assert "AccessDenied" in code and other in message
    assert "AccessDenied" in error_of(lambda: client.enable_alarm_actions(AlarmNames=[mine, other]))[0]
