"""Writes the lists of some publish files under a version that nobody reads (yet, or any more).

Twice is the same as once. What may be read has no expiry; a version that gave way is written again with one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from lambdas.publish_recommendations import lists, writer
from lambdas.publish_recommendations.environment import Environment
from lambdas.shared import environment, events
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    answer = run(
        event,
        s3=client("s3"),
        dynamodb=writing_client(),
        settings=settings(),
        sleep=time.sleep,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    logger().info("published", extra={"list": event["list"], "version": event["version"], **answer})
    return answer


@cache
def writing_client() -> Any:
    """A client without botocore's own validation, which costs half of the CPU of a batch."""
    import boto3
    from botocore.config import Config

    return boto3.client("dynamodb", config=Config(parameter_validation=False))


def run(
    event: dict[str, Any],
    *,
    s3: Any,
    dynamodb: Any,
    settings: Environment,
    sleep: Callable[[float], object],
    seconds_left: Callable[[], float],
) -> dict[str, Any]:
    """{written}. `expiry` of the event (epoch seconds) makes the lists expire.

    `seconds_left` is what the function's time-out leaves.
    """
    version = events.text(event, "version")
    put = partial(
        writer.write,
        dynamodb,
        table=settings.recommendations_table,
        sleep=sleep,
        seconds_left=seconds_left,
    )
    expires_at = events.optional_number(event, "expiry")
    written = 0
    for key in events.texts(event, "keys"):
        found = lists.items(
            s3.get_object(Bucket=events.text(event, "bucket"), Key=key)["Body"].read(),
            source=key,
            expected=events.text(event, "list"),
            version=version,
            expires_at=expires_at,
        )
        for batch in lists.batches(found, writer.BATCH):
            written += put(items=batch)
    return {"written": written}
