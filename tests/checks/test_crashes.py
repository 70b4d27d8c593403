"""What a check can't read is a finding, and what others find is still told."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from checks import __main__ as command
from checks.assembly import Assembly
from checks.catalogue import CRASHED, QUICK, Family, check
from tests.checks.test_rules import Change, added, first, importing, properties
from tests.mutations.mutation import known, shipped, with_template

UNREADABLE: dict[str, tuple[str, Change]] = {
    "DataSource is a text": (
        "Training",
        importing("CreateImport", lambda s: s["Arguments"].update(DataSource="s3://osusume-dev-x/")),
    ),
    "RoleArn is a list": (
        "Training",
        importing("CreateImport", lambda s: s["Arguments"].update(RoleArn=["x"])),
    ),
    "a definition is no JSON": (
        "Training",
        lambda t: properties(t, "TrainStateMachine").update(DefinitionString="{not JSON"),
    ),
    "a definition is a list": (
        "Training",
        lambda t: properties(t, "TrainStateMachine").update(DefinitionString="[]"),
    ),
    "a state machine has no definition": (
        "Training",
        lambda t: properties(t, "TrainStateMachine").pop("DefinitionString"),
    ),
    "a state machine has no role": ("Training", lambda t: properties(t, "TrainStateMachine").pop("RoleArn")),
    "a job has no role": ("Preparation", lambda t: first(t, "AWS::Glue::Job").pop("Role")),
    "a job has no command": ("Preparation", lambda t: first(t, "AWS::Glue::Job").pop("Command")),
    "a parameter has no name": ("Storage", lambda t: first(t, "AWS::SSM::Parameter").pop("Name")),
    "a parameter has no value": ("Storage", lambda t: first(t, "AWS::SSM::Parameter").pop("Value")),
    "a function has no role": ("Serving", lambda t: properties(t, "GetRecommendationsFunction").pop("Role")),
    "a schedule has no target": ("Pipeline", lambda t: first(t, "AWS::Scheduler::Schedule").pop("Target")),
    "a rule's port is a text": (
        "Network",
        added("AWS::EC2::SecurityGroupIngress", {"GroupId": "sg-1", "FromPort": "many", "IpProtocol": "tcp"}),
    ),
    "a dataset has no schema": (
        "Training",
        lambda t: first(t, "AWS::Personalize::Dataset").pop("SchemaArn"),
    ),
    "a connection has no input": (
        "Preparation",
        lambda t: first(t, "AWS::Glue::Connection").pop("ConnectionInput"),
    ),
    "a table's keys are texts": (
        "Storage",
        lambda t: first(t, "AWS::DynamoDB::Table").update(KeySchema=["pk"]),
    ),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_a_check_cannot_read_is_a_finding_and_others_still_report(what: str) -> None:
    stack, change = UNREADABLE[what]
    template = copy.deepcopy(shipped().templates[stack])
    change(template)
    assembly = with_template(shipped(), stack, template)
    assert [f for f in check(assembly, QUICK) if f not in known()], what

    other = "Network" if stack != "Network" else "Storage"
    also = copy.deepcopy(shipped().templates[other])
    also["Outputs"] = {"Key": {"Value": "x", "Export": {"Name": "key"}}}
    found = check(with_template(assembly, other, also), QUICK)
    assert "pitfall-export" in {finding.rule for finding in found}


def test_a_check_that_crashes_names_itself_the_error_and_the_place() -> None:
    def broken(assembly: Assembly) -> list[Any]:
        return [{}["Role"]]  # type: ignore[list-item]

    [finding] = Family("broken", "", (), broken).run(shipped())
    assert (finding.place, finding.rule) == ("(checks)/broken", CRASHED)
    assert "KeyError in test_crashes.py, broken: 'Role'" in finding.why


def test_the_command_tells_of_a_crash_and_of_what_others_find(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_report(environment: str) -> list[Any]:
        raise RuntimeError("cdk-nag made no report")

    template = copy.deepcopy(shipped().templates["Storage"])
    template["Outputs"] = {"Key": {"Value": "x", "Export": {"Name": "key"}}}
    broken = with_template(shipped(), "Storage", template)
    monkeypatch.setattr(command.nag, "check", no_report)
    monkeypatch.setattr(command, "synthesize", lambda environment: broken)
    monkeypatch.setattr(command, "check", lambda assembly: check(assembly, QUICK))
    monkeypatch.setattr("sys.argv", ["checks", *command.environments()])
    assert command.main() == 1
    told = capsys.readouterr().out
    assert "(checks)/nag: check-crashed: the check stopped at RuntimeError" in told
    assert "cdk-nag made no report" in told and "Storage/Key: pitfall-export" in told
    assert "acknowledged: " not in told, "what nag would have found may need its acknowledgements"
