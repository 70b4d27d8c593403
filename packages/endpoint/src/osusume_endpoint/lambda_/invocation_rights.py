"""Who may invoke a function: services need a statement in the function's own policy (AddPermission)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from osusume_endpoint import permissions, replacements
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import AccessDenied
from osusume_endpoint.replacements import replaces

log = logging.getLogger("osusume.lambda")


def check(endpoint: Endpoint, *, function_arn: str, principal: str, source_arn: str | None) -> None:
    """Raises AccessDenied unless the function's policy lets the service invoke it for the source."""
    permissions.check_service_access(
        endpoint, principal, "lambda:InvokeFunction", function_arn, source_arn=source_arn
    )


def install(endpoint: Endpoint) -> None:
    replacements.apply(__name__, endpoint=endpoint)


@replaces(
    "ministack.services.sns:_deliver_to_lambda",
    takes="endpoint, envelope, topic_arn, sub_arn, msg_id, raw_message, message_attributes",
)
def _checking_topic(inner: Callable[..., Any], endpoint: Endpoint) -> Callable[..., Any]:
    def deliver_to_lambda(
        function_arn: str, envelope: str, topic_arn: str, *args: Any, **options: Any
    ) -> Any:
        try:
            check(endpoint, function_arn=function_arn, principal="sns.amazonaws.com", source_arn=topic_arn)
        except AccessDenied as denied:
            log.warning("the topic's message is not delivered: %s", denied.message)
            return None
        return inner(function_arn, envelope, topic_arn, *args, **options)

    return deliver_to_lambda


@replaces("ministack.services.eventbridge:_invoke_target", takes="target, event, rule, view")
def _checking_rule(inner: Callable[..., Any], endpoint: Endpoint) -> Callable[..., Any]:
    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], *more: Any) -> Any:
        arn = target.get("Arn", "")
        if ":lambda:" in arn:
            try:
                check(
                    endpoint, function_arn=arn, principal="events.amazonaws.com", source_arn=rule.get("Arn")
                )
            except AccessDenied as denied:
                log.warning("the rule's target is not invoked: %s", denied.message)
                return None
        return inner(target, event, rule, *more)

    return invoke_target
