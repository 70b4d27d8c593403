"""Permission decisions beyond the one that ministack makes for the called operation itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint import requests
from osusume_endpoint.endpoint import Credentials
from osusume_endpoint.errors import AccessDenied, not_authorized


def principal_of(caller: str | Credentials | None) -> Any:
    """ministack's PrincipalInfo (ARN, policies, limits) of a caller; None = the request being served."""
    from ministack.core import iam_evaluator, responses

    account = requests.current().account or responses.get_account_id()
    if isinstance(caller, str):
        return _principal_by_arn(caller)
    access_key = caller.access_key if caller else requests.current().access_key
    found = iam_evaluator.resolve_principal(access_key, account)
    if isinstance(found, iam_evaluator.AuthError):
        raise AccessDenied(found.message, code=found.code)
    return found


def _principal_by_arn(arn: str) -> Any:
    from ministack.core import iam_evaluator as evaluator
    from ministack.services import iam

    account = arn.split(":")[4]
    if arn.endswith(":root"):
        return evaluator.PrincipalInfo(arn=arn, type="Root", account=account, policies=None)
    if ":assumed-role/" in arn or ":role/" in arn:
        name = arn.split("/")[1] if ":assumed-role/" in arn else arn.rsplit("/", 1)[-1]
        return evaluator.PrincipalInfo(
            arn=arn,
            type="AssumedRole",
            account=account,
            policies=evaluator._gather_role_policies(name, account),
            limits=evaluator._permissions_boundary(iam._roles, name, account),
        )
    name = arn.rsplit("/", 1)[-1]
    return evaluator.PrincipalInfo(
        arn=arn, type="User", account=account, policies=evaluator._gather_user_policies(name, account)
    )


def authorize(
    *,
    caller: str | Credentials | None,
    action: str,
    resource: str,
    conditions: Mapping[str, Any],
    resource_policy: bool = True,
) -> None:
    """Raises AccessDenied, in AWS's words, unless policies allow the action on the resource."""
    from ministack.core import iam_evaluator as evaluator

    principal = principal_of(caller)
    if principal.policies is None:
        return
    context = _context(principal.arn, principal.type, principal.account, action, resource, conditions)
    context.principal_keys = principal.keys
    result = evaluator.evaluate(context, principal.policies, *principal.limits)
    service = action.partition(":")[0]
    found = evaluator._resource_policy(service, resource) if resource_policy else None
    if found is not None:
        result = evaluator.combine_resource_policy(
            result, context, *found, required=service in evaluator._POLICY_REQUIRED, limits=principal.limits
        )
    if result.decision != "Allow":
        raise AccessDenied(
            not_authorized(
                principal=principal.arn,
                action=action,
                resource=resource,
                explicit_deny=result.decision == "Deny",
            )
        )


def check_service_access(
    *, principal: str, action: str, resource_arn: str, source_account: str, source_arn: str | None
) -> None:
    """Raises AccessDenied unless the resource's own policy names the service principal for the action."""
    from ministack.core import iam_evaluator as evaluator

    conditions = {"aws:sourceaccount": source_account, "aws:principalisawsservice": "true"}
    if source_arn:
        conditions["aws:sourcearn"] = source_arn
    context = _context(principal, "Service", source_account, action, resource_arn, conditions)
    found = evaluator._resource_policy(action.partition(":")[0], resource_arn)
    policy = found[0] if found else None
    decision = evaluator.evaluate_resource_policy(policy, context, service=principal).decision
    if decision != "Allow":
        reason = (
            "with an explicit deny in a resource-based policy"
            if decision == "Deny"
            else f"because no resource-based policy allows the {action} action"
        )
        raise AccessDenied(
            f"User: {principal} is not authorized to perform: {action} on resource: {resource_arn} {reason}"
        )


def _context(
    arn: str, kind: str, account: str, action: str, resource: str, conditions: Mapping[str, Any]
) -> Any:
    from ministack.core.iam_evaluator import EvalContext
    from ministack.core.responses import get_region

    return EvalContext(
        principal_arn=arn,
        principal_type=kind,
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        source_ip="127.0.0.1",
        secure_transport=True,
        service_context={key.lower(): value for key, value in conditions.items()},
    )
