"""The service role of a stack (RoleARN): whoever calls hands it over, and resources are made with its permissions.

Source: CloudFormation user guide, "CloudFormation service role". ministack takes the parameter and makes
resources as the caller; our resource types ask what their caller may do, so it has to be the right one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint import endpoint as endpoints
from osusume_endpoint import replacements, requests
from osusume_endpoint.errors import AccessDenied, AssumeRoleRefused
from osusume_endpoint.iam import pass_role, trust
from osusume_endpoint.replacements import replaces

SERVICE = "cloudformation.amazonaws.com"
Action = Callable[[Mapping[str, Any]], Any]


def install() -> None:
    replacements.apply(__name__)


@replaces("ministack.services.cloudformation.handlers:_ACTION_HANDLERS[CreateStack]", takes="params")
@replaces("ministack.services.cloudformation.handlers:_ACTION_HANDLERS[UpdateStack]", takes="params")
@replaces("ministack.services.cloudformation.handlers:_ACTION_HANDLERS[DeleteStack]", takes="params")
def _of_stack(inner: Action) -> Action:
    return _as_role(inner, _given)


@replaces("ministack.services.cloudformation.handlers:_ACTION_HANDLERS[CreateChangeSet]", takes="params")
def _creating_change_set(inner: Action) -> Action:
    return _remembering(_as_role(inner, _given))


@replaces("ministack.services.cloudformation.handlers:_ACTION_HANDLERS[ExecuteChangeSet]", takes="params")
def _executing_change_set(inner: Action) -> Action:
    return _as_role(inner, _of_change_set, passed=False)


def _given(parameters: Mapping[str, Any]) -> str:
    return _one(parameters, "RoleARN")


def _of_change_set(parameters: Mapping[str, Any]) -> str:
    return str((_change_set(parameters) or {}).get("RoleARN", ""))


def _as_role(inner: Action, role_of: Action, *, passed: bool = True) -> Action:
    """`passed`: whether this call hands the role over; executing a change set uses the one it was made with."""

    def handle(parameters: Mapping[str, Any]) -> Any:
        from ministack.services.cloudformation.helpers import _error

        role = role_of(parameters)
        if not role:
            return inner(parameters)
        try:
            if passed:
                pass_role.check(caller=None, role_arn=role, service=SERVICE)
            caller = _caller(role)
        except AccessDenied as denied:
            return _error("AccessDenied", denied.message, 403)
        except AssumeRoleRefused as refused:
            return _error(
                "ValidationError", f"Role {role} is invalid or cannot be assumed: {refused.message}"
            )
        # What the operation schedules copies this context, so the role goes on after the answer.
        token = requests.pin(caller)
        try:
            return inner(parameters)
        finally:
            requests.unpin(token)

    return handle


def _remembering(inner: Action) -> Action:
    def create_change_set(parameters: Mapping[str, Any]) -> Any:
        response = inner(parameters)
        change_set = _change_set(parameters)
        if change_set is not None and _given(parameters):
            change_set["RoleARN"] = _given(parameters)
        return response

    return create_change_set


def _caller(role: str) -> requests.Caller:
    credentials = trust.role_session(
        role,
        session_name="AWSCloudFormation",
        service=SERVICE,
        source_account=endpoints.current().account,
        source_arn=None,
    )
    name = role.rsplit("/", 1)[-1]
    return dataclasses.replace(
        requests.current(),
        access_key=credentials.access_key,
        arn=f"arn:aws:sts::{role.split(':')[4]}:assumed-role/{name}/AWSCloudFormation",
        credentials=credentials,
    )


def _change_set(parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    from ministack.services.cloudformation import changesets

    return changesets._find_change_set(_one(parameters, "ChangeSetName"), _one(parameters, "StackName"))[1]


def _one(parameters: Mapping[str, Any], name: str) -> str:
    value = parameters.get(name, "")
    return str(value[0] if isinstance(value, list) else value) if value else ""
