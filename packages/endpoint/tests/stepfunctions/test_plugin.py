"""The Step Functions API of the endpoint, through boto3 and with IAM enforced."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.testing.harness import jsonata, states
from tests.stepfunctions.launcher import ACCOUNT, REGION
from tests.stepfunctions.served import ROLE, Server, create, finish, history, start, trusting, until
from tests.stepfunctions.test_parallel_and_map import STANDARD, branch

pytestmark = pytest.mark.slow


def task(resource: str, arguments: dict, **fields: Any) -> dict:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, **fields}
    return jsonata(T=state)


WAITING = states(W={"Type": "Wait", "Seconds": 90_000})


def test_an_execution_runs_with_our_interpreter(sfn: Any) -> None:
    machine = create(sfn, "adder", jsonata(P={"Type": "Pass", "Output": "{% $states.input.a + 1 %}"}))
    description = finish(sfn, start(sfn, machine, {"a": 41}))
    assert (description["status"], description["output"]) == ("SUCCEEDED", "42")
    assert description["redriveStatus"] == "NOT_REDRIVABLE"


def test_an_invalid_definition_is_refused_at_creation_and_update(sfn: Any) -> None:
    broken = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}
    with pytest.raises(ClientError, match=r"InvalidDefinition.*Missing 'Next' target: B"):
        create(sfn, "broken", broken)
    machine = create(sfn, "whole", states(A={"Type": "Succeed"}))
    with pytest.raises(ClientError, match=r"InvalidDefinition.*Missing 'Next' target: B"):
        sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(broken))


def test_an_invalid_definition_fails_its_stack(server: Server, sfn: Any) -> None:
    properties = {"RoleArn": ROLE, "Definition": {"StartAt": "A", "States": {"A": {"Type": "Pass"}}}}
    template = {"Resources": {"M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    cloudformation = server.client("cloudformation")
    cloudformation.create_stack(StackName="broken", TemplateBody=json.dumps(template))
    stack = "broken"

    def reasons() -> list[str]:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return [e["ResourceStatusReason"] for e in events if e["ResourceStatus"] == "CREATE_FAILED"]

    assert any("either Next or End" in reason for reason in until(reasons))


def test_a_state_machine_of_a_stack_runs(server: Server, sfn: Any) -> None:
    properties = {
        "RoleArn": ROLE,
        "DefinitionString": json.dumps(states(A={"Type": "Pass", "Result": "${word}"})),
        "DefinitionSubstitutions": {"word": "hello"},
    }
    template = {
        "Resources": {"M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}},
        "Outputs": {"Arn": {"Value": {"Ref": "M"}}},
    }
    cloudformation = server.client("cloudformation")
    cloudformation.create_stack(StackName="whole", TemplateBody=json.dumps(template))

    def outputs() -> Any:
        return cloudformation.describe_stacks(StackName="whole")["Stacks"][0].get("Outputs")

    machine = until(outputs)[0]["OutputValue"]
    assert finish(sfn, start(sfn, machine))["output"] == '"hello"'


def test_a_role_that_step_functions_may_not_assume_is_refused(sfn: Any) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied.*Neither the global service principal states"):
        create(sfn, "foreign", states(A={"Type": "Succeed"}), role=ROLE.replace("machine", "stranger"))


def test_an_execution_of_a_version_runs_the_definition_of_that_version(sfn: Any) -> None:
    machine = create(sfn, "versioned", states(A={"Type": "Pass", "Result": 1}))
    version = sfn.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    sfn.update_state_machine(
        stateMachineArn=machine, definition=json.dumps(states(A={"Type": "Pass", "Result": 2}))
    )
    assert finish(sfn, start(sfn, machine))["output"] == "2"
    description = finish(sfn, start(sfn, version))
    assert (description["output"], description["stateMachineVersionArn"]) == ("1", version)


def test_an_express_machine_runs_synchronously(sfn: Any) -> None:
    definition = jsonata(A={"Type": "Pass", "Output": "{% $states.input.a * 2 %}"})
    express = create(sfn, "quick", definition, type="EXPRESS")
    answer = sfn.start_sync_execution(stateMachineArn=express, input='{"a": 4}')
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "8")
    with pytest.raises(ClientError, match="StateMachineTypeNotSupported"):
        sfn.start_sync_execution(stateMachineArn=create(sfn, "standard", definition))


def test_an_express_machine_may_not_run_jobs(sfn: Any) -> None:
    definition = task("states:startExecution.sync:2", {"StateMachineArn": "a"})
    with pytest.raises(ClientError, match=r"InvalidDefinition.*'\.sync:2'"):
        create(sfn, "express", definition, type="EXPRESS")


def test_calls_are_made_with_the_roles_permissions(sfn: Any) -> None:
    allowed = task("aws-sdk:s3:putObject", {"Bucket": "items", "Key": "k", "Body": [1, 2]})
    assert finish(sfn, start(sfn, create(sfn, "allowed", allowed)))["status"] == "SUCCEEDED"
    denied = task("aws-sdk:dynamodb:putItem", {"TableName": "t", "Item": {"k": {"S": "1"}}})
    description = finish(sfn, start(sfn, create(sfn, "denied", denied)))
    assert description["status"] == "FAILED"
    assert description["error"] == "DynamoDb.DynamoDbException"
    assert "is not authorized to perform: dynamodb:PutItem" in description["cause"]
    assert "assumed-role/machine/" in description["cause"]


def test_a_nested_execution_is_waited_for(sfn: Any) -> None:
    child = create(sfn, "child", jsonata(W={"Type": "Wait", "Seconds": 10, "Output": {"ok": True}}))
    parent = create(sfn, "parent", task("states:startExecution.sync:2", {"StateMachineArn": child}))
    output = json.loads(finish(sfn, start(sfn, parent))["output"])
    assert (output["Output"], output["Status"]) == ({"ok": True}, "SUCCEEDED")


def test_stopping_a_parent_stops_its_nested_execution(sfn: Any) -> None:
    child = create(sfn, "endless", WAITING)
    parent = create(sfn, "stopped", task("states:startExecution.sync:2", {"StateMachineArn": child}))
    arn = start(sfn, parent)
    until(lambda: sfn.list_executions(stateMachineArn=child)["executions"])
    sfn.stop_execution(executionArn=arn, error="Enough", cause="by hand")
    description = sfn.describe_execution(executionArn=arn)
    assert (description["status"], description["error"]) == ("ABORTED", "Enough")
    assert history(sfn, arn)[-1]["executionAbortedEventDetails"] == {"error": "Enough", "cause": "by hand"}
    nested = sfn.list_executions(stateMachineArn=child)["executions"][0]["executionArn"]
    assert finish(sfn, nested)["status"] == "ABORTED"


def test_a_task_token_is_answered_through_the_api(server: Server, sfn: Any) -> None:
    sqs = server.client("sqs")
    queue = sqs.create_queue(QueueName="approvals")["QueueUrl"]
    message = {"QueueUrl": queue, "MessageBody": {"token": "{% $states.context.Task.Token %}"}}
    arn = start(sfn, create(sfn, "approval", task("sqs:sendMessage.waitForTaskToken", message)))
    (received,) = until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    token = json.loads(received["Body"])["token"]
    sfn.send_task_heartbeat(taskToken=token)
    with pytest.raises(ClientError, match="InvalidOutput"):
        sfn.send_task_success(taskToken=token, output="{")
    sfn.send_task_success(taskToken=token, output='{"approved": true}')
    assert json.loads(finish(sfn, arn)["output"]) == {"approved": True}
    with pytest.raises(ClientError, match="TaskTimedOut"):
        sfn.send_task_failure(taskToken=token)


def test_the_history_shows_the_state_an_execution_is_in(sfn: Any) -> None:
    arn = start(sfn, create(sfn, "live", states(A={"Type": "Pass"}, W=WAITING["States"]["W"])))
    until(lambda: history(sfn, arn)[-1]["type"] == "WaitStateEntered")
    newest = sfn.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"][0]
    assert newest["stateEnteredEventDetails"]["name"] == "W"
    sfn.stop_execution(executionArn=arn)


def test_map_runs_and_their_children_can_be_listed(server: Server, sfn: Any) -> None:
    server.client("s3").put_object(Bucket="items", Key="list.json", Body=b"[1, 2, 3]")
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Arguments": {"Bucket": "items", "Key": "list.json"},
    }
    processor = {
        **branch(X={"Type": "Pass", "Output": "{% $states.input * 2 %}"}),
        "ProcessorConfig": STANDARD,
    }
    definition = jsonata(M={"Type": "Map", "ItemReader": reader, "ItemProcessor": processor})
    arn = start(sfn, create(sfn, "mapping", definition))
    assert finish(sfn, arn)["output"] == "[2,4,6]"
    (run,) = sfn.list_map_runs(executionArn=arn)["mapRuns"]
    assert run["stateMachineArn"].endswith(":stateMachine:mapping/M")
    description = sfn.describe_map_run(mapRunArn=run["mapRunArn"])
    assert (description["status"], description["itemCounts"]["succeeded"]) == ("SUCCEEDED", 3)
    assert description["executionCounts"]["resultsWritten"] == 3
    children = sfn.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    with pytest.raises(ClientError, match="NotEmulated"):
        sfn.stop_execution(executionArn=children[0]["executionArn"])
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 3
    assert history(sfn, children[0]["executionArn"])[-1]["type"] == "ExecutionSucceeded"


def test_a_map_run_needs_a_role_that_may_start_its_children(server: Server, sfn: Any) -> None:
    server.client("iam").create_role(
        RoleName="powerless", AssumeRolePolicyDocument=trusting("states.amazonaws.com")
    )
    processor = {**branch(X={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    definition = jsonata(M={"Type": "Map", "Items": [1], "ItemProcessor": processor})
    machine = create(sfn, "powerless", definition, role=ROLE.replace("/machine", "/powerless"))
    description = finish(sfn, start(sfn, machine))
    assert description["error"] == "States.Permissions"
    assert "states:StartExecution" in description["cause"]


def test_a_failed_execution_is_redriven(server: Server, sfn: Any) -> None:
    definition = task("aws-sdk:s3:getObject", {"Bucket": "items", "Key": "later"})
    arn = start(sfn, create(sfn, "redriven", definition))
    assert finish(sfn, arn)["error"] == "S3.NoSuchKeyException"
    server.client("s3").put_object(Bucket="items", Key="later", Body=b"now")
    assert sfn.redrive_execution(executionArn=arn)["redriveDate"]
    description = finish(sfn, arn)
    assert (description["status"], description["redriveCount"]) == ("SUCCEEDED", 1)
    with pytest.raises(ClientError, match="ExecutionNotRedrivable"):
        sfn.redrive_execution(executionArn=arn)


def test_starting_twice_with_one_name_and_input_is_one_execution(sfn: Any) -> None:
    machine = create(sfn, "once", WAITING)
    first = start(sfn, machine, {"a": 1}, name="same")
    assert start(sfn, machine, {"a": 1}, name="same") == first
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(sfn, machine, {"a": 2}, name="same")
    sfn.stop_execution(executionArn=first)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [({"name": "a b"}, "InvalidName"), ({"input": "{"}, "InvalidExecutionInput")],
)
def test_a_bad_start_is_refused(sfn: Any, arguments: dict, code: str) -> None:
    machine = create(sfn, f"refusing-{code}", states(A={"Type": "Succeed"}))
    with pytest.raises(ClientError, match=code):
        sfn.start_execution(stateMachineArn=machine, **arguments)


def test_one_state_can_be_tested_alone(sfn: Any) -> None:
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": "items", "Key": "{% $states.input.key %}"},
        "Catch": [{"ErrorEquals": ["S3.NoSuchKeyException"], "Next": "Missing", "Output": "none"}],
        "Retry": [{"ErrorEquals": ["S3.S3Exception"], "MaxAttempts": 1}],
        "Next": "Found",
    }
    request = {"definition": json.dumps(state), "roleArn": ROLE, "input": '{"key": "nowhere"}'}
    answer = sfn.test_state(**request)
    assert (answer["status"], answer["nextState"], answer["output"]) == ("CAUGHT_ERROR", "Missing", '"none"')
    mocked = sfn.test_state(**request, mock={"result": '{"Body": "x"}'})
    assert (mocked["status"], mocked["nextState"]) == ("SUCCEEDED", "Found")
    failing = {"errorOutput": {"error": "S3.S3Exception", "cause": "c"}}
    assert sfn.test_state(**request, mock=failing)["status"] == "RETRIABLE"


def test_definitions_can_be_validated_without_creating_them(sfn: Any) -> None:
    answer = sfn.validate_state_machine_definition(definition='{"StartAt": "A", "States": {}}')
    assert answer["result"] == "FAIL"
    assert answer["diagnostics"][0]["severity"] == "ERROR"


def test_activities_are_refused_by_name(sfn: Any) -> None:
    with pytest.raises(ClientError, match="CreateActivity"):
        sfn.create_activity(name="a")


def test_a_failed_execution_is_counted_and_logged(server: Server, sfn: Any) -> None:
    logs = server.client("logs")
    logs.create_log_group(logGroupName="/states/logged")
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/states/logged:*"
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": group}}
    logging = {"level": "ERROR", "includeExecutionData": True, "destinations": [destination]}
    definition = states(A={"Type": "Pass"}, F={"Type": "Fail", "Error": "E", "Cause": "c"})
    machine = create(sfn, "logged", definition, loggingConfiguration=logging)
    arn = start(sfn, machine)
    assert finish(sfn, arn)["error"] == "E"
    events = until(lambda: logs.filter_log_events(logGroupName="/states/logged")["events"])
    lines = [json.loads(event["message"]) for event in events]
    assert [line["type"] for line in lines] == ["FailStateEntered", "ExecutionFailed"]
    assert (lines[1]["execution_arn"], lines[1]["details"]) == (arn, {"error": "E", "cause": "c"})
    assert [line["redrive_count"] for line in lines] == ["0", "0"]  # localstack's logs/test_logs.py, recorded
    now = datetime.now(UTC)
    statistics = server.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/States",
        MetricName="ExecutionsFailed",
        Dimensions=[{"Name": "StateMachineArn", "Value": machine}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in statistics["Datapoints"]) == 1


def test_a_timed_out_execution_is_reported_by_the_api(sfn: Any) -> None:
    definition = {**WAITING, "TimeoutSeconds": 1}
    description = finish(sfn, start(sfn, create(sfn, "slow", definition)))
    assert (description["status"], description["redriveStatus"]) == ("TIMED_OUT", "REDRIVABLE")


@pytest.mark.parametrize(
    ("operation", "argument", "other"),
    [
        ("describe_state_machine", "stateMachineArn", "execution"),
        ("list_executions", "stateMachineArn", "execution"),
        ("describe_execution", "executionArn", "stateMachine"),
        ("get_execution_history", "executionArn", "stateMachine"),
    ],
)
def test_what_is_no_arn_of_its_kind_is_an_invalid_arn(
    sfn: Any, operation: str, argument: str, other: str
) -> None:
    """Wordings as AWS answered: localstack's recorded test_sfn_api*.snapshot.json."""
    ask = getattr(sfn, operation)
    for given, why in (
        ("not_a_valid_arn", "Invalid ARN prefix: not_a_valid_arn"),
        (f"arn:aws:states:{REGION}:{ACCOUNT}:{other}:a", f"Resource type not valid in this context: {other}"),
    ):
        with pytest.raises(ClientError) as refused:
            ask(**{argument: given})
        assert refused.value.response["Error"]["Code"] == "InvalidArn"
        assert refused.value.response["Error"]["Message"] == f"Invalid Arn: '{why}'"


def test_a_role_may_be_limited_to_this_state_machine(server: Server, sfn: Any) -> None:
    trust = json.loads(trusting("states.amazonaws.com"))
    source = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:mine-*"
    trust["Statement"][0]["Condition"] = {
        "ArnLike": {"aws:SourceArn": source},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }
    iam = server.client("iam")
    iam.create_role(RoleName="mine", AssumeRolePolicyDocument=json.dumps(trust))
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="mine", PolicyName="p", PolicyDocument=policy)
    role = ROLE.replace("/machine", "/mine")
    definition = task("aws-sdk:s3:listBuckets", {})
    assert finish(sfn, start(sfn, create(sfn, "mine-1", definition, role=role)))["status"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="AccessDenied"):
        create(sfn, "yours", definition, role=role)


def test_a_running_execution_does_not_keep_the_process_from_ending(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        server.wait()
        iam = server.client("iam")
        iam.create_role(RoleName="machine", AssumeRolePolicyDocument=trusting("states.amazonaws.com"))
        sfn = server.client("stepfunctions")
        arn = start(sfn, create(sfn, "endless", states(W={"Type": "Wait", "Seconds": 9_000_000})))
        until(lambda: history(sfn, arn)[-1]["type"] == "WaitStateEntered")
        os.kill(server.process.pid, signal.SIGTERM)
        server.process.wait(timeout=10)
    finally:
        server.process.kill()
