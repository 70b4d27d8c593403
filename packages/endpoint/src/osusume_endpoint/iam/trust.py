"""Role sessions for services: a role is assumed only where its trust policy lets that service."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from osusume_endpoint.endpoint import Credentials
from osusume_endpoint.errors import AssumeRoleRefused

# Sessions are derived from (role, session, service), so that asking twice gives the same credentials.
_SECRET = secrets.token_bytes(32)

# What each service says when it may not assume the role it was given (their API references).
_WORDING = {
    "lambda.amazonaws.com": (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    "states.amazonaws.com": (
        "AccessDeniedException",
        "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to "
        "assume the provided role.",
    ),
    "glue.amazonaws.com": (
        "InvalidInputException",
        "Role {role} should be given assume role permissions for Glue Service.",
    ),
    "scheduler.amazonaws.com": (
        "ValidationException",
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    ),
    "personalize.amazonaws.com": (
        "InvalidInputException",
        "Unable to assume role {role}: check its trust policy.",
    ),
}

_GENERIC = (
    "AccessDenied",
    "User: {service} is not authorized to perform: sts:AssumeRole on resource: {role}",
)


def find_role(role_arn: str) -> dict[str, Any] | None:
    from ministack.services import iam

    parts = role_arn.split(":")
    if len(parts) != 6 or not parts[5].startswith("role/"):
        return None
    role = iam._roles.get_scoped(parts[4], None, role_arn.rsplit("/", 1)[-1])
    return role if role and role.get("Arn") == role_arn else None


def role_session(
    role_arn: str, *, session_name: str, service: str, source_account: str, source_arn: str | None
) -> Credentials:
    check_trust(role_arn, service=service, source_account=source_account, source_arn=source_arn)
    return open_session(role_arn, session_name=session_name)


def check_trust(role_arn: str, *, service: str, source_account: str, source_arn: str | None = None) -> None:
    """Raises AssumeRoleRefused unless the service may assume the role."""
    role = find_role(role_arn)
    if role is None:
        raise AssumeRoleRefused(
            f"User: {service} is not authorized to perform: sts:AssumeRole on resource: {role_arn} "
            "because the role does not exist"
        )
    context = {"aws:sourceaccount": source_account}
    if source_arn:
        context["aws:sourcearn"] = source_arn
    if not trusts(role["AssumeRolePolicyDocument"], service=service, context=context):
        code, message = _WORDING.get(service, _GENERIC)
        raise AssumeRoleRefused(message.format(role=role_arn, service=service), code=code, status=400)


def trusts(document: str | dict[str, Any], *, service: str, context: dict[str, str]) -> bool:
    """Whether a trust policy lets the service principal assume its role. A matching Deny wins."""
    from ministack.core.iam_evaluator import EvalContext, _conditions_met

    parsed = json.loads(document) if isinstance(document, str) else document
    request = EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn="*",
        region="",
        source_ip="127.0.0.1",
        secure_transport=True,
        service_context=context,
    )
    applicable = [
        statement["Effect"]
        for statement in _list(parsed.get("Statement"))
        if "sts:AssumeRole" in _list(statement.get("Action"))
        and _names(statement.get("Principal"), service)
        and _conditions_met(statement.get("Condition", {}), request)
    ]
    return "Allow" in applicable and "Deny" not in applicable


def _names(principal: Any, service: str) -> bool:
    return isinstance(principal, dict) and service in _list(principal.get("Service"))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def open_session(role_arn: str, *, session_name: str) -> Credentials:
    """Registers a session with the endpoint's STS without asking the trust policy."""
    from ministack.services import sts

    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    session_name = session_name[:64]
    seed = hashlib.blake2b(f"{role_arn}|{session_name}".encode(), key=_SECRET).hexdigest()
    credentials = Credentials(f"ASIA{seed[:16].upper()}", seed[16:56], f"local-session-{seed[56:]}")
    if credentials.access_key not in sts._sessions:
        sts.register_session(
            credentials.access_key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
                "UserId": f"AROA{seed[:17].upper()}:{session_name}",
                "AccountId": account,
                "PrincipalType": "AssumedRole",
                "SecretAccessKey": credentials.secret_key,
                "SessionToken": credentials.token,
            },
        )
    return credentials
