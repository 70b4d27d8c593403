"""Projects and builds through boto3, whose model the answers are validated against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import (
    REGION,
    allow,
    caller,
    error_of,
    eventually,
    make_role,
    name,
    zipped,
)

SERVICE = "codebuild.amazonaws.com"
LOGS = allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
PRINTS = {"build": {"commands": ["python -m said"]}}
SAID = {
    "said.py": "import os, boto3\nprint('said', os.environ['WORD'], boto3.client('sts').get_caller_identity()['Arn'])\n"
}


def spec(phases: Mapping[str, Any], **env: Any) -> str:
    return yaml.safe_dump({"version": 0.2, "env": env, "phases": dict(phases)})


def stored(endpoint: Endpoint, files: Mapping[str, str]) -> str:
    """A source's location: a zip in a bucket of its own."""
    bucket, s3 = name("sources"), endpoint.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=bucket, Key="a/source.zip", Body=zipped(files))
    return f"{bucket}/a/source.zip"


def project(
    endpoint: Endpoint, phases: Mapping[str, Any], *, files: Mapping[str, str] = SAID, **more: Any
) -> str:
    """A project whose role may write logs and read its source. Returns its name."""
    location = more.pop("location", None) or stored(endpoint, files)
    read = allow("s3:GetObject", resource=f"arn:aws:s3:::{location}")
    role = more.pop("serviceRole", None) or make_role(endpoint, LOGS, read, service=SERVICE)
    env = more.pop("env", {})
    return str(
        endpoint.client("codebuild").create_project(
            **{
                "name": name("project"),
                "serviceRole": role,
                "source": {"type": "S3", "location": location, "buildspec": spec(phases, **env)},
                "artifacts": {"type": "NO_ARTIFACTS"},
                "environment": environment(WORD="hello"),
                **more,
            }
        )["project"]["name"]
    )


def environment(**variables: str) -> dict[str, Any]:
    return {
        "type": "ARM_CONTAINER",
        "computeType": "BUILD_GENERAL1_SMALL",
        "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
        "environmentVariables": [{"name": key, "value": value} for key, value in variables.items()],
    }


def started(endpoint: Endpoint, project_name: str, **more: Any) -> str:
    return str(endpoint.client("codebuild").start_build(projectName=project_name, **more)["build"]["id"])


def described(endpoint: Endpoint, build: str) -> dict[str, Any]:
    [found] = endpoint.client("codebuild").batch_get_builds(ids=[build])["builds"]
    return dict(found)


def ended(endpoint: Endpoint, build: str) -> dict[str, Any]:
    def look() -> Any:
        found = described(endpoint, build)
        return found if found["buildComplete"] else None

    return dict(eventually(look, seconds=60))


def built(endpoint: Endpoint, project_name: str, **more: Any) -> dict[str, Any]:
    return ended(endpoint, started(endpoint, project_name, **more))


def logged(endpoint: Endpoint, build: Mapping[str, Any]) -> list[str]:
    where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    return [event["message"] for event in endpoint.client("logs").get_log_events(**where)["events"]]


def failure(build: Mapping[str, Any]) -> tuple[str, str, str]:
    """(phase, status code, message) of the phase that ended the build."""
    [phase] = [one for one in build["phases"] if one.get("phaseStatus", "SUCCEEDED") != "SUCCEEDED"]
    return phase["phaseType"], phase["contexts"][0]["statusCode"], phase["contexts"][0]["message"]


def test_a_build_runs_its_source_as_its_role_and_says_so_in_its_log(codebuild: Endpoint) -> None:
    made = project(codebuild, PRINTS)
    override = [{"name": "WORD", "value": "good day", "type": "PLAINTEXT"}]
    build = built(codebuild, made, environmentVariablesOverride=override)
    assert build["buildStatus"] == "SUCCEEDED", (failure(build), logged(codebuild, build))
    assert (build["buildStatus"], build["currentPhase"], build["buildNumber"]) == (
        "SUCCEEDED",
        "COMPLETED",
        1,
    )
    [line] = [line for line in logged(codebuild, build) if line.startswith("said good day ")]
    role = build["serviceRole"].rpartition("/")[2]
    assert f":assumed-role/{role}/AWSCodeBuild-{build['id'].partition(':')[2]}" in line
    assert build["logs"]["groupName"] == f"/aws/codebuild/{made}"
    assert [one["phaseType"] for one in build["phases"]] == [
        *("SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE"),
        *("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "FINALIZING", "COMPLETED"),
    ]
    assert built(codebuild, made)["buildNumber"] == 2
    listed = codebuild.client("codebuild").list_builds_for_project(projectName=made)["ids"]
    assert len(listed) == 2 and listed[1] == build["id"], "newest first"


def test_a_role_may_write_to_the_streams_of_its_own_group_alone(codebuild: Endpoint) -> None:
    """As templates have it: the ARN of a group with `:*`. AWS compares it with the stream's."""
    location = stored(codebuild, SAID)
    for group, status in (("own", "SUCCEEDED"), ("other", "FAILED")):
        title = name("logs")
        codebuild.client("logs").create_log_group(logGroupName=f"{title}-own")
        arn = f"arn:aws:logs:{REGION}:222222222222:log-group:{title}-{group}:*"
        write = allow("logs:CreateLogStream", "logs:PutLogEvents", resource=arn)
        role = make_role(codebuild, write, allow("s3:GetObject"), service=SERVICE)
        logs = {"cloudWatchLogs": {"status": "ENABLED", "groupName": f"{title}-own"}}
        made = project(codebuild, PRINTS, location=location, serviceRole=role, logsConfig=logs)
        assert built(codebuild, made)["buildStatus"] == status


def test_a_failed_command_fails_the_build_and_is_named(codebuild: Endpoint) -> None:
    phase = {"commands": ["echo because > why; false"], "finally": ['export WHY="$(cat why)"']}
    build = built(codebuild, project(codebuild, {"build": phase}, env={"exported-variables": ["WHY"]}))
    said = "Error while executing command: echo because > why; false. Reason: exit status 1"
    assert build["buildStatus"] == "FAILED"
    assert failure(build) == ("BUILD", "COMMAND_EXECUTION_ERROR", said)
    assert build["exportedEnvironmentVariables"] == [{"name": "WHY", "value": "because"}]


def test_a_build_may_do_what_its_role_may_and_nothing_else(codebuild: Endpoint) -> None:
    files = {"tries.py": "import boto3\nboto3.client('dynamodb').list_tables()\n"}
    build = built(codebuild, project(codebuild, {"build": {"commands": ["python tries.py"]}}, files=files))
    assert build["buildStatus"] == "FAILED"
    assert any("not authorized to perform: dynamodb:ListTables" in line for line in logged(codebuild, build))


def test_secondary_sources_lie_in_folders_of_their_own(codebuild: Endpoint) -> None:
    first, second = stored(codebuild, {"one.txt": "1"}), stored(codebuild, {"python/two.txt": "2"})
    read = allow("s3:GetObject", resource=[f"arn:aws:s3:::{first}", f"arn:aws:s3:::{second}"])
    second_folder = "$CODEBUILD_SRC_DIR_more/python"
    commands = ["echo said $(cat one.txt)", f"echo said $(cat {second_folder}/two.txt)", "echo x > one.txt"]
    made = project(
        codebuild,
        {"build": {"commands": commands}},
        location=first,
        serviceRole=make_role(codebuild, LOGS, read, service=SERVICE),
        secondarySources=[{"type": "S3", "location": second, "sourceIdentifier": "more"}],
    )
    for _ in range(2):  # what one build writes into its source is gone in the next
        build = built(codebuild, made)
        assert build["buildStatus"] == "SUCCEEDED" and {"said 1", "said 2"} <= set(logged(codebuild, build))


@pytest.mark.parametrize(
    ("statements", "phase", "code", "said"),
    [
        ([allow("s3:GetObject")], "PROVISIONING", "ACCESS_DENIED", "logs:CreateLogStream"),
        ([LOGS], "DOWNLOAD_SOURCE", "CLIENT_ERROR", "s3:GetObject"),
    ],
)
def test_a_role_without_what_codebuild_itself_needs_fails_its_phase(
    codebuild: Endpoint, statements: list[Any], phase: str, code: str, said: str
) -> None:
    build = built(
        codebuild, project(codebuild, PRINTS, serviceRole=make_role(codebuild, *statements, service=SERVICE))
    )
    found = failure(build)
    assert build["buildStatus"] == "FAILED" and found[:2] == (phase, code) and said in found[2]


def test_a_role_that_trusts_somebody_else_is_not_assumed(codebuild: Endpoint) -> None:
    other = {"StringEquals": {"aws:SourceArn": f"arn:aws:codebuild:{REGION}:222222222222:project/other"}}
    for role in (
        make_role(codebuild, LOGS, allow("s3:GetObject"), service="lambda.amazonaws.com"),
        make_role(codebuild, LOGS, allow("s3:GetObject"), service=SERVICE, condition=other),
    ):
        build = built(codebuild, project(codebuild, PRINTS, serviceRole=role))
        assert (
            failure(build)[:2] == ("PROVISIONING", "CLIENT_ERROR") and "sts:AssumeRole" in failure(build)[2]
        )


def test_a_stopped_build_ends_with_all_that_it_started(codebuild: Endpoint) -> None:
    made = project(codebuild, {"build": {"commands": ["echo began", "sleep 600"]}}, concurrentBuildLimit=1)
    build = started(codebuild, made)
    eventually(lambda: described(codebuild, build)["currentPhase"] == "BUILD")
    code, _ = error_of(lambda: started(codebuild, made))
    assert code == "AccountLimitExceededException", "one at a time"
    codebuild.client("codebuild").stop_build(id=build)
    stopped = ended(codebuild, build)
    assert stopped["buildStatus"] == "STOPPED" and failure(stopped)[0] == "BUILD"
    assert (
        built(codebuild, made, buildspecOverride=spec({"build": {"commands": ["true"]}}))["buildStatus"]
        == "SUCCEEDED"
    )


def test_a_caller_needs_the_project_of_every_build_that_it_asks_for(codebuild: Endpoint) -> None:
    mine, other = project(codebuild, PRINTS), project(codebuild, PRINTS)
    arn = f"arn:aws:codebuild:{REGION}:222222222222:project/{mine}"
    client = caller(codebuild, allow("codebuild:StartBuild", "codebuild:BatchGetBuilds", resource=arn))(
        "codebuild"
    )
    build = client.start_build(projectName=mine)["build"]["id"]
    assert client.batch_get_builds(ids=[build])["builds"][0]["initiator"].startswith("assumed-role/")
    others = ended(codebuild, started(codebuild, other))["id"]
    for refused in (
        lambda: client.start_build(projectName=other),
        lambda: client.stop_build(id=build),
        lambda: client.batch_get_builds(ids=[others]),
        lambda: client.batch_get_builds(ids=[build, others]),
    ):
        assert error_of(refused)[0] == "AccessDeniedException"
    ended(codebuild, build)


def test_what_is_not_there_is_said(codebuild: Endpoint) -> None:
    client = codebuild.client("codebuild")
    assert error_of(lambda: client.start_build(projectName="none"))[0] == "ResourceNotFoundException"
    assert error_of(lambda: client.stop_build(id="none:1"))[0] == "ResourceNotFoundException"
    assert client.batch_get_builds(ids=["none:1"])["buildsNotFound"] == ["none:1"]
    assert client.batch_get_projects(names=["none"])["projectsNotFound"] == ["none"]
    client.delete_project(name="none")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"environment": {**environment(), "privilegedMode": True}}, "privilegedMode"),
        ({"environment": {**environment(), "type": "WINDOWS_CONTAINER"}}, "WINDOWS_CONTAINER"),
        ({"environment": {**environment(), "type": "ARM_LAMBDA_CONTAINER"}}, "ARM_LAMBDA_CONTAINER"),
        ({"environment": {**environment(), "image": "public.ecr.aws/x"}}, "public.ecr.aws/x"),
        ({"environment": {**environment(), "certificate": "b/k"}}, "certificate"),
        ({"cache": {"type": "S3", "location": "b"}}, "cache"),
        ({"artifacts": {"type": "S3", "location": "b"}}, "artifacts.type S3"),
        ({"badgeEnabled": True}, "badgeEnabled"),
        ({"fileSystemLocations": [{"type": "EFS"}]}, "fileSystemLocations"),
        ({"source": {"type": "GITHUB", "location": "https://github.com/a/b"}}, "GITHUB"),
        ({"source": {"type": "S3", "location": "b/k", "insecureSsl": True}}, "insecureSsl"),
        ({"logsConfig": {"s3Logs": {"status": "ENABLED", "location": "b"}}}, "s3Logs"),
        ({"secondarySources": [{"type": "S3", "location": "b/k"}]}, "source identifier"),
        ({"timeoutInMinutes": 2161}, "timeoutInMinutes"),
    ],
)
def test_a_project_that_could_not_run_here_as_on_aws_is_refused_by_name(
    codebuild: Endpoint, change: dict[str, Any], named: str
) -> None:
    code, message = error_of(lambda: project(codebuild, PRINTS, location="b/k", **change))
    assert code == "InvalidInputException" and named in message


@pytest.mark.parametrize(
    "override",
    [
        {"imageOverride": "aws/codebuild/standard:7.0"},
        {"serviceRoleOverride": "arn:aws:iam::222222222222:role/x"},
        {"sourceVersion": "abc"},
        {"privilegedModeOverride": True},
        {"idempotencyToken": "abc"},
        {"environmentVariablesOverride": [{"name": "A", "value": "b", "type": "SECRETS_MANAGER"}]},
    ],
)
def test_an_override_that_would_be_ignored_is_refused_by_name(
    codebuild: Endpoint, override: dict[str, Any]
) -> None:
    made = project(codebuild, PRINTS)
    code, message = error_of(lambda: started(codebuild, made, **override))
    assert code == "InvalidInputException"
    assert next(iter(override)) in message or "SECRETS_MANAGER" in message


def test_operations_that_are_not_emulated_say_so(codebuild: Endpoint) -> None:
    made = project(codebuild, PRINTS)
    for call in ("start_build_batch", "list_build_batches_for_project"):
        code, message = error_of(
            lambda call=call: getattr(codebuild.client("codebuild"), call)(projectName=made)
        )
        assert code == "NotEmulated" and "codebuild" in message


def test_a_buildspec_that_is_a_file_of_the_source_is_refused_by_name(codebuild: Endpoint) -> None:
    made = project(codebuild, PRINTS)
    for written in ("buildspec.yml", "arn:aws:s3:::bucket/spec.yml"):
        assert written in failure(built(codebuild, made, buildspecOverride=written))[2]


def test_handing_over_a_role_takes_pass_role(codebuild: Endpoint) -> None:
    role = make_role(codebuild, LOGS, service=SERVICE)
    client = caller(codebuild, allow("codebuild:CreateProject"))("codebuild")
    given = {
        "name": name(),
        "serviceRole": role,
        "source": {"type": "NO_SOURCE", "buildspec": spec(PRINTS)},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": environment(),
    }
    code, message = error_of(lambda: client.create_project(**given))
    assert code == "AccessDeniedException" and "iam:PassRole" in message


def machine(endpoint: Endpoint, made: str, *actions: str) -> Any:
    """The end of an execution that starts a build and waits for it, by a role with these actions."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::codebuild:startBuild.sync",
        "Arguments": {
            "ProjectName": made,
            "EnvironmentVariablesOverride": [
                {"Name": "WORD", "Value": "{% $states.input.word %}", "Type": "PLAINTEXT"}
            ],
        },
        "End": True,
    }
    states = endpoint.client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": "Build", "States": {"Build": task}}
    role = make_role(endpoint, *([allow(*actions)] if actions else []), service="states.amazonaws.com")
    arn = states.create_state_machine(name=name(), definition=json.dumps(definition), roleArn=role)[
        "stateMachineArn"
    ]
    execution = states.start_execution(stateMachineArn=arn, input='{"word": "from a workflow"}')[
        "executionArn"
    ]

    def look() -> Any:
        found = states.describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    return eventually(look, seconds=60)


SYNC = ("codebuild:StartBuild", "codebuild:BatchGetBuilds", "codebuild:StopBuild")


def test_a_workflow_waits_for_a_build_and_has_its_description(codebuild: Endpoint) -> None:
    found = machine(codebuild, project(codebuild, PRINTS), *SYNC)
    build = json.loads(found["output"])["Build"]
    assert (build["BuildStatus"], build["ProjectName"]) == ("SUCCEEDED", build["Id"].partition(":")[0])
    said = logged(codebuild, described(codebuild, build["Id"]))
    assert any(line.startswith("said from a workflow ") for line in said)


def test_a_build_that_fails_fails_the_task_with_its_description(codebuild: Endpoint) -> None:
    made = project(codebuild, {"build": {"commands": ["false"]}})
    found = machine(codebuild, made, *SYNC)
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["Build"]["BuildStatus"] == "FAILED"


def test_a_workflow_without_the_permission_starts_nothing(codebuild: Endpoint) -> None:
    made = project(codebuild, PRINTS)
    found = machine(codebuild, made, "codebuild:BatchGetBuilds")
    assert found["status"] == "FAILED" and "codebuild:StartBuild" in found["cause"]
    assert codebuild.client("codebuild").list_builds_for_project(projectName=made)["ids"] == []


@pytest.mark.parametrize("token", ["x", "-1", "1.5", "²"])
def test_a_token_that_no_page_gave_is_refused(codebuild: Endpoint, token: str) -> None:
    with pytest.raises(ClientError, match=r"InvalidInputException.*give the one of the page before"):
        codebuild.client("codebuild").list_projects(nextToken=token)
