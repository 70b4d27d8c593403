"""A build of CodeBuild as a step of a workflow, which fails as the function in its place does: with what went wrong.

Sources: Step Functions developer guide, "Manage AWS CodeBuild builds with Step Functions" and "IAM policies for calling
AWS CodeBuild".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import States, jsonata, literal

QUEUED_MINUTES = 60  # a build that found no machine by then is given up
FAILURE = "FAILURE"  # exported variable of a build: what went wrong, in words
# As `.sync` fails a task: the description of the build is the cause.
_BUILD = "$parse($states.errorOutput.Cause).Build"


def states(
    settings: Settings, state: str, project: str, variables: Mapping[str, str], *, error: str, **fields: Any
) -> States:
    """`state` starts a build and waits for its end; `<state>Failed` says of one that failed why, as `error`.

    `variables` of the build are expressions. The state's result is {Build}.
    """
    build = {
        "ProjectName": settings.names.project(project),
        "EnvironmentVariablesOverride": [
            {"Name": name, "Value": value, "Type": "PLAINTEXT"} for name, value in variables.items()
        ],
    }
    caught = {
        "ErrorEquals": ["States.TaskFailed"],
        # Which is every error but a time-out: a build that failed is told from one that did not start.
        "Output": jsonata(_said(error)),
        "Next": f"{state}Failed",
    }
    return {
        state: asl.task(asl.BUILD, build, Retry=[asl.RETRY_BUILDING], Catch=[caught], **fields),
        f"{state}Failed": {
            "Type": "Fail",
            "Error": jsonata("$states.input.error"),
            "Cause": jsonata("$states.input.cause"),
        },
    }


def _said(error: str) -> str:
    """{error, cause}: the exported words, and where the log is; without words, the status and the phases' messages.

    An error that has no description of a build stays as it is.
    """
    return f"""
    (
      $described := $contains($states.errorOutput.Cause, {literal('"BuildStatus"')});
      $build := $described ? {_BUILD};
      $words := $build.ExportedEnvironmentVariables[Name = {literal(FAILURE)}].Value;
      $phases := $build.Phases[$exists(Contexts)].Contexts[$exists(Message) and Message != ''].Message;
      $said := $exists($words) and $words != '' ? $words : $join([$build.BuildStatus, $phases], ': ');
      {{
        'error': $described ? {literal(error)} : $states.errorOutput.Error,
        'cause': $described
          ? 'build ' & $build.Id & ' ended as ' & $build.BuildStatus & '. ' & {asl.bounded("$said")}
            & ' Log: ' & $build.Logs.DeepLink
          : {asl.bounded("$states.errorOutput.Cause")}
      }}
    )
    """


def statements(settings: Settings, project: str) -> list[Statement]:
    rule = f"arn:aws:events:{settings.region}:{settings.account}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule"
    return [
        allow(
            ["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:BatchGetBuilds"],
            settings.names.project_arn(project),
        ),
        # `.sync` learns of the end through a rule that Step Functions manages.
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rule),
    ]
