from __future__ import annotations

import pytest

from checks import sdk


def call(resource: str) -> sdk.Call:
    parsed = sdk.parse(f"arn:aws:states:::{resource}")
    assert parsed is not None
    return parsed


def problems(resource: str, arguments: object) -> list[str]:
    parsed = call(resource)
    return list(sdk.problems(parsed.model.input_shape, arguments, parsed.operation))


@pytest.mark.parametrize(
    ("resource", "action"),
    [
        ("aws-sdk:redshiftdata:describeStatement", "redshift-data:DescribeStatement"),
        ("aws-sdk:personalizeruntime:getRecommendations", "personalize:GetRecommendations"),
        ("aws-sdk:s3:listObjectsV2", "s3:ListBucket"),
        ("lambda:invoke", "lambda:InvokeFunction"),
        ("states:startExecution.sync:2", "states:StartExecution"),
    ],
)
def test_actions_are_named_as_iam_names_them(resource: str, action: str) -> None:
    assert call(resource).iam_action == action


@pytest.mark.parametrize(
    "resource", ["aws-sdk:personalise:createSolution", "aws-sdk:personalize:makeSolution"]
)
def test_services_and_actions_that_do_not_exist_are_refused(resource: str) -> None:
    with pytest.raises(ValueError, match="personali"):
        call(resource)


def test_a_job_name_past_63_characters_is_a_problem() -> None:
    arguments: dict[str, object] = {"JobName": "a" * 64, "DataSource": {}}
    arguments["DatasetArn"] = "arn:aws:personalize:r:1:dataset/x/ITEMS"
    [problem] = problems("aws-sdk:personalize:createDatasetImportJob", arguments)
    assert "64 characters, at most 63" in problem
    assert problems("aws-sdk:personalize:createDatasetImportJob", arguments | {"JobName": "a" * 63}) == []


def test_a_name_that_breaks_the_pattern_is_a_problem() -> None:
    found = problems("aws-sdk:personalize:describeSolution", {"SolutionArn": "personal"})
    assert any("which is not" in problem for problem in found)


def test_errors_of_an_optimized_integration_are_spelled_as_it_spells_them() -> None:
    assert "DynamoDB.ConditionalCheckFailedException" in call("dynamodb:putItem").error_names()
    assert call("dynamodb:putItem").own_prefix == "DynamoDB"
    assert call("aws-sdk:dynamodb:putItem").own_prefix == "DynamoDb"
    assert "Glue.AWSGlueException" in call("glue:startJobRun.sync").error_names()
    assert "Personalize.ResourceNotFound" not in call("aws-sdk:personalize:describeSolution").error_names()


@pytest.mark.parametrize("action", ["s3:ListObjectsV2s", "redshiftdata:DescribeStatement", "glue:StartJob"])
def test_actions_that_iam_does_not_know_are_noticed(action: str) -> None:
    assert not sdk.is_iam_action(action)


@pytest.mark.parametrize(
    "action", ["redshift-data:DescribeStatement", "states:StartExecution", "kms:Decrypt"]
)
def test_actions_that_exist_pass(action: str) -> None:
    assert sdk.is_iam_action(action)


@pytest.mark.parametrize(
    "resource",
    [
        "dynamodb:putItem.sync",
        "aws-sdk:personalize:createSolution.sync",
        "lambda:invoke.sync",
        "glue:startJobRun.sync:2",
        "dynamodb:putItem.waitForTaskToken",
        "states:startExecution.async",
    ],
)
def test_a_pattern_that_an_integration_lacks_is_refused(resource: str) -> None:
    with pytest.raises(ValueError, match=f"has no .{resource.partition('.')[2]}"):
        call(resource)


@pytest.mark.parametrize(
    "resource",
    ["glue:startJobRun.sync", "lambda:invoke.waitForTaskToken", "aws-sdk:sqs:sendMessage.waitForTaskToken"],
)
def test_a_pattern_that_an_integration_has_is_taken(resource: str) -> None:
    assert call(resource).pattern == resource.partition(".")[2]


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("glue:startJobRun.sync", "ExecutionTime"),  # the JobRun itself
        ("codebuild:startBuild.sync", "Build.Id"),
        ("states:startExecution.sync:2", "Status"),
        ("states:startExecution.sync:2", "Output.rows.items"),
        ("states:startExecution", "ExecutionArn"),
        ("lambda:invoke", "Payload.rows"),
        ("lambda:invoke", "StatusCode"),
        ("lambda:invoke.waitForTaskToken", "rows"),
        ("athena:startQueryExecution.sync", "QueryExecution"),  # not known here
        ("aws-sdk:dynamodb:getItem", "Item.since.S"),
    ],
)
def test_a_result_that_step_functions_answers_with_passes(resource: str, path: str) -> None:
    assert sdk.has_result(call(resource), tuple(path.split(".")))


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("glue:startJobRun.sync", "ExecutionTimes"),
        ("glue:startJobRun.sync", "JobRun.ExecutionTime"),
        ("codebuild:startBuild.sync", "Build.Name"),
        ("states:startExecution.sync:2", "Outputs"),
        ("states:startExecution", "Output"),
        ("states:startExecution.sync", "Output.rows"),  # a text there, which nobody parses
        ("lambda:invoke", "Payloads.rows"),
        ("aws-sdk:lambda:invoke", "Payload.rows"),  # a text there too
        ("aws-sdk:dynamodb:getItem", "Items"),
    ],
)
def test_a_result_that_no_answer_has_is_noticed(resource: str, path: str) -> None:
    assert not sdk.has_result(call(resource), tuple(path.split(".")))


def test_lists_and_maps_are_as_long_as_the_model_says() -> None:
    def excluded(count: int) -> dict[str, object]:
        columns = {"ITEMS": [f"F{number}" for number in range(count)]}
        config = {"TrainingDataConfig": {"ExcludedDatasetColumns": columns}}
        return {
            "Name": "personal",
            "DatasetGroupArn": "arn:aws:personalize:us-east-1:111111111111:dataset-group/g",
            "SolutionConfig": config,
        }

    [problem] = problems("aws-sdk:personalize:createSolution", excluded(51))
    assert problem.endswith("ExcludedDatasetColumns.ITEMS has 51 entries, at most 50")
    assert problems("aws-sdk:personalize:createSolution", excluded(50)) == []
