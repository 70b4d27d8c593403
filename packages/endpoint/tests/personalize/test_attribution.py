"""Metric attributions and the reports that imports publish."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.personalize.conftest import (
    BUCKET,
    Shop,
    World,
    failure,
    import_records,
    interactions_csv,
    make_shop,
)


@pytest.fixture(scope="module")
def measured(world: World, role: str) -> Shop:
    return make_shop(world, role, "measured", kinds=("INTERACTIONS", "ITEMS"))


def metric(name: str, event: str, expression: str) -> dict[str, str]:
    return {"metricName": name, "eventType": event, "expression": expression}


def request(shop: Shop, **more: Any) -> dict[str, Any]:
    destination = {"path": f"s3://{BUCKET}/reports/"}
    return {
        "name": "impact",
        "datasetGroupArn": shop.group,
        "metrics": [
            metric("CLICKS", "click", "SAMPLECOUNT()"),
            metric("SALES", "purchase", "SUM(Items.PRICE)"),
        ],
        "metricsOutputConfig": {"s3DataDestination": destination, "roleArn": shop.role},
        **more,
    }


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ([metric("A", "click", "AVG(Items.PRICE)")], "AVG"),
        ([metric("A", "click", "SUM(Items.GENRE)")], "numeric column"),
        ([metric("A", "click", "SUM(Users.AGE)")], "Interactions or Items"),
        ([metric("A", "click", "SAMPLECOUNT()")] * 2, "unique"),
        ([], "at least one"),
    ],
)
def test_a_metric_that_breaks_a_rule_is_invalid(
    world: World, measured: Shop, metrics: list[dict[str, str]], reason: str
) -> None:
    code, message = failure(world.personalize.create_metric_attribution, **request(measured, metrics=metrics))
    assert code == "InvalidInputException"
    assert reason in message


def test_an_import_publishes_a_report_that_adds_up(world: World, measured: Shop) -> None:
    api = world.personalize
    dataset = measured.datasets["INTERACTIONS"]
    location = world.put("measured/more.csv", interactions_csv(seed=5))
    code, _ = failure(
        api.create_dataset_import_job,
        jobName="too-early",
        datasetArn=dataset,
        dataSource={"dataLocation": location},
        roleArn=measured.role,
        publishAttributionMetricsToS3=True,
    )
    assert code == "InvalidInputException"
    arn = api.create_metric_attribution(**request(measured))["metricAttributionArn"]
    world.active("metric_attribution", arn)
    assert failure(api.create_metric_attribution, **request(measured, name="second"))[0] == (
        "ResourceAlreadyExistsException"
    )
    job = import_records(
        world,
        "published",
        dataset,
        location,
        measured.role,
        importMode="INCREMENTAL",
        publishAttributionMetricsToS3=True,
    )
    world.active("dataset_import_job", job)
    keys = [o["Key"] for o in world.s3.list_objects_v2(Bucket=BUCKET, Prefix="reports/")["Contents"]]
    key = next(key for key in keys if "AggregatedAttributionMetrics - INCREMENTAL - " in key)
    rows = list(csv.DictReader(io.StringIO(world.get(key))))
    assert list(rows[0]) == [
        "METRIC_NAME",
        "EVENT_TYPE",
        "VALUE",
        "MATH_FUNCTION",
        "EVENT_ATTRIBUTION_SOURCE",
        "TIMESTAMP",
    ]
    events = list(csv.DictReader(io.StringIO(interactions_csv(seed=5))))
    clicks = sum(float(r["VALUE"]) for r in rows if r["METRIC_NAME"] == "CLICKS")
    assert clicks == sum(event["EVENT_TYPE"] == "click" for event in events)
    sales = sum(float(r["VALUE"]) for r in rows if r["METRIC_NAME"] == "SALES")
    prices = [int(e["ITEM_ID"][1:]) + 0.5 for e in events if e["EVENT_TYPE"] == "purchase"]
    assert sales == pytest.approx(sum(prices))
    assert {r["EVENT_ATTRIBUTION_SOURCE"] for r in rows} == {"SOURCE_NAME_UNDEFINED"}
    assert all(int(r["TIMESTAMP"]) % 900 == 0 for r in rows)


def test_metrics_are_added_removed_and_listed(world: World, measured: Shop) -> None:
    api = world.personalize
    found = api.list_metric_attributions(datasetGroupArn=measured.group)["metricAttributions"]
    arn = (
        found[0]["metricAttributionArn"]
        if found
        else api.create_metric_attribution(**request(measured))["metricAttributionArn"]
    )
    world.active("metric_attribution", arn)
    code, _ = failure(api.update_metric_attribution, metricAttributionArn=arn, removeMetrics=["NONE"])
    assert code == "ResourceNotFoundException"
    api.update_metric_attribution(
        metricAttributionArn=arn,
        addMetrics=[metric("BUYS", "purchase", "SAMPLECOUNT()")],
        removeMetrics=["CLICKS"],
    )
    for _ in range(200):
        metrics = api.list_metric_attribution_metrics(metricAttributionArn=arn)["metrics"]
        if [one["metricName"] for one in metrics] == ["SALES", "BUYS"]:
            break
    assert [one["metricName"] for one in metrics] == ["SALES", "BUYS"]
    page = api.list_metric_attribution_metrics(metricAttributionArn=arn, maxResults=1)
    assert len(page["metrics"]) == 1 and page["nextToken"]
    world.active("metric_attribution", arn)
    assert failure(api.delete_dataset_group, datasetGroupArn=measured.group)[0] == "ResourceInUseException"
    api.delete_metric_attribution(metricAttributionArn=arn)
    world.gone("metric_attribution", arn)
