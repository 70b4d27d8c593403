"""Task states: aws-sdk and optimized integrations, jobs and callbacks.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
"""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
import time
from typing import Any

import pytest

from osusume_endpoint.stepfunctions.integrations import services
from osusume_endpoint.stepfunctions.integrations.sdk import sdk_metadata
from osusume_endpoint.stepfunctions.tokens import TaskTokens
from osusume_endpoint.testing.harness import (
    FUNCTION,
    IDENTITY,
    event_types,
    execution,
    failure,
    jsonata,
    lambda_cloud,
    output,
    run,
    states,
)
from osusume_endpoint.testing.scripted import Cloud, ServiceError

CHILD = "arn:aws:states:eu-west-1:123456789012:stateMachine:child"
CHILD_RUN = "arn:aws:states:eu-west-1:123456789012:execution:child:1"
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
SOLUTION = "arn:aws:personalize:eu-west-1:123456789012:solution/s"


def task(resource: str, arguments: Any = None, **fields: Any) -> dict:
    given = {} if arguments is None else {"Arguments": arguments}
    return jsonata(T={"Type": "Task", "Resource": f"arn:aws:states:::{resource}", **given, **fields})


def raising(code: str, status: int = 400) -> Any:
    def handler(params: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError(code, "told you", status)

    return handler


def test_sdk_arguments_become_camel_case_and_results_pascal_case() -> None:
    cloud = Cloud({("personalize", "CreateSolutionVersion"): {"solutionVersionArn": "v"}})
    definition = task(
        "aws-sdk:personalize:createSolutionVersion", {"SolutionArn": SOLUTION, "TrainingMode": "FULL"}
    )
    assert output(definition, cloud=cloud) == {"SolutionVersionArn": "v"}
    assert cloud.calls[0][2] == {"solutionArn": SOLUTION, "trainingMode": "FULL"}


def test_sdk_structures_are_converted_and_map_keys_are_kept() -> None:
    cloud = Cloud({("personalize", "CreateSolution"): {"solutionArn": "s"}})
    config = {
        "AlgorithmHyperParameters": {"hidden_dimension": "55"},
        "HpoConfig": {"HpoResourceConfig": {"MaxNumberOfTrainingJobs": "2"}},
    }
    arguments = {"Name": "n", "DatasetGroupArn": SOLUTION, "SolutionConfig": config}
    output(task("aws-sdk:personalize:createSolution", arguments), cloud=cloud)
    assert cloud.calls[0][2]["solutionConfig"] == {
        "algorithmHyperParameters": {"hidden_dimension": "55"},
        "hpoConfig": {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "2"}},
    }


def test_sdk_timestamps_are_iso_texts_with_milliseconds() -> None:
    answer = {"solutionVersion": {"status": "ACTIVE", "creationDateTime": MOMENT}}
    cloud = Cloud({("personalize", "DescribeSolutionVersion"): answer})
    definition = task("aws-sdk:personalize:describeSolutionVersion", {"SolutionVersionArn": SOLUTION})
    expected = {"Status": "ACTIVE", "CreationDateTime": "2026-01-02T03:04:05.678Z"}
    assert output(definition, cloud=cloud) == {"SolutionVersion": expected}


def test_a_body_is_returned_as_text() -> None:
    cloud = Cloud({("s3", "GetObject"): lambda params: {"Body": io.BytesIO(b"hello")}})
    definition = task("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"})
    assert output(definition, cloud=cloud) == {"Body": "hello"}


@pytest.mark.parametrize(
    ("service", "action", "arguments", "code", "expected"),
    [
        (
            "personalize",
            "describeSolution",
            {"SolutionArn": SOLUTION},
            "ResourceNotFoundException",
            "Personalize.ResourceNotFoundException",
        ),
        (
            "personalize",
            "describeSolution",
            {"SolutionArn": SOLUTION},
            "AccessDeniedException",
            "Personalize.PersonalizeException",
        ),
        (
            "personalizeruntime",
            "getRecommendations",
            {"CampaignArn": SOLUTION},
            "InvalidInputException",
            "PersonalizeRuntime.InvalidInputException",
        ),
        (
            "dynamodb",
            "putItem",
            {"TableName": "t", "Item": {"k": {"S": "1"}}},
            "ConditionalCheckFailedException",
            "DynamoDb.ConditionalCheckFailedException",
        ),
        (
            "dynamodb",
            "putItem",
            {"TableName": "t", "Item": {"k": {"S": "1"}}},
            "ValidationException",
            "DynamoDb.DynamoDbException",
        ),
        ("s3", "getObject", {"Bucket": "b", "Key": "k"}, "NoSuchKey", "S3.NoSuchKeyException"),
        ("s3", "getObject", {"Bucket": "b", "Key": "k"}, "SlowDown", "S3.S3Exception"),
        (
            "sfn",
            "startExecution",
            {"StateMachineArn": CHILD},
            "StateMachineDoesNotExist",
            "Sfn.StateMachineDoesNotExistException",
        ),
        (
            "redshiftdata",
            "describeStatement",
            {"Id": "i"},
            "ResourceNotFoundException",
            "RedshiftData.ResourceNotFoundException",
        ),
        (
            "cloudwatchlogs",
            "createLogGroup",
            {"LogGroupName": "g"},
            "ResourceAlreadyExistsException",
            "CloudWatchLogs.ResourceAlreadyExistsException",
        ),
    ],
)
def test_sdk_errors_are_named_by_service_and_exception(
    service: str, action: str, arguments: dict, code: str, expected: str
) -> None:
    model = services.operation_model(service, action)
    cloud = Cloud({(services.botocore_name(service), model.name): raising(code)})
    error, cause = failure(task(f"aws-sdk:{service}:{action}", arguments), cloud=cloud)
    assert error == expected
    assert cause == f"told you (Service: {expected.split('.')[0]}, Status Code: 400, Request ID: req-1)"


def test_an_argument_of_the_wrong_type_fails_before_the_call() -> None:
    cloud = Cloud()
    error, cause = failure(task("aws-sdk:s3:getObject", {"Bucket": "{% 5 %}", "Key": "k"}), cloud=cloud)
    assert error == "States.Runtime"
    assert "could not be used to start the Task" in cause
    assert cloud.calls == []


def test_an_unknown_argument_from_the_input_fails_by_its_name() -> None:
    definition = task("aws-sdk:s3:getObject", "{% $states.input %}")
    error, cause = failure(definition, {"Bucket": "b", "Key": "k", "Colour": 1}, cloud=Cloud())
    assert error == "States.Runtime"
    assert "'Colour' is not supported" in cause


def test_an_argument_with_a_small_first_letter_is_not_supported() -> None:
    definition = task("aws-sdk:s3:getObject", "{% {'bucket': 'b', 'Key': 'k'} %}")
    error, cause = failure(definition, cloud=Cloud())
    assert (error, "'bucket' is not supported" in cause) == ("States.Runtime", True)


@pytest.mark.parametrize(
    ("body", "written"),
    [
        ("text data", b'"text data"'),
        ({"Dict": "Value"}, b'{"Dict":"Value"}'),
        (["List", "Data"], b'["List","Data"]'),
        (False, b"false"),
        (0, b"0"),
        ("", b'""'),
        ("é", '"é"'.encode()),
    ],
)
def test_bytes_are_the_arguments_json_a_texts_quotes_included(body: Any, written: bytes) -> None:
    """The first five as AWS wrote them to S3: localstack's recorded test_s3_put_object."""
    cloud = Cloud({("s3", "PutObject"): {"ETag": "e"}})
    output(task("aws-sdk:s3:putObject", {"Bucket": "b", "Key": "k", "Body": body}), cloud=cloud)
    sent = cloud.calls[0][2]["Body"]
    assert (sent if isinstance(sent, bytes) else sent.read()) == written


@pytest.mark.parametrize("given", [{"key": "value"}, [1, "a"], {}])
def test_objects_serve_where_the_api_wants_text(given: Any) -> None:
    """As AWS took them: localstack's recorded test_sfn_start_execution_implicit_json_serialisation."""
    cloud = Cloud({("stepfunctions", "StartExecution"): {"executionArn": "e", "startDate": MOMENT}})
    output(task("aws-sdk:sfn:startExecution", {"StateMachineArn": SOLUTION, "Input": given}), cloud=cloud)
    assert json.loads(cloud.calls[0][2]["input"]) == given


def test_whole_numbers_serve_where_the_api_wants_integers() -> None:
    cloud = Cloud({("s3", "ListObjectsV2"): {"KeyCount": 0}})
    output(task("aws-sdk:s3:listObjectsV2", {"Bucket": "b", "MaxKeys": 5.0}), cloud=cloud)
    assert cloud.calls[0][2]["MaxKeys"] == 5
    assert isinstance(cloud.calls[0][2]["MaxKeys"], int)


def test_arguments_that_are_no_object_fail() -> None:
    error, cause = failure(task("aws-sdk:s3:getObject"), [1], cloud=Cloud())
    assert (error, "[1]" in cause) == ("States.Runtime", True)


def test_lambda_invoke_unwraps_the_payload() -> None:
    cloud = lambda_cloud(lambda event: {"doubled": event["n"] * 2})
    result = output(task("lambda:invoke", {"FunctionName": FUNCTION, "Payload": {"n": 4}}), cloud=cloud)
    assert result["Payload"] == {"doubled": 8}
    assert (result["StatusCode"], result["ExecutedVersion"]) == (200, "$LATEST")


@pytest.mark.parametrize(
    ("payload", "sent"),
    [
        ('"HelloWorld"', b'"HelloWorld"'),
        ("0.0", b"0.0"),
        ("[]", b"[]"),
        ("no JSON", b'"no JSON"'),
        (None, b"{}"),
    ],
)
def test_a_payload_that_is_json_text_goes_as_it_is(payload: Any, sent: bytes) -> None:
    """Recorded in localstack's services/test_lambda_task_service.py, but for the text that is none."""
    cloud = lambda_cloud(lambda event: event)
    output(task("lambda:invoke", {"FunctionName": "f", "Payload": payload}), cloud=cloud)
    assert cloud.calls[0][2]["Payload"] == sent


def test_a_function_arn_gets_a_text_as_text() -> None:
    definition = states(T={"Type": "Task", "Resource": FUNCTION})
    assert output(definition, "0.0", cloud=lambda_cloud(lambda event: event)) == "0.0"


def test_the_log_of_an_invocation_is_handed_on() -> None:
    cloud = Cloud({("lambda", "Invoke"): {"StatusCode": 200, "LogResult": "bG9n"}})
    arguments = {"FunctionName": "f", "LogType": "Tail"}
    assert output(task("lambda:invoke", arguments), cloud=cloud)["LogResult"] == "bG9n"


def test_a_function_arn_gets_the_input_and_returns_its_answer() -> None:
    definition = states(T={"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.r"})
    assert output(definition, {"n": 4}, cloud=lambda_cloud(lambda event: event["n"])) == {"n": 4, "r": 4}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ResourceNotFoundException", "Lambda.ResourceNotFoundException"),
        ("TooManyRequestsException", "Lambda.TooManyRequestsException"),
        ("AccessDeniedException", "Lambda.AWSLambdaException"),
    ],
)
def test_lambda_service_errors_have_their_documented_names(code: str, expected: str) -> None:
    cloud = Cloud({("lambda", "Invoke"): raising(code)})
    assert failure(task("lambda:invoke", {"FunctionName": "f"}), cloud=cloud)[0] == expected


def test_result_selector_and_result_path_shape_a_result() -> None:
    definition = states(
        T={
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload": {}},
            "ResultSelector": {"n.$": "$.Payload.n", "name.$": "$$.Execution.Name"},
            "ResultPath": "$.r",
            "OutputPath": "$.r",
        }
    )
    assert output(definition, {"a": 1}, cloud=lambda_cloud(lambda _: {"n": 1})) == {"n": 1, "name": "run-1"}


def test_assign_of_a_task_reads_the_result_before_the_result_selector() -> None:
    definition = states(
        T={
            "Type": "Task",
            "Resource": FUNCTION,
            "ResultSelector": {"kept.$": "$.a"},
            "Assign": {"lost.$": "$.b"},
        },
        P={"Type": "Pass", "Parameters": {"kept.$": "$.kept", "lost.$": "$lost"}},
    )
    assert output(definition, cloud=lambda_cloud(lambda _: {"a": 1, "b": 2})) == {"kept": 1, "lost": 2}


def glue(*run_states: str) -> Cloud:
    remaining = list(run_states)

    def get_run(params: dict[str, Any]) -> dict[str, Any]:
        state = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return {"JobRun": {"Id": params["RunId"], "JobRunState": state, "StartedOn": MOMENT}}

    answers: dict[tuple[str, str], Any] = {
        ("glue", "StartJobRun"): {"JobRunId": "jr_1"},
        ("glue", "GetJobRun"): get_run,
    }
    return Cloud({**answers, ("glue", "BatchStopJobRun"): {"SuccessfulSubmissions": []}})


def test_a_glue_job_is_waited_for() -> None:
    cloud = glue("STARTING", "RUNNING", "SUCCEEDED")
    definition = task("glue:startJobRun.sync", {"JobName": "j", "Arguments": {"--x": "1"}})
    finished = run(definition, cloud=cloud)
    result = json.loads(finished.result.output or "")
    assert result == {"Id": "jr_1", "JobRunState": "SUCCEEDED", "StartedOn": 1767323045678}
    assert cloud.operations() == ["StartJobRun", "GetJobRun", "GetJobRun", "GetJobRun"]
    assert event_types(finished)[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_a_failed_glue_job_fails_the_task_with_the_run_as_cause() -> None:
    error, cause = failure(task("glue:startJobRun.sync", {"JobName": "j"}), cloud=glue("FAILED"))
    assert error == "States.TaskFailed"
    assert json.loads(cause)["JobRunState"] == "FAILED"


def test_a_job_whose_task_times_out_is_stopped() -> None:
    cloud = glue("RUNNING")
    error, _ = failure(task("glue:startJobRun.sync", {"JobName": "j"}, TimeoutSeconds=1), cloud=cloud)
    assert error == "States.Timeout"
    deadline = time.monotonic() + 2
    while "BatchStopJobRun" not in cloud.operations() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "BatchStopJobRun" in cloud.operations()


def nested(status: str, **more: Any) -> Cloud:
    description = {
        "executionArn": CHILD_RUN,
        "stateMachineArn": CHILD,
        "status": status,
        "startDate": MOMENT,
        "input": '{"n":1}',
        **more,
    }
    return Cloud(
        {
            ("stepfunctions", "StartExecution"): {"executionArn": CHILD_RUN, "startDate": MOMENT},
            ("stepfunctions", "DescribeExecution"): description,
        }
    )


# Of scripted answers, which have no headers.
METADATA = {
    "SdkHttpMetadata": {"AllHttpHeaders": {}, "HttpHeaders": {}, "HttpStatusCode": 200},
    "SdkResponseMetadata": {"RequestId": "req-1"},
}
START = {"StateMachineArn": CHILD, "Input": {"n": "{% $states.input.n %}"}}


def test_start_execution_answers_at_once_and_takes_json_input() -> None:
    cloud = nested("RUNNING")
    result = output(task("states:startExecution", START), {"n": 1}, cloud=cloud)
    assert result == {"ExecutionArn": CHILD_RUN, "StartDate": 1767323045678, **METADATA}
    assert cloud.calls[0][2] == {"stateMachineArn": CHILD, "input": '{"n":1}'}


@pytest.mark.parametrize(("pattern", "expected"), [(".sync", '{"m":2}'), (".sync:2", {"m": 2})])
def test_a_nested_execution_returns_its_output_as_text_or_json(pattern: str, expected: Any) -> None:
    cloud = nested("SUCCEEDED", output='{"m":2}')
    assert output(task(f"states:startExecution{pattern}", START), {"n": 1}, cloud=cloud)["Output"] == expected


def test_a_failed_nested_execution_fails_the_task() -> None:
    cloud = nested("FAILED", error="Bad", cause="luck")
    error, cause = failure(task("states:startExecution.sync:2", START), {"n": 1}, cloud=cloud)
    assert error == "States.TaskFailed"
    assert (json.loads(cause)["Error"], json.loads(cause)["Cause"]) == ("Bad", "luck")


def test_optimized_integrations_take_json_where_the_api_wants_text() -> None:
    cloud = Cloud(
        {
            ("sqs", "SendMessage"): {"MessageId": "1"},
            ("sns", "Publish"): {"MessageId": "2"},
            ("events", "PutEvents"): {"FailedEntryCount": 0, "Entries": [{"EventId": "3"}]},
        }
    )
    output(task("sqs:sendMessage", {"QueueUrl": "u", "MessageBody": {"a": 1}}), cloud=cloud)
    output(task("sns:publish", {"TopicArn": "t", "Message": {"a": 1}}), cloud=cloud)
    entry = {"Source": "s", "DetailType": "d", "Detail": {"a": 1}}
    output(task("events:putEvents", {"Entries": [entry]}), cloud=cloud)
    sent = [params for _, _, params in cloud.calls]
    assert sent[0]["MessageBody"] == sent[1]["Message"] == sent[2]["Entries"][0]["Detail"] == '{"a":1}'


@pytest.mark.parametrize(
    ("resource", "arguments", "operation", "answer", "metadata"),
    [
        ("sqs:sendMessage", {"QueueUrl": "u", "MessageBody": "m"}, ("sqs", "SendMessage"), {}, METADATA),
        ("sns:publish", {"TopicArn": "t", "Message": "m"}, ("sns", "Publish"), {}, METADATA),
        ("dynamodb:getItem", {"TableName": "t", "Key": {}}, ("dynamodb", "GetItem"), {}, METADATA),
        ("aws-sdk:dynamodb:getItem", {"TableName": "t", "Key": {}}, ("dynamodb", "GetItem"), {}, {}),
        (
            "events:putEvents",
            {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]},
            ("events", "PutEvents"),
            {"FailedEntryCount": 0, "Entries": [{"EventId": "3"}]},
            {},
        ),
    ],
)
def test_results_have_the_metadata_of_the_answer(
    resource: str, arguments: dict, operation: tuple[str, str], answer: dict, metadata: dict
) -> None:
    """Recorded in localstack's services/: of every optimized integration there but EventBridge's."""
    assert output(task(resource, arguments), cloud=Cloud({operation: answer})) == {**answer, **metadata}


def test_headers_are_named_as_aws_names_them() -> None:
    headers = {"date": "d", "x-amzn-requestid": "r", "server": "ours"}
    http = sdk_metadata({"ResponseMetadata": {"HTTPHeaders": headers, "HTTPStatusCode": 201}})[
        "SdkHttpMetadata"
    ]
    assert http["HttpHeaders"] == {"Date": "d", "x-amzn-RequestId": "r"}
    assert http["AllHttpHeaders"] == {"Date": ["d"], "x-amzn-RequestId": ["r"]}


@pytest.mark.parametrize(
    ("resource", "given", "error", "cause"),
    [
        (
            "aws-sdk:dynamodb:putItem",
            {"TableName": "t", "Item": None},
            "DynamoDb.DynamoDbException",
            "Value null at 'item' failed to satisfy constraint: Member must not be null",
        ),
        (
            "dynamodb:putItem",
            {"TableName": "t", "Item": None},
            "DynamoDB.AmazonDynamoDBException",
            "Value null at 'item'",
        ),
        (
            "sqs:sendMessage",
            {"QueueUrl": "u", "MessageBody": None},
            "SQS.AmazonSQSException",
            "The request must contain the parameter MessageBody.",
        ),
    ],
)
def test_a_missing_parameter_fails_as_the_service_says(
    resource: str, given: dict, error: str, cause: str
) -> None:
    """Recorded in localstack's error_handling/: States.Runtime could not be caught, and this can."""
    cloud = Cloud()
    found = failure(task(resource, "{% $states.input %}"), given, cloud=cloud)
    assert (found[0], cause in found[1], cloud.calls) == (error, True, [])


def test_an_event_names_the_execution_that_put_it_after_its_own_resources() -> None:
    """Recorded in localstack's services/test_events_task_service.py::test_put_events_base."""
    cloud = Cloud({("events", "PutEvents"): {"FailedEntryCount": 0, "Entries": [{"EventId": "3"}]}})
    entry = {"Source": "s", "DetailType": "d", "Detail": "{}", "Resources": ["r"]}
    output(task("events:putEvents", {"Entries": [entry]}), cloud=cloud)
    own = [IDENTITY.state_machine_arn, IDENTITY.execution_arn]
    assert cloud.calls[0][2]["Entries"][0]["Resources"] == ["r", *own]


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ({"Detail": '"text"'}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "{"}, "MalformedDetail", "Detail is malformed."),
        (
            {"Source": None},
            "InvalidArgument",
            "Parameter Source is not valid. Reason: Source is a required argument.",
        ),
    ],
)
def test_entries_that_can_not_be_put_fail_the_task_after_the_others_were(
    fault: dict, code: str, message: str
) -> None:
    """Recorded in localstack's services/test_events_task_service.py: malformed_detail, no_source."""
    cloud = Cloud({("events", "PutEvents"): {"FailedEntryCount": 0, "Entries": [{"EventId": "3"}]}})
    entry = {"Source": "s", "DetailType": "d", "Detail": "{}"}
    given = {"Entries": [entry, {**entry, **fault}]}
    error, cause = failure(task("events:putEvents", "{% $states.input %}"), given, cloud=cloud)
    assert error == "EventBridge.FailedEntry"
    answers = [{"EventId": "3"}, {"ErrorCode": code, "ErrorMessage": message}]
    assert json.loads(cause) == {"Entries": answers, "FailedEntryCount": 1}
    assert [len(params["Entries"]) for _, _, params in cloud.calls] == [1]


def test_a_failed_event_entry_fails_the_task() -> None:
    cloud = Cloud({("events", "PutEvents"): {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "X"}]}})
    entry = {"Source": "s", "DetailType": "d", "Detail": "{}"}
    assert (
        failure(task("events:putEvents", {"Entries": [entry]}), cloud=cloud)[0] == "EventBridge.FailedEntry"
    )


def test_optimized_dynamodb_has_its_own_error_names() -> None:
    cloud = Cloud({("dynamodb", "PutItem"): raising("ConditionalCheckFailedException")})
    definition = task("dynamodb:putItem", {"TableName": "t", "Item": {"k": {"S": "1"}}})
    assert failure(definition, cloud=cloud)[0] == "DynamoDB.ConditionalCheckFailedException"


def waiting(**fields: Any) -> dict:
    arguments = {"QueueUrl": "u", "MessageBody": {"token": "{% $states.context.Task.Token %}"}}
    return task("sqs:sendMessage.waitForTaskToken", arguments, **fields)


def answering(answer: Any) -> tuple[Cloud, TaskTokens]:
    """A queue whose reader answers the token."""
    tokens = TaskTokens()

    def send(params: dict[str, Any]) -> dict[str, Any]:
        pending = tokens.find(json.loads(params["MessageBody"])["token"])
        threading.Timer(0.05, answer, args=(pending,)).start()
        return {"MessageId": "1"}

    return Cloud({("sqs", "SendMessage"): send}), tokens


def test_a_callback_hands_on_the_output_it_was_sent() -> None:
    cloud, tokens = answering(lambda pending: pending.succeed('{"approved": true}'))
    assert output(waiting(), cloud=cloud, tokens=tokens) == {"approved": True}


def test_a_failed_callback_fails_the_task_with_its_error() -> None:
    cloud, tokens = answering(lambda pending: pending.fail(error="Denied", cause="no"))
    result = run(waiting(), cloud=cloud, tokens=tokens).result
    assert (result.error, result.cause) == ("Denied", "no")


def test_a_callback_without_a_heartbeat_fails() -> None:
    cloud, tokens = answering(lambda pending: None)
    finished = run(waiting(HeartbeatSeconds=1), cloud=cloud, tokens=tokens)
    assert (finished.result.error, finished.result.cause) == ("States.Timeout", None)
    timed_out = finished.history.events[-2]["taskTimedOutEventDetails"]
    assert (timed_out["error"], "cause" in timed_out) == ("States.Timeout", False)


def test_a_rule_may_name_a_missed_heartbeat() -> None:
    """AWS's documentation of error names: "HeartbeatTimeout is available inside the Catch and Retry fields"."""
    cloud, tokens = answering(lambda pending: None)
    definition = waiting(
        HeartbeatSeconds=1, Catch=[{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "C"}]
    )
    definition["States"]["C"] = {"Type": "Pass", "End": True}
    assert output(definition, cloud=cloud, tokens=tokens) == {"Error": "States.Timeout", "Cause": ""}


def test_heartbeats_keep_a_callback_waiting() -> None:
    def beat(pending: Any) -> None:
        for _ in range(4):
            time.sleep(0.4)
            pending.heartbeat()
        pending.succeed("1")

    cloud, tokens = answering(beat)
    assert output(waiting(HeartbeatSeconds=1), cloud=cloud, tokens=tokens) == 1


def test_a_token_is_unknown_once_its_task_has_ended() -> None:
    seen: list[str] = []
    cloud, tokens = answering(lambda pending: (seen.append(pending.token), pending.succeed("1")))
    run(waiting(), cloud=cloud, tokens=tokens)
    assert tokens.find(seen[0]) is None


def test_a_job_that_starts_while_its_execution_is_stopped_is_stopped_too() -> None:
    cloud = glue("RUNNING")
    running = execution(task("glue:startJobRun.sync", {"JobName": "j"}), cloud=cloud)

    def start(params: dict[str, Any]) -> dict[str, Any]:
        running.abort()
        return {"JobRunId": "jr_1"}

    cloud.answers["glue", "StartJobRun"] = start
    running.run()
    assert running.result.status == "ABORTED"
    assert cloud.operations()[-1] == "BatchStopJobRun"


def test_stopping_an_execution_stops_the_job_it_waits_for() -> None:
    cloud = glue("RUNNING")
    running = execution(task("glue:startJobRun.sync", {"JobName": "j"}), cloud=cloud)
    thread = threading.Thread(target=running.run)
    thread.start()
    while "GetJobRun" not in cloud.operations():
        time.sleep(0.01)
    running.abort(error="Stop", cause="by hand")
    thread.join(3)
    assert not thread.is_alive()
    assert (running.result.status, running.result.error) == ("ABORTED", "Stop")
    assert event_types(running)[-1] == "ExecutionAborted"
    assert "BatchStopJobRun" in cloud.operations()
