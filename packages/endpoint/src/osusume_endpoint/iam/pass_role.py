"""iam:PassRole, which ministack does not check: who hands a role to a service needs it on that role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from osusume_endpoint import calls, wire
from osusume_endpoint import endpoint as endpoints
from osusume_endpoint.endpoint import Credentials
from osusume_endpoint.errors import AccessDenied, AssumeRoleRefused
from osusume_endpoint.iam import decisions, trust


class Passed(NamedTuple):
    path: str  # of the role's ARN in the call's JSON body
    service: str  # the principal it is passed to
    trusted_on_call: bool = False  # whether AWS refuses the call already when the role does not trust it


PERSONALIZE = Passed("roleArn", "personalize.amazonaws.com")
REDSHIFT = "redshift-serverless.amazonaws.com"

# Every call the product may make that takes a role. A `*` member reads each element of a list.
PASSED: dict[str, tuple[Passed, ...]] = {
    "events:PutRule": (Passed("RoleArn", "events.amazonaws.com"),),
    "events:PutTargets": (Passed("Targets.*.RoleArn", "events.amazonaws.com"),),
    "glue:CreateCrawler": (Passed("Role", "glue.amazonaws.com"),),
    "glue:CreateJob": (Passed("Role", "glue.amazonaws.com"),),
    "glue:CreateSession": (Passed("Role", "glue.amazonaws.com"),),
    "glue:UpdateCrawler": (Passed("Role", "glue.amazonaws.com"),),
    "glue:UpdateJob": (Passed("JobUpdate.Role", "glue.amazonaws.com"),),
    "lambda:CreateFunction": (Passed("Role", "lambda.amazonaws.com", True),),
    "lambda:UpdateFunctionConfiguration": (Passed("Role", "lambda.amazonaws.com", True),),
    "personalize:CreateBatchInferenceJob": (PERSONALIZE,),
    "personalize:CreateBatchSegmentJob": (PERSONALIZE,),
    "personalize:CreateDataDeletionJob": (PERSONALIZE,),
    "personalize:CreateDatasetExportJob": (PERSONALIZE,),
    "personalize:CreateDatasetGroup": (PERSONALIZE,),
    "personalize:CreateDatasetImportJob": (PERSONALIZE,),
    "personalize:CreateMetricAttribution": (
        Passed("metricsOutputConfig.roleArn", "personalize.amazonaws.com"),
    ),
    "personalize:UpdateMetricAttribution": (
        Passed("metricsOutputConfig.roleArn", "personalize.amazonaws.com"),
    ),
    "redshift-serverless:CreateNamespace": (Passed("iamRoles.*", REDSHIFT),),
    "redshift-serverless:UpdateNamespace": (Passed("iamRoles.*", REDSHIFT),),
    "scheduler:CreateSchedule": (Passed("Target.RoleArn", "scheduler.amazonaws.com", True),),
    "scheduler:UpdateSchedule": (Passed("Target.RoleArn", "scheduler.amazonaws.com", True),),
    "states:CreateStateMachine": (Passed("roleArn", "states.amazonaws.com", True),),
    "states:UpdateStateMachine": (Passed("roleArn", "states.amazonaws.com", True),),
}


def check(
    *,
    caller: str | Credentials | None,
    role_arn: str,
    service: str,
    associated_resource: str | None = None,
) -> None:
    conditions = {"iam:PassedToService": service}
    if associated_resource:
        conditions["iam:AssociatedResourceArn"] = associated_resource
    decisions.authorize(
        caller=caller, action="iam:PassRole", resource=role_arn, conditions=conditions, resource_policy=False
    )


def intercept(call: calls.Call) -> wire.Response | None:
    passed = PASSED.get(call.action, ())
    parameters = call.parameters() if passed else {}
    for role in passed:
        for arn in _values(parameters, role.path.split(".")):
            try:
                check(caller=None, role_arn=_full_arn(arn), service=role.service)
                if role.trusted_on_call:
                    trust.check_trust(
                        _full_arn(arn),
                        service=role.service,
                        source_account=endpoints.current().account,
                        source_arn=_source(call, parameters),
                    )
            except AccessDenied as denied:
                return calls.deny(call, "iam:PassRole", denied.message)
            except AssumeRoleRefused as refused:
                return wire.respond_error(_botocore_name(call.service), refused)
    return None


def _source(call: calls.Call, parameters: dict[str, Any]) -> str | None:
    """What the service presents as aws:SourceArn when it assumes the role later."""
    endpoint = endpoints.current()
    where = f"{endpoint.region}:{endpoint.account}"
    if call.service == "scheduler":
        return f"arn:aws:scheduler:{where}:schedule-group/{parameters.get('GroupName', 'default')}"
    if call.service == "states":
        named = f"arn:aws:states:{where}:stateMachine:{parameters.get('name')}"
        return str(parameters.get("stateMachineArn", named))
    name = parameters.get("FunctionName") or call.request.path.rstrip("/").split("/")[-2]
    return f"arn:aws:lambda:{where}:function:{name}"


def _values(value: Any, path: list[str]) -> Iterator[str]:
    if not path:
        if isinstance(value, str) and value:
            yield value
        return
    if path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _values(item, path[1:])
    elif isinstance(value, dict):
        yield from _values(value.get(path[0]), path[1:])


def _full_arn(role: str) -> str:
    """Glue takes a role's name as well."""
    return role if role.startswith("arn:") else f"arn:aws:iam::{endpoints.current().account}:role/{role}"


def _botocore_name(service: str) -> str:
    names = {ministack: boto for boto, ministack in wire.MINISTACK_NAMES.items()}
    return names.get(service, service)
