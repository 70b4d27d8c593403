"""Puts the faults of the plan in the way of every call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from osusume_endpoint import requests, wire
from osusume_endpoint.calls import Call
from osusume_endpoint.faults import answers, connections, kills
from osusume_endpoint.faults.injector import Injector, Subject
from osusume_endpoint.faults.operations import operation_of, service_of
from osusume_endpoint.faults.plan import BROKEN, Plan, Rule

log = logging.getLogger("osusume.faults")

_current: list[Injector] = []


def current() -> Injector | None:
    return _current[0] if _current else None


def use(plan: Plan) -> Injector:
    """Replaces the plan; counts start at nothing."""
    injector = Injector(plan)
    _current[:] = [injector]
    return injector


def clear() -> None:
    _current.clear()


async def around(call: Call, proceed: Callable[[], Awaitable[wire.Response]]) -> wire.Response:
    injector = current()
    if injector is None:
        return await proceed()
    subject = Subject(service_of(call), operation_of(call), requests.current().arn)
    kills.called(injector, subject)
    rule = injector.rule_for(subject)
    if rule is None:
        return await proceed()
    log.warning("%s: %s:%s of %s", rule.kind, subject.service, subject.operation, subject.caller)
    if rule.kind in BROKEN:
        return await _unanswered(rule, proceed)
    return answers.answer(call, subject.operation, rule)


async def _unanswered(rule: Rule, proceed: Callable[[], Awaitable[wire.Response]]) -> wire.Response:
    if rule.performed:
        await proceed()
    if rule.kind == "timeout":
        await asyncio.sleep(rule.seconds)
    connections.reset()
    # Nobody reads this; the log of calls shows it.
    return 503, {"x-amzn-errortype": "NoAnswer"}, b""
