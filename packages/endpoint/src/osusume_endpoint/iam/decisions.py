"""Permission decisions beyond the one that ministack makes for the called operation itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osusume_endpoint import endpoint as endpoints
from osusume_endpoint import requests
from osusume_endpoint.endpoint import Credentials
from osusume_endpoint.errors import AccessDenied, not_authorized


def principal_of(caller: str | Credentials | None) -> Any:
    """ministack's PrincipalInfo (ARN, policies, limits) of a caller; None = the request being served."""
    from ministack.core import iam_evaluator, responses

    account = requests.current().account or responses.get_account_id()
    if isinstance(caller, str):
        return _principal_by_arn(caller)
    access_key = caller.access_key if caller else _key_of_request()
    found = iam_evaluator.resolve_principal(access_key, account)
    if isinstance(found, iam_evaluator.AuthError):
        raise AccessDenied(found.message, code=found.code)
    return found


def _key_of_request() -> str:
    """The administrator's outside a request: what runs there is the endpoint's own."""
    current = requests.current()
    return endpoints.current().administrator.access_key if current is requests.NOBODY else current.access_key


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
    found = evaluator._resource_policy(action.partition(":")[0], resource) if resource_policy else None
    result = decide(context, principal.policies, limits=principal.limits, resource_policy=found)
    if result.decision != "Allow":
        raise AccessDenied(
            not_authorized(
                principal=principal.arn,
                action=action,
                resource=resource,
                explicit_deny=result.decision == "Deny",
            )
        )


def decide(
    context: Any,
    policies: list[Any],
    *,
    limits: Sequence[Any] = (),
    resource_policy: tuple[Any, str | None] | None = None,
) -> Any:
    """ministack's EvalResult: `limits` are a boundary and session policies, `resource_policy` comes with its owner."""
    from ministack.core import iam_evaluator as evaluator

    result = evaluator.evaluate(context, policies, *limits)
    if resource_policy is None:
        return result
    required = context.action.partition(":")[0] in evaluator._POLICY_REQUIRED
    return evaluator.combine_resource_policy(
        result, context, *resource_policy, required=required, limits=tuple(limits)
    )


def of_endpoint_policy(policy: Any, *, action: str, resource: str) -> str:
    """ "Allow", "Deny" or "ImplicitDeny" of a VPC endpoint's policy, for the caller of the request being served."""
    from ministack.core import iam_evaluator as evaluator

    principal = principal_of(None)
    context = _context(principal.arn, principal.type, principal.account, action, resource, {})
    context.principal_keys = principal.keys
    return str(evaluator.evaluate_resource_policy(policy, context).decision)


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
