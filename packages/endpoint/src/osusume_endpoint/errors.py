"""Errors that carry their AWS wire code."""

from __future__ import annotations


class ApiError(Exception):
    """An error an AWS API answers: raise it from an operation and boto3 sees a ClientError with `code`."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class NotEmulated(ApiError):
    """The operation exists in AWS and not here: never answered with an invented success."""

    def __init__(self, *, service: str, operation: str) -> None:
        super().__init__(
            "NotEmulated",
            f"The local endpoint does not emulate {service}:{operation}. Add it to osusume_endpoint/, or guard the "
            "call so that it is not made locally.",
            501,
        )


class AccessDenied(ApiError):
    def __init__(self, message: str, *, code: str = "AccessDeniedException", status: int = 403) -> None:
        super().__init__(code, message, status)


class AssumeRoleRefused(ApiError):
    """The role does not exist, or its trust policy does not let the service assume it."""

    def __init__(self, message: str, *, code: str = "AccessDenied", status: int = 403) -> None:
        super().__init__(code, message, status)


def not_authorized(*, principal: str, action: str, resource: str, explicit_deny: bool = False) -> str:
    """AWS's wording of a denial by identity policies."""
    reason = (
        "with an explicit deny in an identity-based policy"
        if explicit_deny
        else f"because no identity-based policy allows the {action} action"
    )
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource} {reason}"
