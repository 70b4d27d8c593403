"""The Step Functions API against what AWS answered.

`test_sfn_…` in a docstring names a test of localstack/localstack (tests/aws/services/stepfunctions/v2) beside which
AWS's answers are recorded (Apache-2.0); the wordings below are facts read there. Others cite the API reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint import wire
from osusume_endpoint.stepfunctions.api.references import variable_references
from osusume_endpoint.stepfunctions.definition import diagnostics
from osusume_endpoint.testing.harness import jsonata, states
from tests.stepfunctions.launcher import ACCOUNT, REGION
from tests.stepfunctions.served import ROLE, Server, create, finish, history, start, until

pytestmark = pytest.mark.slow

PREFIX = f"arn:aws:states:{REGION}:{ACCOUNT}"
PASSING, OTHER = states(A={"Type": "Pass"}), states(A={"Type": "Pass", "Comment": "changed"})
WAITING = states(W={"Type": "Wait", "Seconds": 90_000})


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message of the refusal; the code is one that the API's model declares for the operation."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error, operation = caught.value.response["Error"], caught.value.operation_name
    model = wire.service_model("stepfunctions").operation_model(operation)
    assert error["Code"] in {shape.name for shape in model.error_shapes} | {"ValidationException"}
    return error["Code"], error["Message"]


def update(sfn: Any, arn: str, definition: dict, **more: Any) -> dict[str, Any]:
    return dict(sfn.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition), **more))


# Operation → the parameter that has an ARN, and what else it requires.
BY_ARN = {
    "CreateStateMachineAlias": None,
    "DeleteStateMachine": ("stateMachineArn", {}),
    "DeleteStateMachineAlias": ("stateMachineAliasArn", {}),
    "DeleteStateMachineVersion": ("stateMachineVersionArn", {}),
    "DescribeExecution": ("executionArn", {}),
    "DescribeMapRun": ("mapRunArn", {}),
    "DescribeStateMachine": ("stateMachineArn", {}),
    "DescribeStateMachineAlias": ("stateMachineAliasArn", {}),
    "DescribeStateMachineForExecution": ("executionArn", {}),
    "DescribeActivity": ("activityArn", {}),
    "DeleteActivity": ("activityArn", {}),
    "GetActivityTask": ("activityArn", {}),
    "GetExecutionHistory": ("executionArn", {}),
    "ListExecutions": ("stateMachineArn", {}),
    "ListMapRuns": ("executionArn", {}),
    "ListStateMachineAliases": ("stateMachineArn", {}),
    "ListStateMachineVersions": ("stateMachineArn", {}),
    "ListTagsForResource": ("resourceArn", {}),
    "PublishStateMachineVersion": ("stateMachineArn", {}),
    "RedriveExecution": ("executionArn", {}),
    "StartExecution": ("stateMachineArn", {}),
    "StartSyncExecution": ("stateMachineArn", {}),
    "StopExecution": ("executionArn", {}),
    "TagResource": ("resourceArn", {"tags": []}),
    "UntagResource": ("resourceArn", {"tagKeys": []}),
    "UpdateMapRun": ("mapRunArn", {}),
    "UpdateStateMachine": ("stateMachineArn", {"definition": json.dumps(PASSING)}),
    "UpdateStateMachineAlias": ("stateMachineAliasArn", {"description": "d"}),
}
NOTHING_THERE = {
    "DescribeExecution": ("ExecutionDoesNotExist", "Execution Does Not Exist: '{arn}'"),
    "DescribeMapRun": ("ResourceNotFound", "Resource not found: '{arn}'"),
    "DescribeStateMachine": ("StateMachineDoesNotExist", "State Machine Does Not Exist: '{arn}'"),
    "DescribeStateMachineAlias": ("ResourceNotFound", "Request references a resource that does not exist."),
    "DescribeStateMachineForExecution": ("ExecutionDoesNotExist", "Execution Does Not Exist: '{arn}'"),
    "DescribeActivity": ("ActivityDoesNotExist", "Activity Does Not Exist: '{arn}'"),
    "GetActivityTask": ("ActivityDoesNotExist", "Activity Does Not Exist: '{arn}'"),
    "GetExecutionHistory": ("ExecutionDoesNotExist", "Execution Does Not Exist: '{arn}'"),
    "ListExecutions": ("StateMachineDoesNotExist", "State Machine Does Not Exist: '{arn}'"),
    "ListMapRuns": ("ExecutionDoesNotExist", "Execution Does Not Exist: '{arn}'"),
    "ListStateMachineAliases": ("StateMachineDoesNotExist", "State Machine Does Not Exist: '{arn}'"),
    "ListTagsForResource": ("ResourceNotFound", "Resource not found: '{arn}'"),
    "PublishStateMachineVersion": ("StateMachineDoesNotExist", "State Machine Does Not Exist: '{arn}'"),
    "RedriveExecution": ("ExecutionDoesNotExist", "Execution Does Not Exist: '{arn}'"),
    "StartExecution": ("StateMachineDoesNotExist", "State Machine Does Not Exist: '{arn}'"),
    "StartSyncExecution": ("StateMachineDoesNotExist", "State Machine Does Not Exist: '{arn}'"),
    "StopExecution": ("ExecutionDoesNotExist", "Execution Does Not Exist: '{arn}'"),
    "TagResource": ("ResourceNotFound", "Resource not found: '{arn}'"),
    "UntagResource": ("ResourceNotFound", "Resource not found: '{arn}'"),
    "UpdateStateMachine": ("StateMachineDoesNotExist", "State Machine Does Not Exist: '{arn}'"),
    "UpdateStateMachineAlias": ("ResourceNotFound", "Request references a resource that does not exist."),
}
KINDS = {"executionArn": "execution", "mapRunArn": "mapRun", "activityArn": "activity"}


def method(sfn: Any, operation: str) -> Callable[..., Any]:
    names = {value: key for key, value in sfn.meta.method_to_api_mapping.items()}
    return getattr(sfn, names[operation])  # type: ignore[no-any-return]


def test_every_operation_with_an_arn_is_asked_below() -> None:
    model = wire.service_model("stepfunctions")
    with_arn = {
        name
        for name in model.operation_names
        if (shape := model.operation_model(name).input_shape)
        and any(m.endswith("Arn") for m in shape.members)
    }
    own_role = {"CreateStateMachine", "TestState"}  # their roleArn is a role's
    assert with_arn - own_role == set(BY_ARN) - {"CreateStateMachineAlias"}


@pytest.mark.parametrize("operation", sorted(name for name, asked in BY_ARN.items() if asked))
def test_what_is_no_arn_is_refused_before_anything_is_looked_for(sfn: Any, operation: str) -> None:
    """test_sfn_api.py: test_describe_invalid_arn_sm and its likes; ..._versioning.py for publishing."""
    argument, more = BY_ARN[operation] or ("", {})
    for given in ("not_an_arn", "arn:aws:s3:::bucket", f"{PREFIX}:{KINDS.get(argument, 'stateMachine')}"):
        found = refused(method(sfn, operation), **{argument: given}, **more)
        assert found == ("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {given}'")
    other = "stateMachine" if argument in KINDS else "execution"
    found = refused(method(sfn, operation), **{argument: f"{PREFIX}:{other}:a"}, **more)
    assert found == ("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {other}'")


@pytest.mark.parametrize("operation", sorted(NOTHING_THERE))
def test_what_does_not_exist_is_refused_by_name(sfn: Any, operation: str) -> None:
    """test_sfn_api.py: test_describe_nonexistent_sm and its likes; test_sfn_api_tagging.py."""
    argument, more = BY_ARN[operation] or ("", {})
    arn = f"{PREFIX}:{KINDS.get(argument, 'stateMachine')}:no-such"
    arn += ":such" if argument in ("executionArn", "mapRunArn", "stateMachineAliasArn") else ""
    code, message = NOTHING_THERE[operation]
    assert refused(method(sfn, operation), **{argument: arn}, **more) == (code, message.format(arn=arn))


def test_deleting_what_does_not_exist_succeeds(sfn: Any) -> None:
    """test_sfn_api.py::test_delete_nonexistent_sm, ..._versioning.py::test_list_delete_version, ..._aliasing.py."""
    sfn.delete_state_machine(stateMachineArn=f"{PREFIX}:stateMachine:never")
    sfn.delete_state_machine_version(stateMachineVersionArn=f"{PREFIX}:stateMachine:never:1")
    sfn.delete_state_machine_alias(stateMachineAliasArn=f"{PREFIX}:stateMachine:never:a")
    assert (
        sfn.list_state_machine_versions(stateMachineArn=f"{PREFIX}:stateMachine:never")[
            "stateMachineVersions"
        ]
        == []
    )


def test_a_map_states_label_is_no_state_machine(sfn: Any) -> None:
    """API reference, StartExecution: the ARN of a Distributed Map state is a ValidationException."""
    arn = f"{PREFIX}:stateMachine:machine/label"
    for operation in (sfn.start_execution, sfn.delete_state_machine, sfn.describe_state_machine):
        assert refused(operation, stateMachineArn=arn)[0] == "ValidationException"


def test_a_new_state_machine_is_described_with_its_defaults(sfn: Any) -> None:
    """test_sfn_api.py::test_create_exact_duplicate_sm; encryption in ..._variable_references.py."""
    arn = create(sfn, "defaults", PASSING)
    described = sfn.describe_state_machine(stateMachineArn=arn)
    described.pop("ResponseMetadata")
    assert described.pop("creationDate")
    assert described == {
        "stateMachineArn": arn,
        "name": "defaults",
        "status": "ACTIVE",
        "type": "STANDARD",
        "definition": json.dumps(PASSING),
        "roleArn": ROLE,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }


@pytest.mark.parametrize("given", [{}, {"destinations": []}])
def test_a_logging_configuration_is_completed(sfn: Any, given: dict) -> None:
    """test_sfn_api_logs.py::test_incomplete_logging_configuration."""
    arn = create(sfn, f"logs-{len(given)}", PASSING, loggingConfiguration=given)
    described = sfn.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"]
    assert described == {"level": "OFF", "includeExecutionData": False, **given}


def test_a_level_of_logging_needs_one_group_that_exists(server: Server, sfn: Any) -> None:
    """test_sfn_api_logs.py: test_invalid_logging_configuration, test_multiple_destinations, test_deleted_log_group."""
    server.client("logs").create_log_group(logGroupName="/api/one")

    def group(name: str) -> dict:
        return {
            "cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"}
        }

    one, gone = group("/api/one"), group("/api/gone")
    none = "Invalid Logging Configuration: Must specify exactly one Log Destination."
    for logs, message in (
        ({"level": "ALL"}, none),
        ({"level": "FATAL", "destinations": []}, none),
        ({"level": "ERROR", "destinations": [one, one]}, none),
        (
            {"level": "ALL", "destinations": [gone]},
            "Invalid Logging Configuration: Log Destination not found.",
        ),
    ):
        code = "InvalidLoggingConfiguration"
        arguments = {"name": "unlogged", "definition": json.dumps(PASSING), "roleArn": ROLE}
        assert refused(sfn.create_state_machine, **arguments, loggingConfiguration=logs) == (code, message)
        machine = create(sfn, "unlogged-update", PASSING)
        assert refused(sfn.update_state_machine, stateMachineArn=machine, loggingConfiguration=logs) == (
            code,
            message,
        )


def test_an_update_of_logging_alone_is_a_revision(server: Server, sfn: Any) -> None:
    """test_sfn_api_logs.py::test_update_logging_configuration."""
    server.client("logs").create_log_group(logGroupName="/api/revised")
    group = {"logGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/api/revised:*"}
    logs = {
        "level": "FATAL",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": group}],
    }
    arn = create(sfn, "relogged", PASSING)
    first = sfn.update_state_machine(stateMachineArn=arn, loggingConfiguration=logs)["revisionId"]
    assert sfn.update_state_machine(stateMachineArn=arn, loggingConfiguration=logs)["revisionId"] == first
    changed = {**logs, "includeExecutionData": False}
    assert sfn.update_state_machine(stateMachineArn=arn, loggingConfiguration=changed)["revisionId"] != first
    assert sfn.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"] == changed


def test_tracing_is_kept_updated_and_part_of_idempotency(sfn: Any) -> None:
    """API reference, CreateStateMachine: the idempotency check covers TracingConfiguration."""
    traced = {"tracingConfiguration": {"enabled": True}}
    arn = create(sfn, "traced", PASSING, **traced)
    assert create(sfn, "traced", PASSING, **traced) == arn
    assert sfn.describe_state_machine(stateMachineArn=arn)["tracingConfiguration"] == {"enabled": True}
    arguments = {"name": "traced", "definition": json.dumps(PASSING), "roleArn": ROLE}
    assert refused(sfn.create_state_machine, **arguments)[0] == "StateMachineAlreadyExists"
    sfn.update_state_machine(stateMachineArn=arn, tracingConfiguration={"enabled": False})
    described = sfn.describe_state_machine(stateMachineArn=arn)
    assert described["tracingConfiguration"] == {"enabled": False}
    assert described["revisionId"]


def test_creating_again_is_one_state_machine_unless_it_differs(sfn: Any) -> None:
    """test_sfn_api.py: test_create_exact_duplicate_sm, test_create_duplicate_definition_format_sm, ..._sm_name."""
    arn = create(sfn, "twice", PASSING)
    assert create(sfn, "twice", PASSING, tags=[{"key": "ignored", "value": "1"}]) == arn
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == []
    exists = ("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    for difference in (
        {"definition": json.dumps(PASSING, indent=1)},
        {"type": "EXPRESS"},
        {"publish": True},
        {"loggingConfiguration": {"level": "OFF", "includeExecutionData": True}},
    ):
        arguments = {"name": "twice", "definition": json.dumps(PASSING), "roleArn": ROLE, **difference}
        assert refused(sfn.create_state_machine, **arguments) == exists


@pytest.mark.parametrize("name", ["a b", "a*", "a:b", "a/b", "{a}", "a\u0007"])
def test_a_name_that_no_state_machine_may_have_is_refused(sfn: Any, name: str) -> None:
    """API reference, CreateStateMachine: name."""
    arguments = {"name": name, "definition": json.dumps(PASSING), "roleArn": ROLE}
    assert refused(sfn.create_state_machine, **arguments)[0] == "InvalidName"


def test_an_update_of_nothing_is_refused(sfn: Any) -> None:
    """test_sfn_api.py::test_create_update_state_machine_base_update_none."""
    arn = create(sfn, "unchanged", PASSING)
    words = (
        "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be "
    )
    words += "specified"
    assert refused(sfn.update_state_machine, stateMachineArn=arn) == ("MissingRequiredParameter", words)


def test_a_revision_comes_with_a_change_and_stays_without_one(sfn: Any) -> None:
    """test_sfn_api.py: test_create_update_state_machine_same_parameters and ..._base_definition."""
    arn = create(sfn, "revised", PASSING)
    assert "revisionId" not in update(sfn, arn, PASSING)
    first = update(sfn, arn, OTHER)["revisionId"]
    assert update(sfn, arn, OTHER, roleArn=ROLE)["revisionId"] == first
    assert sfn.describe_state_machine(stateMachineArn=arn)["revisionId"] == first
    assert update(sfn, arn, PASSING)["revisionId"] != first


def test_a_version_is_not_updated(sfn: Any) -> None:
    """test_sfn_api_versioning.py::test_update_state_machine."""
    arn = create(sfn, "version-updated", PASSING, publish=True)
    found = refused(update, sfn=sfn, arn=f"{arn}:1", definition=OTHER)
    assert found == ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}:1'")


def test_a_versions_description_needs_a_version(sfn: Any) -> None:
    """test_sfn_api_versioning.py::test_create_with_version_description_no_publish."""
    arguments = {"name": "undescribed", "definition": json.dumps(PASSING), "roleArn": ROLE}
    expected = ("ValidationException", "Version description can only be set when publish is true")
    assert refused(sfn.create_state_machine, **arguments, versionDescription="d") == expected
    arn = create(sfn, "undescribed", PASSING)
    assert (
        refused(sfn.update_state_machine, stateMachineArn=arn, roleArn=ROLE, versionDescription="d")
        == expected
    )


def test_publishing_without_a_change_is_the_version_there_is(sfn: Any) -> None:
    """test_sfn_api_versioning.py: test_idempotent_publish, test_empty_revision_with_publish_and_…_on_creation."""
    arn = create(sfn, "published", PASSING)
    first = sfn.publish_state_machine_version(stateMachineArn=arn, revisionId="INITIAL")
    again = sfn.publish_state_machine_version(stateMachineArn=arn, description="other")
    assert first["stateMachineVersionArn"] == again["stateMachineVersionArn"] == f"{arn}:1"
    assert first["creationDate"] == again["creationDate"]
    unchanged = update(sfn, arn, PASSING, publish=True)
    assert unchanged["stateMachineVersionArn"] == f"{arn}:1"
    assert "revisionId" not in unchanged
    assert update(sfn, arn, OTHER, publish=True)["stateMachineVersionArn"] == f"{arn}:2"
    versions = sfn.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [each["stateMachineVersionArn"] for each in versions] == [f"{arn}:2", f"{arn}:1"]


def test_a_number_of_a_version_is_never_used_again(sfn: Any) -> None:
    """test_sfn_api_versioning.py::test_version_ids_between_deletions."""
    arn = create(sfn, "numbered", PASSING, publish=True)
    update(sfn, arn, OTHER, publish=True)
    sfn.delete_state_machine_version(stateMachineVersionArn=f"{arn}:2")
    published = sfn.publish_state_machine_version(stateMachineArn=arn)
    assert published["stateMachineVersionArn"] == f"{arn}:3"


def test_publishing_another_revision_than_meant_is_a_conflict(sfn: Any) -> None:
    """test_sfn_api_versioning.py::test_publish_state_machine_version."""
    arn = create(sfn, "conflicting", PASSING)
    old = update(sfn, arn, OTHER)["revisionId"]
    new = update(sfn, arn, PASSING)["revisionId"]
    for asked in (old, "INITIAL"):
        message = f"Failed to publish the State Machine version for revision {asked}. "
        message += f"The current State Machine revision is {new}."
        arguments = {"stateMachineArn": arn, "revisionId": asked}
        assert refused(sfn.publish_state_machine_version, **arguments) == ("ConflictException", message)


def test_a_version_is_described_as_it_was_published(sfn: Any) -> None:
    """test_sfn_api_versioning.py: test_publish_state_machine_version, test_create_publish_describe_with_…."""
    arn = create(sfn, "snapshot", PASSING, publish=True, versionDescription="HelloWorld!")
    update(sfn, arn, OTHER)
    described = sfn.describe_state_machine(stateMachineArn=f"{arn}:1")
    assert (described["stateMachineArn"], described["name"]) == (f"{arn}:1", "snapshot")
    assert (described["description"], described["definition"]) == ("HelloWorld!", json.dumps(PASSING))
    assert "revisionId" not in described
    assert "description" not in sfn.describe_state_machine(stateMachineArn=arn)


def test_an_execution_keeps_what_it_was_started_with(sfn: Any) -> None:
    """test_sfn_api.py::test_describe_state_machine_for_execution, ..._versioning.py::…_of_version_with_revision."""
    arn = create(sfn, "outlived", PASSING)
    before = start(sfn, arn)
    revision = update(sfn, arn, OTHER, publish=True)["revisionId"]
    of_version = start(sfn, f"{arn}:1")
    update(sfn, arn, WAITING)
    described = sfn.describe_state_machine_for_execution(executionArn=before)
    assert described["definition"] == json.dumps(PASSING)
    assert "revisionId" not in described
    assert described["tracingConfiguration"] == {"enabled": False}
    described = sfn.describe_state_machine_for_execution(executionArn=of_version)
    assert (described["definition"], described["revisionId"]) == (json.dumps(OTHER), revision)
    assert described["stateMachineArn"] == arn


def test_metadata_alone_leaves_out_what_may_be_encrypted(sfn: Any) -> None:
    """API reference: with METADATA_ONLY the definition is {}; ExecutionDataDetails says that nothing is included."""
    arn = create(sfn, "metadata", PASSING)
    described = sfn.describe_state_machine(stateMachineArn=arn, includedData="METADATA_ONLY")
    assert described["definition"] == "{}"
    execution = start(sfn, arn)
    finish(sfn, execution)
    described = sfn.describe_execution(executionArn=execution, includedData="METADATA_ONLY")
    assert not {"input", "output"} & set(described)
    assert described["inputDetails"] == described["outputDetails"] == {"included": False}


def alias(sfn: Any, name: str, *routes: tuple[str, int], **more: Any) -> dict[str, Any]:
    routing = [{"stateMachineVersionArn": arn, "weight": weight} for arn, weight in routes]
    return dict(sfn.create_state_machine_alias(name=name, routingConfiguration=routing, **more))


def test_a_route_that_no_alias_may_have_is_refused(sfn: Any) -> None:
    """test_sfn_api_aliasing.py: test_error_create_alias_invalid_router_configs, ..._with_state_machine_arn."""
    arn = create(sfn, "routed", PASSING, publish=True)
    for definition in (OTHER, WAITING):
        update(sfn, arn, definition, publish=True)
    one, two, three = (f"{arn}:{number}" for number in (1, 2, 3))
    contain = "Routing configuration must contain"
    for routes, message in (
        ([(arn, 100)], f"{contain} state machine version ARNs. Received: [{arn}]"),
        ([(arn, 50), (two, 50)], f"{contain} state machine version ARNs. Received: [{arn}, {two}]"),
        ([(one, 50), (one, 50)], f"{contain} distinct state machine version ARNs. Received: [{one}, {one}]"),
        ([(one, 70), (two, 29)], "Sum of routing configuration weights must equal 100. Received: [70, 29]"),
        ([(one, 70), (two, 31)], "Sum of routing configuration weights must equal 100. Received: [70, 31]"),
        (
            [(one, 101)],
            "1 validation error detected: Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy "
            "constraint: Member must have value less than or equal to 100",
        ),
        (
            [(one, 50), (two, 30), (three, 20)],
            "1 validation error detected: Value '["
            f"RoutingConfigurationListItem(stateMachineVersionArn={one}, weight=50), "
            f"RoutingConfigurationListItem(stateMachineVersionArn={two}, weight=30), "
            f"RoutingConfigurationListItem(stateMachineVersionArn={three}, weight=20)]' at 'routingConfiguration' "
            "failed to satisfy constraint: Member must have length less than or equal to 2",
        ),
    ):
        with pytest.raises(ClientError) as caught:
            alias(sfn, "a", *routes)
        assert caught.value.response["Error"] == {"Code": "ValidationException", "Message": message}
    with pytest.raises(ClientError, match="ResourceNotFound"):
        alias(sfn, "a", (f"{arn}:9", 100))


@pytest.mark.parametrize("name", ["123", "INVALID ALIAS", "!INVALID", "ALIAS@", "A" * 81])
def test_a_name_that_no_alias_may_have_is_refused(sfn: Any, name: str) -> None:
    """test_sfn_api_aliasing.py::test_error_create_alias_invalid_name."""
    arn = create(sfn, "alias-named", PASSING, publish=True)
    with pytest.raises(ClientError, match=f"ValidationException.*Value '{name}' at 'name' failed to satisfy"):
        alias(sfn, name, (f"{arn}:1", 100))


def test_creating_an_alias_again_is_one_alias_unless_it_differs(sfn: Any) -> None:
    """test_sfn_api_aliasing.py: test_idempotent_create_alias, test_error_create_alias_not_idempotent."""
    arn = create(sfn, "aliased", PASSING, publish=True)
    update(sfn, arn, OTHER, publish=True)
    first = alias(sfn, "same", (f"{arn}:1", 100), description="d")
    again = alias(sfn, "same", (f"{arn}:1", 100), description="d")
    assert first["stateMachineAliasArn"] == again["stateMachineAliasArn"] == f"{arn}:same"
    message = (
        "Failed to create alias because an alias with the same name and a different routing configuration "
    )
    for routes, description in (([(f"{arn}:1", 100)], "other"), ([(f"{arn}:2", 100)], "d")):
        with pytest.raises(ClientError) as caught:
            alias(sfn, "same", *routes, description=description)
        expected = {"Code": "ConflictException", "Message": f"{message}already exists."}
        assert caught.value.response["Error"] == expected


def test_an_alias_is_described_updated_and_holds_its_versions(sfn: Any) -> None:
    """test_sfn_api_aliasing.py: test_base_lifecycle_create_update_describe, test_delete_version_with_alias."""
    arn = create(sfn, "held", PASSING, publish=True)
    name = alias(sfn, "live", (f"{arn}:1", 100))["stateMachineAliasArn"]
    message = "Version to be deleted must not be referenced by an alias. "
    message += "Current list of aliases referencing this version: [live]"
    delete = {"stateMachineVersionArn": f"{arn}:1"}
    assert refused(sfn.delete_state_machine_version, **delete) == ("ConflictException", message)
    update(sfn, arn, OTHER, publish=True)
    routing = [{"stateMachineVersionArn": f"{arn}:2", "weight": 100}]
    sfn.update_state_machine_alias(stateMachineAliasArn=name, routingConfiguration=routing)
    sfn.delete_state_machine_version(**delete)
    described = sfn.describe_state_machine_alias(stateMachineAliasArn=name)
    assert (described["routingConfiguration"], described["name"]) == (routing, "live")
    assert "description" not in described
    assert described["updateDate"] >= described["creationDate"]
    assert refused(sfn.update_state_machine_alias, stateMachineAliasArn=name)[0] == "ValidationException"


def test_an_execution_says_which_alias_and_version_it_was_started_with(sfn: Any) -> None:
    """test_sfn_api_aliasing.py::test_base_lifecycle_create_invoke_describe_list."""
    arn = create(sfn, "by-alias", PASSING, publish=True)
    update(sfn, arn, OTHER, publish=True)
    name = alias(sfn, "split", (f"{arn}:1", 0), (f"{arn}:2", 100))["stateMachineAliasArn"]
    by_alias, by_version, plain = start(sfn, name), start(sfn, f"{arn}:1"), start(sfn, arn)
    for execution in (by_alias, by_version, plain):
        finish(sfn, execution)
    listed = {each["executionArn"]: each for each in sfn.list_executions(stateMachineArn=arn)["executions"]}
    for found in (sfn.describe_execution(executionArn=by_alias), listed[by_alias]):
        assert (found["stateMachineAliasArn"], found["stateMachineVersionArn"]) == (name, f"{arn}:2")
        assert (found["stateMachineArn"], found["redriveCount"]) == (arn, 0)
    assert "stateMachineAliasArn" not in listed[by_version]
    assert "stateMachineVersionArn" not in listed[plain]
    for qualified, expected in ((name, by_alias), (f"{arn}:1", by_version)):
        found = sfn.list_executions(stateMachineArn=qualified)["executions"]
        assert [each["executionArn"] for each in found] == [expected]


def test_an_alias_draws_its_version_by_weight(sfn: Any) -> None:
    """Developer guide, "State machine aliases": an alias can route traffic between two versions."""
    arn = create(sfn, "drawn", PASSING, publish=True)
    update(sfn, arn, OTHER, publish=True)
    name = alias(sfn, "even", (f"{arn}:1", 50), (f"{arn}:2", 50))["stateMachineAliasArn"]
    for _ in range(24):  # all the same with a probability of 2^-23
        start(sfn, name)
    listed = sfn.list_executions(stateMachineArn=name)["executions"]
    assert {each["stateMachineVersionArn"] for each in listed} == {f"{arn}:1", f"{arn}:2"}


def test_a_deleted_state_machine_takes_versions_aliases_and_executions_with_it(sfn: Any) -> None:
    """API reference, DeleteStateMachine; test_sfn_api_aliasing.py::test_delete_revision_with_alias."""
    arn = create(sfn, "removed", WAITING, publish=True)
    name = alias(sfn, "gone", (f"{arn}:1", 100))["stateMachineAliasArn"]
    execution = start(sfn, arn)
    sfn.delete_state_machine(stateMachineArn=arn)
    assert refused(sfn.describe_execution, executionArn=execution)[0] == "ExecutionDoesNotExist"
    assert refused(sfn.describe_state_machine, stateMachineArn=f"{arn}:1")[0] == "StateMachineDoesNotExist"
    assert refused(sfn.describe_state_machine_alias, stateMachineAliasArn=name)[0] == "ResourceNotFound"


@pytest.mark.parametrize(
    ("operation", "key"),
    [
        ("list_state_machines", None),
        ("list_executions", "stateMachineArn"),
        ("list_state_machine_versions", "stateMachineArn"),
        ("list_state_machine_aliases", "stateMachineArn"),
        ("get_execution_history", "executionArn"),
    ],
)
def test_a_token_that_no_page_gave_is_refused(sfn: Any, operation: str, key: str | None) -> None:
    """test_sfn_api_aliasing.py::…_pagination_invalid_next_token; sizes: test_sfn_api.py::test_list_sms_pagination."""
    arn = create(sfn, f"paged-{operation}", PASSING)
    given = {key: start(sfn, arn) if key == "executionArn" else arn} if key else {}
    call = getattr(sfn, operation)
    assert refused(call, **given, nextToken="InvalidToken") == (
        "InvalidToken",
        "Invalid Token: 'Invalid token'",
    )
    too_large = "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: "
    too_large += "Member must have value less than or equal to 1000"
    assert refused(call, **given, maxResults=1001) == ("ValidationException", too_large)


def test_a_token_is_good_for_its_own_list_alone(sfn: Any) -> None:
    arn = create(sfn, "paged-apart", PASSING, publish=True)
    update(sfn, arn, states(A={"Type": "Pass", "Comment": "2"}), publish=True)
    for _ in range(2):
        finish(sfn, start(sfn, arn))
    of_versions = sfn.list_state_machine_versions(stateMachineArn=arn, maxResults=1)["nextToken"]
    of_executions = sfn.list_executions(stateMachineArn=arn, maxResults=1)["nextToken"]
    for call, token in (
        (sfn.list_executions, of_versions),
        (sfn.list_state_machine_versions, of_executions),
    ):
        assert refused(call, stateMachineArn=arn, nextToken=token)[0] == "InvalidToken"


def test_pages_of_every_list_join_to_the_whole(sfn: Any) -> None:
    """test_sfn_api.py: test_list_executions_pagination; ..._versioning.py and ..._aliasing.py: pagination."""
    arn = create(sfn, "paged", PASSING, publish=True)
    for place in range(4):
        update(sfn, arn, states(A={"Type": "Pass", "Comment": str(place)}), publish=True)
        alias(sfn, f"AliasName-{place}", (f"{arn}:1", 100))
        finish(sfn, start(sfn, arn))
    for operation, members, order in (
        ("list_state_machine_versions", "stateMachineVersions", [f"{arn}:{n}" for n in (5, 4, 3, 2, 1)]),
        ("list_state_machine_aliases", "stateMachineAliases", [f"{arn}:AliasName-{n}" for n in range(4)]),
        ("list_executions", "executions", None),
    ):
        whole = getattr(sfn, operation)(stateMachineArn=arn, maxResults=0)
        assert "nextToken" not in whole
        pages = sfn.get_paginator(operation) if sfn.can_paginate(operation) else None
        found, token = [], {}
        while True:
            page = getattr(sfn, operation)(stateMachineArn=arn, maxResults=2, **token)
            found += page[members]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert found == whole[members]
        assert (
            order is None
            or [next(v for k, v in each.items() if k.endswith("Arn")) for each in found] == order
        )
        assert (
            pages is None
            or len(list(pages.paginate(stateMachineArn=arn, PaginationConfig={"PageSize": 2}))) > 1
        )


def test_executions_are_listed_by_one_parent_status_and_redrive(sfn: Any) -> None:
    """test_sfn_api.py::test_state_machine_status_filter; API reference, ListExecutions."""
    arn = create(sfn, "filtered", PASSING)
    finish(sfn, start(sfn, arn))

    def listed(**filters: str) -> int:
        return len(sfn.list_executions(stateMachineArn=arn, **filters)["executions"])

    assert (listed(statusFilter="SUCCEEDED"), listed(statusFilter="RUNNING")) == (1, 0)
    assert (listed(redriveFilter="NOT_REDRIVEN"), listed(redriveFilter="REDRIVEN")) == (1, 0)
    code, message = refused(sfn.list_executions, stateMachineArn=arn, statusFilter="succeeded")
    assert code == "ValidationException"
    assert message.startswith(
        "1 validation error detected: Value 'succeeded' at 'statusFilter' failed to satisfy"
    )
    run = f"{PREFIX}:mapRun:m/l:i"
    for given in ({}, {"stateMachineArn": arn, "mapRunArn": run}):
        assert refused(sfn.list_executions, **given)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "not json",
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' "
            "or 'false')",
        ),
        ("{'a': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
        ("", "Invalid execution input."),
    ],
)
def test_an_input_that_is_no_json_is_refused_in_awss_words(sfn: Any, text: str, why: str) -> None:
    """test_sfn_api.py::test_invalid_start_execution_input."""
    arn = create(sfn, "inputs", PASSING)
    found = refused(sfn.start_execution, stateMachineArn=arn, input=text)
    assert found == ("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{why}'")


@pytest.mark.parametrize("text", ["2", '"text"', "null", "[]"])
def test_an_input_may_be_any_json(sfn: Any, text: str) -> None:
    """test_sfn_api.py::test_invalid_start_execution_input: numbers, texts and null are accepted."""
    arn = create(sfn, "any-input", PASSING)
    execution = sfn.start_execution(stateMachineArn=arn, input=text)["executionArn"]
    assert json.loads(finish(sfn, execution)["output"]) == json.loads(text)


def test_one_name_is_one_execution_while_it_runs_with_that_input(sfn: Any) -> None:
    """API reference, StartExecution: idempotent for STANDARD workflows while the execution runs."""
    arn = create(sfn, "named", WAITING)
    first = sfn.start_execution(stateMachineArn=arn, name="n", input='{"a":1}')
    again = sfn.start_execution(stateMachineArn=arn, name="n", input='{"a":1}')
    assert (first["executionArn"], first["startDate"]) == (again["executionArn"], again["startDate"])
    exists = ("ExecutionAlreadyExists", f"Execution Already Exists: '{first['executionArn']}'")
    assert refused(sfn.start_execution, stateMachineArn=arn, name="n", input="{}") == exists
    sfn.stop_execution(executionArn=first["executionArn"])
    assert refused(sfn.start_execution, stateMachineArn=arn, name="n", input='{"a":1}') == exists


def test_an_execution_that_has_ended_is_stopped_already(sfn: Any) -> None:
    """test_sfn_api.py::test_stop_execution; the model declares no error for one that has ended."""
    arn = create(sfn, "stoppable", PASSING)
    execution = start(sfn, arn)
    ended = finish(sfn, execution)
    assert sfn.stop_execution(executionArn=execution, error="E")["stopDate"] == ended["stopDate"]
    assert sfn.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"


def test_an_execution_can_be_stopped_as_soon_as_it_is_started(sfn: Any) -> None:
    """test_sfn_api.py::test_stop_execution: started is the first event, aborted the last."""
    arn = create(sfn, "stopped-at-once", WAITING)
    for _ in range(5):
        execution = start(sfn, arn)
        sfn.stop_execution(executionArn=execution)
        assert sfn.describe_execution(executionArn=execution)["status"] == "ABORTED"
        types = [event["type"] for event in history(sfn, execution)]
        assert (types[0], types[-1], types.count("ExecutionStarted")) == (
            "ExecutionStarted",
            "ExecutionAborted",
            1,
        )


@pytest.mark.parametrize("definition", [WAITING, states(F={"Type": "Fail", "Error": "E"})])
def test_an_execution_without_output_has_no_details_of_one(sfn: Any, definition: dict) -> None:
    """base/test_base.py::test_state_fail, describe_execution."""
    execution = start(sfn, create(sfn, f"no-output-{definition['StartAt']}", definition))
    until(lambda: len(history(sfn, execution)) > 1)
    described = sfn.describe_execution(executionArn=execution)
    assert not {"output", "outputDetails"} & set(described)
    assert described["inputDetails"] == {"included": True}
    sfn.stop_execution(executionArn=execution)


def test_express_executions_are_known_to_nobody_but_their_caller(sfn: Any) -> None:
    """test_sfn_api_express.py::test_start_async_describe_history_execution."""
    arn = create(sfn, "express", PASSING, type="EXPRESS")
    started = [sfn.start_execution(stateMachineArn=arn, name="n")["executionArn"] for _ in range(2)]
    assert started[0] != started[1]
    kind = ("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
    for execution in started:
        assert execution.startswith(f"{PREFIX}:express:express:n:")
        for call in (sfn.describe_execution, sfn.stop_execution, sfn.get_execution_history):
            assert refused(call, executionArn=execution) == kind
    unsupported = "This operation is not supported by this type of state machine"
    assert refused(sfn.list_executions, stateMachineArn=arn) == ("StateMachineTypeNotSupported", unsupported)


def test_an_express_machine_answers_with_its_bill(sfn: Any) -> None:
    """test_sfn_api_express.py::test_start_sync_execution, express/test_express_sync.py::test_base and …memory."""
    read = jsonata(A={"Type": "Pass", "Output": "{% $keys($states.context.Execution) %}"})
    arn = create(sfn, "billed", read, type="EXPRESS")
    answer = sfn.start_sync_execution(stateMachineArn=arn, name="n", input='{"a": 1}')
    assert answer["executionArn"].startswith(f"{PREFIX}:express:billed:n:")
    assert (answer["status"], answer["name"], answer["stateMachineArn"]) == ("SUCCEEDED", "n", arn)
    assert json.loads(answer["output"]) == ["Id", "Input", "Name", "RoleArn", "StartTime"]
    assert answer["billingDetails"]["billedMemoryUsedInMB"] == 64
    assert answer["billingDetails"]["billedDurationInMilliseconds"] % 100 == 0
    failing = create(
        sfn, "billed-failure", states(F={"Type": "Fail", "Error": "E", "Cause": "c"}), type="EXPRESS"
    )
    failed = sfn.start_sync_execution(stateMachineArn=failing)
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "E", "c")
    assert "output" not in failed
    standard = create(sfn, "not-express", PASSING)
    unsupported = "This operation is not supported by this type of state machine"
    found = refused(sfn.start_sync_execution, stateMachineArn=standard)
    assert found == ("StateMachineTypeNotSupported", unsupported)


def test_tags_are_those_of_state_machines_alone(sfn: Any) -> None:
    """test_sfn_api_tagging.py: test_tag_state_machine, test_tag_state_machine_version, test_untag_state_machine."""
    arn = create(sfn, "tagged", PASSING, publish=True, tags=[{"key": "key1", "value": "value1"}])
    sfn.tag_resource(resourceArn=arn, tags=[{"key": "key2", "value": ""}, {"key": "key1", "value": "again"}])
    kept = sfn.list_tags_for_resource(resourceArn=arn)["tags"]
    assert kept == [{"key": "key1", "value": "again"}, {"key": "key2", "value": ""}]
    sfn.untag_resource(resourceArn=arn, tagKeys=["key1", "never"])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "key2", "value": ""}]
    found = refused(sfn.tag_resource, resourceArn=f"{arn}:1", tags=[{"key": "k", "value": "v"}])
    assert found == ("ResourceNotFound", f"Resource not found: '{arn}:1'")
    many = [{"key": str(place), "value": ""} for place in range(50)]
    assert refused(sfn.tag_resource, resourceArn=arn, tags=many)[0] == "TooManyTags"


def test_a_text_that_is_no_token_is_another_error_than_an_old_one(sfn: Any) -> None:
    """API reference, SendTaskSuccess: InvalidToken and TaskTimedOut."""
    for call, more in (
        (sfn.send_task_success, {"output": "{}"}),
        (sfn.send_task_failure, {}),
        (sfn.send_task_heartbeat, {}),
    ):
        assert refused(call, taskToken="nothing", **more) == (
            "InvalidToken",
            "Invalid Token: 'Invalid token'",
        )
        assert refused(call, taskToken="A" * 64, **more)[0] == "TaskTimedOut"


def test_tracing_of_a_template_is_described(server: Server, sfn: Any) -> None:
    """AWS::StepFunctions::StateMachine: TracingConfiguration, LoggingConfiguration in the template's casing."""
    properties = {
        "StateMachineName": "templated",
        "RoleArn": ROLE,
        "Definition": PASSING,
        "TracingConfiguration": {"Enabled": True},
        "LoggingConfiguration": {"Level": "OFF", "IncludeExecutionData": True},
    }
    cloudformation = server.client("cloudformation")

    def deployed(operation: str, done: str, **changes: Any) -> dict[str, Any]:
        resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {**properties, **changes}}
        body = json.dumps({"Resources": {"M": resource}})
        getattr(cloudformation, operation)(StackName="traced", TemplateBody=body)
        until(lambda: cloudformation.describe_stacks(StackName="traced")["Stacks"][0]["StackStatus"] == done)
        return dict(sfn.describe_state_machine(stateMachineArn=f"{PREFIX}:stateMachine:templated"))

    described = deployed("create_stack", "CREATE_COMPLETE")
    assert described["tracingConfiguration"] == {"enabled": True}
    assert described["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": True}
    changed = deployed("update_stack", "UPDATE_COMPLETE", TracingConfiguration={"Enabled": False})
    assert changed["tracingConfiguration"] == {"enabled": False}
    assert changed["revisionId"]


def test_the_variables_that_states_read_are_described(sfn: Any) -> None:
    """test_sfn_api_variable_references.py; API reference: states without references are not shown."""
    definition = states(
        A={"Type": "Pass", "Assign": {"answer": 42, "rest": [1]}, "Result": {"$kept": "$answer"}},
        B={"Type": "Pass", "Parameters": {"a.$": "States.Format('$no {}', $answer)", "b": "$rest"}},
        C={"Type": "Succeed"},
    )
    arn = create(sfn, "referring", definition)
    assert sfn.describe_state_machine(stateMachineArn=arn)["variableReferences"] == {"B": ["answer"]}
    found = sfn.describe_state_machine_for_execution(executionArn=start(sfn, arn))
    assert found["variableReferences"] == {"B": ["answer"]}


REFERENCES: list[tuple[str, dict, list[str]]] = [
    ("paths", {"Type": "Wait", "SecondsPath": "$waitTime"}, ["waitTime"]),
    ("input and output", {"Type": "Pass", "InputPath": "$b", "OutputPath": "$a.c"}, ["a", "b"]),
    ("no input, no context", {"Type": "Pass", "InputPath": "$.a", "OutputPath": "$$.Execution"}, []),
    ("a failure's", {"Type": "Fail", "CausePath": "$why", "ErrorPath": "States.Format($e)"}, ["e", "why"]),
    ("a template's literal", {"Type": "Pass", "Parameters": {"a": "$x", "b": {"c.$": "$y[0]"}}}, ["y"]),
    (
        "rules",
        {"Type": "Choice", "Choices": [{"Not": {"Variable": "$g", "StringEqualsPath": "$h"}, "Next": "N"}]},
        ["g", "h"],
    ),
    (
        "a reader's",
        {"Type": "Map", "ItemReader": {"ReaderConfig": {"MaxItemsPath": "$most"}}, "ItemsPath": "$l"},
        ["l", "most"],
    ),
    ("a catcher's", {"Type": "Task", "Catch": [{"Assign": {"x.$": "$was"}}]}, ["was"]),
    ("credentials", {"Type": "Task", "Credentials": {"RoleArn.$": "$r"}}, ["r"]),
    ("expressions", {"QueryLanguage": "JSONata", "Output": {"o": "{% $a + $sum([$b.c]) %}"}}, ["a", "b"]),
    ("no expression", {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "$a"}, []),
    (
        "what an expression binds itself",
        {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": "{% ($x := 1; $map($l, function($i) { $i & '$t' & $x }) & $states.input.y) %}",
        },
        ["l"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "expected"), [case[1:] for case in REFERENCES], ids=[c[0] for c in REFERENCES]
)
def test_a_variable_is_referred_to_in(state: dict, expected: list[str]) -> None:
    found = variable_references({"States": {"S": state}})
    assert found == ({"S": expected} if expected else {})


def test_inner_states_are_referred_to_by_their_own_names() -> None:
    """test_sfn_api_variable_references.py: MAP_STATE_REFERENCE_IN_INTRINSIC_FUNCTION."""
    inner = {"States": {"Pass": {"Type": "Pass", "Parameters": {"q.$": "$Question"}}}}
    outer = {"Type": "Map", "ItemSelector": {"a.$": "States.Format($Template, $$.Map.Item.Value)"}}
    found = variable_references({"States": {"M": {**outer, "ItemProcessor": inner}}})
    assert found == {"M": ["Template"], "Pass": ["Question"]}


NOT_JSON = "Unrecognized token 'not': was expecting "
NOT_JSON += "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
PLACE = '[Source: (String)"not a definition"; line: 1, column: 4]'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"code": "SCHEMA_VALIDATION_FAILED", "message": "Definition must be a valid JSON object"}),
        (
            "not a definition",
            {"code": "INVALID_JSON_DESCRIPTION", "location": PLACE, "message": f"{NOT_JSON}\n at {PLACE}"},
        ),
        (
            "{}",
            {
                "code": "SCHEMA_VALIDATION_FAILED",
                "location": "/",
                "message": "These fields are required: [States, StartAt]",
            },
        ),
    ],
)
def test_a_definition_is_diagnosed_as_aws_does(text: str, expected: dict) -> None:
    """test_sfn_api_validation.py::test_validate_state_machine_definition_not_a_definition."""
    found = diagnostics(text)
    assert found == {"result": "FAIL", "truncated": False, "diagnostics": [{"severity": "ERROR", **expected}]}


def test_what_an_express_machine_may_not_do_is_diagnosed(sfn: Any) -> None:
    """test_sfn_api_validation.py::…_type_express[ILLEGAL_WFTT]: with AWS's blank at the end."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "q", "MessageBody": {"t.$": "$$.Task.Token"}},
    }
    text = json.dumps(states(Send=state))
    assert sfn.validate_state_machine_definition(definition=text)["result"] == "OK"
    found = sfn.validate_state_machine_definition(definition=text, type="EXPRESS")
    message = "Express state machine does not support '.waitForTaskToken' service integration "
    assert [(each["location"], each["message"]) for each in found["diagnostics"]] == [
        ("/States/Send/Resource", message)
    ]


def test_diagnostics_are_cut_at_the_number_asked_for(sfn: Any) -> None:
    """API reference, ValidateStateMachineDefinition: maxResults and truncated; 0 is the default of 100."""
    text = json.dumps(states(A={"Type": "Pass", "a": 1, "b": 2}))
    assert sfn.validate_state_machine_definition(definition=text, maxResults=0)["truncated"] is False
    cut = sfn.validate_state_machine_definition(definition=text, maxResults=1)
    assert (len(cut["diagnostics"]), cut["truncated"]) == (1, True)
