"""State machines: create, update, describe, list, delete.

What AWS answers to each is recorded in localstack's test_sfn_api.py, test_sfn_api_logs.py and
test_sfn_api_versioning.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from osusume_endpoint import permissions
from osusume_endpoint.errors import ApiError, AssumeRoleRefused
from osusume_endpoint.replacements import replaces
from osusume_endpoint.service import Operation, RequestContext
from osusume_endpoint.stepfunctions import definition
from osusume_endpoint.stepfunctions.api import configuration, pages, tags, versions
from osusume_endpoint.stepfunctions.api.answers import Function, Response, answer, refusal
from osusume_endpoint.stepfunctions.api.store import INITIAL, Store, moment, revision
from osusume_endpoint.stepfunctions.live import PRINCIPAL, LiveExecutions

NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
CHANGES = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
NO_CHANGE = (
    "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be "
)
NO_CHANGE += "specified"


def operations(store: Store, live: LiveExecutions) -> dict[str, Operation]:
    return {
        "CreateStateMachine": lambda context, p: _create(context, p, store),
        "UpdateStateMachine": lambda context, p: _update(context, p, store),
        "DescribeStateMachine": lambda context, p: _describe(p, store),
        "DescribeStateMachineForExecution": lambda context, p: _describe_for_execution(p, store),
        "ListStateMachines": lambda context, p: _list(p, store),
        "DeleteStateMachine": lambda context, p: _delete(p, store, live),
    }


def _create(context: RequestContext, parameters: dict[str, Any], store: Store) -> dict[str, Any]:
    _check_name(parameters["name"])
    versions.check_description(parameters)
    tags.check(parameters.get("tags", []))
    _check_type(parameters.get("type"), parameters["definition"])
    configuration.check_logs(parameters.get("loggingConfiguration"))
    arn = f"arn:aws:states:{context.region}:{context.account}:stateMachine:{parameters['name']}"
    tracing = parameters.get("tracingConfiguration") or configuration.NO_TRACES
    _check_same_tracing(store, arn, tracing)
    known = arn in store.machines
    given = {**parameters, "loggingConfiguration": configuration.logs(parameters.get("loggingConfiguration"))}
    created = _with_role(context, given, lambda: _made(store, arn, given))
    if not known:
        _completed(store, created, tracing)
    return created


def _made(store: Store, arn: str, given: dict[str, Any]) -> dict[str, Any]:
    try:
        return answer(store.ministack._create_state_machine(given))
    except ApiError as error:
        raise _exists(arn) if error.code == "StateMachineAlreadyExists" else error from error


def _completed(store: Store, created: Mapping[str, Any], tracing: Mapping[str, Any]) -> None:
    """What ministack's record of a new state machine lacks."""
    store.machine(created["stateMachineArn"])["tracingConfiguration"] = dict(tracing)
    if "stateMachineVersionArn" in created:
        version = store.versions.get(created["stateMachineVersionArn"])
        version.update(stateMachineRevisionId=INITIAL, tracingConfiguration=dict(tracing))


def _check_same_tracing(store: Store, arn: str, tracing: Mapping[str, Any]) -> None:
    """CreateStateMachine's idempotency covers it too; ministack compares the other parts."""
    known = store.machines.get(arn)
    if known and configuration.parts(known)["tracingConfiguration"] != dict(tracing):
        raise _exists(arn)


def _exists(arn: str) -> ApiError:
    return ApiError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")


def _check_type(kind: str | None, text: str | None) -> None:
    if kind == "EXPRESS" and text is not None and definition.refusal(text) is None:
        problems = definition.express_problems(json.loads(text))
        if problems:
            raise ApiError("InvalidDefinition", definition.worded(problems))


def _update(context: RequestContext, parameters: dict[str, Any], store: Store) -> dict[str, Any]:
    machine = store.machine(parameters["stateMachineArn"])
    if not any(key in parameters for key in CHANGES):
        raise ApiError("MissingRequiredParameter", NO_CHANGE)
    versions.check_description(parameters)
    _check_type(machine.get("type"), parameters.get("definition"))
    if "loggingConfiguration" in parameters:
        configuration.check_logs(parameters["loggingConfiguration"])
    changes = {key: value for key, value in parameters.items() if key != "publish"}
    updated = _with_role(context, parameters, lambda: answer(store.ministack._update_state_machine(changes)))
    if revision(machine) != INITIAL:
        updated["revisionId"] = revision(machine)
    if parameters.get("publish"):
        version = versions.published(store, machine, description=parameters.get("versionDescription"))
        updated["stateMachineVersionArn"] = version["stateMachineVersionArn"]
    return updated


@replaces("ministack.services.stepfunctions:_update_state_machine", takes="data")
def _updating(inner: Function, live: LiveExecutions) -> Function:
    """An update that changes nothing leaves the revision as it is; one that does keeps the one before."""
    store = Store(live.ministack)

    def update_state_machine(data: dict[str, Any]) -> Response:
        try:
            machine = store.machine(data["stateMachineArn"])
        except ApiError as error:
            return refusal(live.ministack, error)
        before, old = configuration.parts(machine), (machine["revisionId"], revision(machine))
        response = inner(data)
        if response[0] < 400:
            _revise(machine, data, before, old)
            machine["updateDate"] = json.loads(response[2])["updateDate"]
        return response

    return update_state_machine


def _revise(
    machine: dict[str, Any], data: Mapping[str, Any], before: dict[str, Any], old: tuple[str, str]
) -> None:
    if "tracingConfiguration" in data:
        machine["tracingConfiguration"] = dict(data["tracingConfiguration"])
    machine["loggingConfiguration"] = configuration.logs(machine["loggingConfiguration"])
    if configuration.parts(machine) == before:
        machine["revisionId"] = old[0]
        return
    machine.setdefault("earlier", {})[old[1]] = before
    machine["revised"] = True


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::StepFunctions::StateMachine]",
    holds=dict,
)
def _provisioning(inner: dict[str, Any], live: LiveExecutions) -> dict[str, Any]:
    """Keeps a template's TracingConfiguration, which ministack leaves out."""
    store = Store(live.ministack)

    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        made = inner["create"](logical_id, properties, stack_name)
        store.machine(made[0])["tracingConfiguration"] = configuration.traces(properties)
        return made

    def update(arn: str, old: dict[str, Any], new: dict[str, Any], *more: Any, **named: Any) -> Any:
        before = store.machines.get(arn)
        if before is not None:  # a revision, when it differs
            live.ministack._update_state_machine(
                {"stateMachineArn": arn, "tracingConfiguration": configuration.traces(new)}
            )
        made = inner["update"](arn, old, new, *more, **named)
        store.machine(made[0])["tracingConfiguration"] = configuration.traces(new)
        return made

    return {**inner, "create": create, "update": update}


def _with_role(context: RequestContext, parameters: Mapping[str, Any], call: Any) -> dict[str, Any]:
    """The caller may pass the role, and Step Functions may assume it."""
    role = parameters.get("roleArn")
    if role:
        context.check_pass_role(role, PRINCIPAL)
        _check_trust(context, role, parameters)
    answered: dict[str, Any] = call()
    return answered


def _check_trust(context: RequestContext, role: str, parameters: Mapping[str, Any]) -> None:
    new_arn = f"arn:aws:states:{context.region}:{context.account}:stateMachine:{parameters.get('name')}"
    arn = parameters.get("stateMachineArn", new_arn)
    try:
        permissions.role_session(
            context.endpoint, role, session_name="Create", service=PRINCIPAL, source_arn=arn
        )
    except AssumeRoleRefused as error:
        message = (
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized "
            f"to assume the provided role. ({error.message})"
        )
        raise ApiError("AccessDeniedException", message) from error


def _describe(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    arn = parameters["stateMachineArn"]
    machine = store.machine_of(arn)
    version = store.versions.get(arn)
    return {
        "stateMachineArn": arn,
        "name": machine["name"],
        "status": "ACTIVE",
        "type": machine["type"],
        "creationDate": moment((version or machine)["creationDate"]),
        **configuration.described(version or machine, included=parameters.get("includedData")),
        **_revision_of(version, machine),
        **_description_of(version or store.aliases.get(arn)),
    }


def _revision_of(version: Mapping[str, Any] | None, machine: Mapping[str, Any]) -> dict[str, str]:
    found = version["stateMachineRevisionId"] if version else revision(machine)
    return {} if found == INITIAL else {"revisionId": found}


def _description_of(record: Mapping[str, Any] | None) -> dict[str, str]:
    return {"description": record["description"]} if record and record.get("description") else {}


def _describe_for_execution(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """The configuration that the execution was started with, whatever the state machine has become since."""
    execution = store.execution(parameters["executionArn"])
    machine = store.machine(execution["stateMachineArn"])
    version = store.versions.get(execution.get("stateMachineVersionArn"))
    started_with = execution.get("revision", INITIAL)
    earlier = machine.get("earlier", {}).get(started_with)
    described = {
        "stateMachineArn": machine["stateMachineArn"],
        "name": machine["name"],
        "updateDate": moment(machine.get("updateDate", machine["creationDate"])),
        **configuration.described(version or earlier or machine, included=parameters.get("includedData")),
    }
    if started_with != INITIAL:
        described["revisionId"] = started_with
    return described | ({"mapRunArn": execution["mapRunArn"]} if execution.get("mapRunArn") else {})


def _list(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    found, rest = pages.page(
        list(store.machines.values()),
        parameters,
        of="state machines",
        order=lambda machine: (machine["creationDate"], machine["stateMachineArn"]),
    )
    shown = ("stateMachineArn", "name", "type")
    listed = [
        {**{key: machine[key] for key in shown}, "creationDate": moment(machine["creationDate"])}
        for machine in found
    ]
    return {"stateMachines": listed, **rest}


def _delete(parameters: Mapping[str, Any], store: Store, live: LiveExecutions) -> dict[str, Any]:
    """Deletes a machine, versions and aliases; its executions end. One that doesn't exist is deleted already."""
    arn = parameters["stateMachineArn"]
    if arn not in store.machines:
        return {}
    for execution in [each for each in store.executions.values() if each["stateMachineArn"] == arn]:
        live.stop(execution["executionArn"], error=None, cause=None)
    for version in store.versions_of(arn):
        store.versions.pop(version["stateMachineVersionArn"])
    for alias in store.aliases_of(arn):
        store.aliases.pop(alias["stateMachineAliasArn"])
    answer(store.ministack._delete_state_machine({"stateMachineArn": arn}))
    return {}
