"""IAM: every operation's resource, iam:PassRole, and KMS keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osusume_endpoint.personalize.resources import resource_arn
from osusume_endpoint.wire import service_model
from tests.personalize.conftest import BUCKET, Shop, World, failure, make_role

PREFIX = "arn:aws:personalize:ap-northeast-1:111111111111"
ARN = {
    "solutionArn": f"{PREFIX}:solution/s",
    "solutionVersionArn": f"{PREFIX}:solution/s/1",
    "datasetGroupArn": f"{PREFIX}:dataset-group/g",
    "datasetArn": f"{PREFIX}:dataset/g/ITEMS",
    "campaignArn": f"{PREFIX}:campaign/c",
    "recipeArn": "arn:aws:personalize:::recipe/aws-sims",
}
# From the service authorization reference.
EXPECTED = {
    "CreateDatasetGroup": ({"name": "g"}, f"{PREFIX}:dataset-group/g"),
    "CreateDataset": ({**ARN, "name": "x", "datasetType": "items"}, f"{PREFIX}:dataset/g/ITEMS"),
    "CreateDatasetImportJob": ({**ARN, "jobName": "j"}, f"{PREFIX}:dataset-import-job/j"),
    "CreateSolution": ({**ARN, "name": "s"}, f"{PREFIX}:solution/s"),
    "CreateSolutionVersion": (ARN, f"{PREFIX}:solution/s"),
    "CreateBatchInferenceJob": ({**ARN, "jobName": "b"}, f"{PREFIX}:batch-inference-job/b"),
    "CreateEventTracker": ({**ARN, "name": "t"}, f"{PREFIX}:event-tracker/*"),
    "DescribeSolutionVersion": (ARN, f"{PREFIX}:solution/s/1"),
    "DescribeSolution": (ARN, f"{PREFIX}:solution/s"),
    "GetSolutionMetrics": (ARN, f"{PREFIX}:solution/s/1"),
    "DescribeRecipe": (ARN, "arn:aws:personalize:::recipe/aws-sims"),
    "UpdateCampaign": (ARN, f"{PREFIX}:campaign/c"),
    "DeleteDataset": (ARN, f"{PREFIX}:dataset/g/ITEMS"),
    "ListDatasets": (ARN, None),
    "ListRecipes": ({}, None),
    "TagResource": ({"resourceArn": "x"}, None),
    "PutEvents": ({"trackingId": "t"}, None),
    "PutItems": (ARN, f"{PREFIX}:dataset/g/ITEMS"),
    "GetRecommendations": ({"campaignArn": ARN["campaignArn"]}, f"{PREFIX}:campaign/c"),
}
_WITHOUT_RESOURCE = ("List", "TagResource", "UntagResource", "PutEvents", "PutActionInteractions")


@pytest.mark.parametrize("operation", EXPECTED)
def test_an_operation_is_matched_against_its_resource(operation: str) -> None:
    parameters, expected = EXPECTED[operation]
    found = resource_arn(operation, parameters, region="ap-northeast-1", account="111111111111")
    assert found == expected


@pytest.mark.parametrize("service", ["personalize", "personalize-runtime", "personalize-events"])
def test_every_operation_that_has_a_resource_names_one(service: str) -> None:
    model = service_model(service)
    for operation in model.operation_names:
        shape: Any = model.operation_model(operation).input_shape
        parameters = {name: f"given-{name}" for name in shape.members}
        found = resource_arn(operation, parameters, region="r", account="a")
        assert (found is None) == operation.startswith(_WITHOUT_RESOURCE), operation


def user(world: World, name: str, *statements: dict[str, Any]) -> dict[str, str]:
    iam = world.client("iam")
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def allow(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_a_policy_for_one_solution_does_not_reach_another(world: World, shop: Shop, popularity: str) -> None:
    keys = user(world, "solver", allow("personalize:*", f"{PREFIX}:solution/popular*"))
    api = world.client("personalize", **keys)
    assert api.describe_solution_version(solutionVersionArn=popularity)
    code, message = failure(
        api.create_solution,
        name="other",
        datasetGroupArn=shop.group,
        recipeArn="arn:aws:personalize:::recipe/aws-sims",
    )
    assert code == "AccessDeniedException"
    assert f"personalize:CreateSolution on resource: {PREFIX}:solution/other" in message
    assert failure(api.list_solutions)[0] == "AccessDeniedException"
    assert failure(api.describe_recipe, recipeArn=ARN["recipeArn"])[0] == "AccessDeniedException"


def test_a_role_is_passed_only_with_permission(world: World, shop: Shop) -> None:
    everything = allow("personalize:*", "*")
    given = {
        "jobName": "passed",
        "datasetArn": shop.datasets["ITEMS"],
        "dataSource": {"dataLocation": f"s3://{BUCKET}/shop/ITEMS.csv"},
        "roleArn": shop.role,
    }
    without = world.client("personalize", **user(world, "no-pass", everything))
    code, message = failure(without.create_dataset_import_job, **given)
    assert (code, "iam:PassRole" in message) == ("AccessDeniedException", True)
    condition = {"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}}
    passing = allow("iam:PassRole", shop.role, Condition=condition)
    allowed = world.client("personalize", **user(world, "may-pass", everything, passing))
    job = allowed.create_dataset_import_job(**given)["datasetImportJobArn"]
    world.active("dataset_import_job", job)


def test_a_group_with_a_key_needs_the_key_s_permissions(world: World) -> None:
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    role = make_role(world, "no-kms")
    api = world.personalize
    arn = api.create_dataset_group(name="no-key", kmsKeyArn=key, roleArn=role)["datasetGroupArn"]
    shown = world.settled("dataset_group", arn)
    assert shown["status"] == "CREATE FAILED"
    assert "kms:Decrypt" in shown["failureReason"]
    good = make_role(world, "kms", actions=("kms:*",))
    arn = api.create_dataset_group(name="with-key", kmsKeyArn=key, roleArn=good)["datasetGroupArn"]
    assert world.active("dataset_group", arn)["kmsKeyArn"] == key
    assert failure(api.create_dataset_group, name="half", kmsKeyArn=key)[0] == "InvalidInputException"


def test_a_trust_policy_may_ask_for_the_source_account(world: World, shop: Shop) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "personalize.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "222222222222"}},
            }
        ],
    }
    role = world.client("iam").create_role(
        RoleName="other-account", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]
    code, _ = failure(
        world.personalize.create_dataset_import_job,
        jobName="confused",
        datasetArn=shop.datasets["ITEMS"],
        dataSource={"dataLocation": f"s3://{BUCKET}/shop/ITEMS.csv"},
        roleArn=role,
    )
    assert code == "InvalidInputException"


def test_an_encrypted_object_needs_the_key_s_permission(world: World, shop: Shop) -> None:
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    text = world.get("shop/ITEMS.csv")
    world.s3.put_object(
        Bucket=BUCKET, Key="secret.csv", Body=text, ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    given = {
        "datasetArn": shop.datasets["ITEMS"],
        "dataSource": {"dataLocation": f"s3://{BUCKET}/secret.csv"},
    }
    create = world.personalize.create_dataset_import_job
    job = create(jobName="no-key", roleArn=shop.role, **given)["datasetImportJobArn"]
    shown = world.settled("dataset_import_job", job)
    assert shown["status"] == "CREATE FAILED"
    assert "kms:Decrypt" in shown["failureReason"]
    good = make_role(world, "s3-and-kms", actions=("s3:*", "kms:*"))
    job = create(jobName="with-key", roleArn=good, **given)["datasetImportJobArn"]
    world.active("dataset_import_job", job)
    output = {"path": f"s3://{BUCKET}/sealed/", "kmsKeyArn": key}
    export = world.personalize.create_dataset_export_job
    sealed = {"datasetArn": shop.datasets["ITEMS"], "jobOutput": {"s3DataDestination": output}}
    arn = export(jobName="sealed", roleArn=shop.role, **sealed)["datasetExportJobArn"]
    assert "kms:GenerateDataKey" in world.settled("dataset_export_job", arn)["failureReason"]
    arn = export(jobName="sealed-2", roleArn=good, **sealed)["datasetExportJobArn"]
    world.active("dataset_export_job", arn)
    head = world.s3.head_object(Bucket=BUCKET, Key="sealed/sealed-2.csv")
    assert head["ServerSideEncryption"] == "aws:kms"
