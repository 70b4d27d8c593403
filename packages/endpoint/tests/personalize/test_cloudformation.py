"""AWS::Personalize::* in stacks."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.personalize.conftest import INTERACTIONS, World, failure, interactions_csv

P = "AWS::Personalize::"


def template(role: str, location: str, schema_name: str = "cfn") -> dict[str, Any]:
    job = {"JobName": "cfn", "RoleArn": role, "DataSource": {"DataLocation": location}}
    return {
        "Resources": {
            "Group": {"Type": f"{P}DatasetGroup", "Properties": {"Name": "cfn"}},
            "Schema": {"Type": f"{P}Schema", "Properties": {"Name": schema_name, "Schema": INTERACTIONS}},
            "Data": {
                "Type": f"{P}Dataset",
                "Properties": {
                    "Name": "cfn",
                    "DatasetType": "Interactions",
                    "DatasetGroupArn": {"Ref": "Group"},
                    "SchemaArn": {"Fn::GetAtt": ["Schema", "SchemaArn"]},
                    "DatasetImportJob": job,
                },
            },
            "Tracker": {
                "Type": f"{P}EventTracker",
                "Properties": {"Name": "cfn", "DatasetGroupArn": {"Ref": "Group"}},
            },
            "Filter": {
                "Type": f"{P}Filter",
                "DependsOn": "Data",
                "Properties": {
                    "Name": "cfn",
                    "DatasetGroupArn": {"Ref": "Group"},
                    "FilterExpression": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click")',
                },
            },
            "Solution": {
                "Type": f"{P}Solution",
                "DependsOn": "Data",
                "Properties": {
                    "Name": "cfn",
                    "DatasetGroupArn": {"Ref": "Group"},
                    "RecipeArn": "arn:aws:personalize:::recipe/aws-sims",
                    "PerformHPO": "false",
                    "SolutionConfig": {"AlgorithmHyperParameters": {"min_cointeraction_count": "1"}},
                },
            },
        },
        "Outputs": {
            "Tracking": {"Value": {"Fn::GetAtt": ["Tracker", "TrackingId"]}},
            "Solution": {"Value": {"Ref": "Solution"}},
        },
    }


def deployed(world: World, name: str, body: dict[str, Any], verb: str = "create") -> dict[str, Any]:
    cloudformation = world.client("cloudformation")
    getattr(cloudformation, f"{verb}_stack")(StackName=name, TemplateBody=json.dumps(body))
    return settled(world, name)


def settled(world: World, name: str) -> dict[str, Any]:
    while True:
        stack = world.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return dict(stack)
        time.sleep(0.1)


def test_a_stack_makes_waits_for_and_removes_everything(world: World, role: str) -> None:
    location = world.put("cfn.csv", interactions_csv())
    stack = deployed(world, "personalize", template(role, location))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    solution = world.personalize.describe_solution(solutionArn=outputs["Solution"])["solution"]
    assert solution["status"] == "ACTIVE"
    assert solution["solutionConfig"]["algorithmHyperParameters"] == {"min_cointeraction_count": "1"}
    group = solution["datasetGroupArn"]
    trackers = world.personalize.list_event_trackers(datasetGroupArn=group)["eventTrackers"]
    tracker = world.personalize.describe_event_tracker(eventTrackerArn=trackers[0]["eventTrackerArn"])
    assert tracker["eventTracker"]["trackingId"] == outputs["Tracking"]
    dataset = world.personalize.list_datasets(datasetGroupArn=group)["datasets"][0]
    jobs = world.personalize.list_dataset_import_jobs(datasetArn=dataset["datasetArn"])
    assert [job["status"] for job in jobs["datasetImportJobs"]] == ["ACTIVE"]
    world.client("cloudformation").delete_stack(StackName="personalize")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if failure_of_group(world, group):
            break
        time.sleep(0.1)
    assert failure(world.personalize.describe_dataset_group, datasetGroupArn=group)[0] == (
        "ResourceNotFoundException"
    )


def failure_of_group(world: World, group: str) -> bool:
    listed = world.personalize.list_dataset_groups()["datasetGroups"]
    return group not in [one["datasetGroupArn"] for one in listed]


def test_a_resource_that_the_api_refuses_fails_the_stack_with_its_words(world: World, role: str) -> None:
    body = {
        "Resources": {
            "Schema": {"Type": f"{P}Schema", "Properties": {"Name": "bad", "Schema": "{}"}},
        }
    }
    stack = deployed(world, "refused", body)
    assert stack["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED")
    events = world.client("cloudformation").describe_stack_events(StackName="refused")["StackEvents"]
    assert any("Input schema is invalid" in event.get("ResourceStatusReason", "") for event in events)


def test_a_changed_property_of_a_fixed_name_already_exists(world: World, role: str) -> None:
    body = {
        "Resources": {"S": {"Type": f"{P}Schema", "Properties": {"Name": "kept", "Schema": INTERACTIONS}}}
    }
    assert deployed(world, "kept", body)["StackStatus"] == "CREATE_COMPLETE"
    body["Resources"]["S"]["Properties"]["Tags"] = [{"Key": "commit", "Value": "abc"}]
    deployed(world, "kept", body, "update")
    events = world.client("cloudformation").describe_stack_events(StackName="kept")["StackEvents"]
    assert any("already exists" in event.get("ResourceStatusReason", "") for event in events)
