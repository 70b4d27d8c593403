"""Where event types are streamed: a stream, a tracker and a function between them; elsewhere nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from config import layout
from config import streaming as asked
from config.settings import Settings
from lambdas.shared.streaming import STREAMING
from lambdas.stream_events import handler
from tests import example
from tests.stacks.conftest import ROOT, Assembly

FILE = ROOT / "docs" / "examples" / "streaming.yaml"
ALL_STREAMED = ["click", "favourite", "offer_taken", "offer_left"]


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return Assembly("dev", tmp_path_factory.mktemp("streaming"), configured())


def configured(**changes: Any) -> Settings:
    content = example.files.merged(example.content(), yaml.safe_load(FILE.read_text()))
    return Settings.model_validate(example.files.merged(content, changes))


def _one(assembly: Assembly, kind: str, **named: str) -> dict[str, Any]:
    [found] = [
        properties
        for _, properties in assembly.properties(kind)
        if all(properties.get(key) == value for key, value in named.items())
    ]
    return found


def test_the_logs_stream_is_taken_by_a_function_that_loses_nothing(streaming: Assembly) -> None:
    table = _one(streaming, "AWS::DynamoDB::Table", TableName="osusume-dev-application-log")
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    mapping = _one(streaming, "AWS::Lambda::EventSourceMapping", StartingPosition="TRIM_HORIZON")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert "MaximumRetryAttempts" not in mapping, (
        "an outage of hours must not lose what a number of attempts would"
    )
    assert mapping["MaximumRecordAgeInSeconds"] < 24 * 3600, (
        "a stream forgets a record after a day, and tells nobody"
    )
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"]
    variables = _one(streaming, "AWS::Lambda::Function", FunctionName="osusume-dev-stream-events")[
        "Environment"
    ]
    assert json.loads(variables["Variables"]["STREAMED"]) == ALL_STREAMED
    sent = json.loads(variables["Variables"]["INTERACTIONS"])
    assert (sent["impressions"], sent["recommendation_ids"]) == (True, True)
    assert [field["name"] for field in sent["fields"]] == ["DEVICE"]


def test_the_tracker_goes_with_its_environment_and_leaves_no_name_behind(streaming: Assembly) -> None:
    [(_, tracker)] = streaming.resources("AWS::Personalize::EventTracker")
    assert tracker["Properties"]["Name"] == "osusume-dev-events"
    assert tracker["DeletionPolicy"] == "Delete"
    assert "Tags" not in tracker["Properties"], "a changed tag would replace it under the same name"


def test_what_plans_a_run_is_told_what_is_streamed(streaming: Assembly) -> None:
    planning = _one(streaming, "AWS::Lambda::Function", FunctionName="osusume-dev-plan-run")["Environment"][
        "Variables"
    ]
    assert json.loads(planning["STREAMED"]) == ALL_STREAMED
    assert planning["DATASET_GROUP"] == "osusume-dev"
    assert "$plan.streamed" in json.dumps(streaming.definition("pipeline")["States"]["RunPrepare"])
    job = streaming.definition("prepare")["States"]["BuildDatasets"]
    assert job["Arguments"]["Arguments"]["--streamed"] == "{% $string($streamed) %}"


def test_alarms_tell_what_is_late_quarantined_or_given_up(streaming: Assembly) -> None:
    names = {one["AlarmName"]: one for _, one in streaming.properties("AWS::CloudWatch::Alarm")}
    for slug in ("stream-late", "stream-quarantined", "stream-given-up", "stream-events-errors"):
        assert names[f"osusume-dev-{slug}"]["AlarmActions"], f"{slug} mails: no run tells it"


def test_an_environment_that_streams_nothing_has_none_of_it(assembly: Assembly) -> None:
    text = json.dumps(assembly.templates)
    traces = (
        "EventTracker",
        "stream-events",
        "stream-dead",
        "StreamSpecification",
        "stream_quarantine",
        "PutEvents",
    )
    assert [trace for trace in traces if trace in text] == []
    assert "streaming" not in assembly.templates


def test_an_existing_table_is_read_by_the_stream_it_has(tmp_path_factory: pytest.TempPathFactory) -> None:
    arn = "arn:aws:dynamodb:ap-northeast-1:111111111111:table/shop-events/stream/2026-11-01T00:00:00.000"
    log = {"create": False, "table_name": "shop-events", "stream_arn": arn}
    content = example.files.merged(
        example.content(sources={"application_log": log}), yaml.safe_load(FILE.read_text())
    )
    made = Assembly("dev", tmp_path_factory.mktemp("existing"), Settings.model_validate(content))
    mapping = _one(made, "AWS::Lambda::EventSourceMapping", EventSourceArn=arn)
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert "log-stream-arn" not in json.dumps(made.templates)


def test_what_streaming_adds_has_no_finding(streaming: Assembly) -> None:
    """Permissions, calls, stores and states, by the same checks as everything else."""
    from checks.assembly import Assembly as Checked
    from checks.rules import iam, stores, workflows

    read = Checked.read(streaming.folder)
    plain = [str(finding) for rule in (iam, stores, workflows) for finding in rule.check(read)]
    assert plain == []
    [given_up] = [one for one in stores.stores(read) if one.name == "queue:stream-dead-letters"]
    assert not given_up.read, "or it is outside for nothing"


def test_the_function_may_put_into_its_own_datasets_and_no_others(streaming: Assembly) -> None:
    """The service authorization reference: items and users have the dataset for a resource, events have none."""
    statements = _statements(streaming)
    datasets = "arn:aws:personalize:ap-northeast-1:111111111111:dataset/osusume-dev"
    assert {action: on for action, on in statements.items() if action.startswith("personalize:")} == {
        "personalize:PutEvents": "*",
        "personalize:PutActionInteractions": "*",
        "personalize:DescribeDataset": f"{datasets}/ACTION_INTERACTIONS",
        "personalize:PutItems": f"{datasets}/ITEMS",
        "personalize:PutUsers": f"{datasets}/USERS",
    }


def _statements(assembly: Assembly) -> dict[str, Any]:
    """Resource by action, of the role of the function."""
    [role] = [
        properties
        for _, properties in assembly.properties("AWS::IAM::Role")
        if "dynamodb:GetShardIterator" in json.dumps(properties)
    ]
    found = dict[str, Any]()
    for policy in role["Policies"]:
        for one in policy["PolicyDocument"]["Statement"]:
            actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
            found |= dict.fromkeys(actions, one["Resource"])
    return found


def test_the_function_knows_datasets_as_the_log_has_them() -> None:
    datasets = asked.datasets(configured())
    assert datasets["put_action_interactions"]["meanings"] == {
        "offer_taken": "Taken",
        "offer_left": "Not Taken",
    }
    items, users = datasets["put_items"], datasets["put_users"]
    assert (items["type"], items["key"], users["type"], users["key"]) == (
        *("item_changed", "ITEM_ID"),
        *("user_changed", "USER_ID"),
    )
    attributes = {field["name"]: field["attribute"] for field in items["fields"]}
    assert attributes == {
        "ITEM_ID": "item_id",
        "CREATION_TIMESTAMP": "created_at",
        "CATEGORY_L1": "department",
        "CATEGORY_L2": "category",
        "BRAND": "brand_name",
    }
    assert users["fields"][1] == {
        "name": "AGE",
        "type": "string",
        "categorical": True,
        "textual": False,
        "nullable": True,
        "attribute": "age",
    }


def test_items_alone_are_streamed_without_a_tracker(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No event is, so nothing of an event is made; runs know nothing of it but what is no event."""
    settings = example.settings(datasets={"items": {"streamed_by": "item_changed"}})
    made = Assembly("dev", tmp_path_factory.mktemp("items"), settings)
    assert "AWS::Personalize::EventTracker" not in json.dumps(made.templates)
    statements = _statements(made)
    put = {action for action in statements if action.startswith("personalize:")}
    assert put == {"personalize:PutItems"}
    function = _one(made, "AWS::Lambda::Function", FunctionName="osusume-dev-stream-events")
    assert function["Environment"]["Variables"]["STREAMED"] == "[]"
    assert function["Environment"]["Variables"]["TRACKING_ID"] == ""


def test_the_functions_copies_of_the_layout_are_right() -> None:
    assert layout.STREAMING.text == STREAMING
    assert layout.STREAM_QUARANTINE.text == handler.KEY
