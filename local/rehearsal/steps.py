"""What a rehearsal plays, in order."""

from __future__ import annotations

import random
from collections.abc import Iterator

from local.rehearsal import changes
from local.rehearsal.stage import Stage, Step, python
from operations.deploy import CDK

_QUIET = ("--ci", "--no-notices", "--no-color")
# Types of every environment, of stacks that come early and late. The nightly test fails every type once.
FAILING = (
    "AWS::DynamoDB::Table",
    "AWS::EC2::SecurityGroup",
    "AWS::Glue::Job",
    "AWS::Logs::LogGroup",
    "AWS::Personalize::Dataset",
    "AWS::RedshiftServerless::Workgroup",
    "AWS::S3::BucketPolicy",
    "AWS::Scheduler::Schedule",
)


def short(stage: Stage, seed: int) -> Iterator[Step]:
    """The steps without data: what CloudFormation takes and refuses."""
    yield _bootstrap(stage)
    yield from _first_deployment(stage, seed)
    yield _diff("diff is empty")
    yield from _protected(stage)
    yield from _end(stage, interrupted=True)
    yield _deploy(stage, "deploy again")
    yield _diff("diff is empty again")
    yield from _protected(stage)
    yield from _end(stage)


def whole(stage: Stage, seed: int) -> Iterator[Step]:
    yield _bootstrap(stage)
    yield from _first_deployment(stage, seed)
    yield Step("seed", python("local.rehearsal.shop", stage.environment))
    yield from _run(stage, "the first")
    yield _diff("diff is empty")
    for number, group in enumerate(changes.groups(stage.settings), 1):
        yield from _changes(stage, group, number)
    yield from _end(stage, interrupted=True)
    yield _deploy(stage, "deploy again")
    yield from _end(stage)


def _changes(stage: Stage, group: changes.Group, number: int) -> Iterator[Step]:
    for change in group.changes:
        if change.before:
            act = python("local.rehearsal.application", stage.environment, change.before)
            yield Step(f"the application, before: {change.name}", act)
        name = f"change: {change.name}{', is refused' if group.refused else ''}"
        yield _deploy(stage, name, edits=change.edits, fails=bool(group.refused), said=group.refused)
    which = f"after group {number}"
    if group.refused:
        yield _smoke(stage, which)  # what served before serves on
    else:
        yield from _run(stage, which, mode=group.mode)
        yield Step(f"look, {which}", python("local.rehearsal.look", stage.environment))


def _bootstrap(stage: Stage) -> Step:
    """The environment is named, so that the app is not asked."""
    where = f"aws://{stage.settings.account}/{stage.settings.region}"
    return Step("bootstrap", [str(CDK), "bootstrap", where, *_QUIET])


def _first_deployment(stage: Stage, seed: int) -> Iterator[Step]:
    kind = random.Random(seed).choice(FAILING)
    fault = f"resources: [{{type: '{kind}'}}]"
    yield _deploy(stage, f"deploy, {kind} fails", fault=fault, fails=True, said="Internal Failure")
    yield _deploy(stage, "deploy")


def _deploy(
    stage: Stage,
    name: str,
    *,
    fault: str = "",
    fails: bool = False,
    said: str = "",
    edits: changes.Edits = (),
) -> Step:
    command = python("operations", "deploy", stage.environment, "--approval", "never")
    return Step(name, command, fault=fault, fails=fails, said=said, edits=edits)


def _diff(name: str) -> Step:
    return Step(name, [str(CDK), "diff", "--all", "--fail", *_QUIET])


def _protected(stage: Stage) -> Iterator[Step]:
    """What is retained is not destroyed by a slip of the command line; `make destroy` lifts the protection itself."""
    if stage.settings.removal == "retain":
        command = [str(CDK), "destroy", "--all", "--force", *_QUIET]
        said = "cannot be deleted while TerminationProtection is enabled"
        yield Step("cdk destroy is refused", command, fails=True, said=said)
        yield _diff("and destroyed nothing")


def _run(stage: Stage, which: str, *, mode: str = "auto") -> Iterator[Step]:
    yield _run_of(stage, f"run, {which}", mode=mode)
    yield _smoke(stage, which)


def _run_of(stage: Stage, name: str, *, mode: str = "auto") -> Step:
    return Step(name, python("local", "run", "--environment", stage.environment, "--mode", mode))


def _smoke(stage: Stage, which: str) -> Step:
    return Step(f"smoke, {which}", python("local", "smoke", "--environment", stage.environment))


def _end(stage: Stage, *, interrupted: bool = False) -> Iterator[Step]:
    command = python("operations", "destroy", stage.environment, "--confirm", stage.environment)
    if interrupted:
        fault = "resources: [{type: 'AWS::EC2::VPC', change: delete}]"
        yield Step("destroy, interrupted", command, fault=fault, fails=True, said="failed: ")
    retains = stage.settings.removal == "retain"
    yield Step("destroy", command, said="adopts them" if retains else "Nothing of the environment is left.")
