"""Reads the `Resource` of a Task state."""

from __future__ import annotations

import re
from dataclasses import dataclass

LAMBDA, SDK, OPTIMIZED, ACTIVITY = "lambda", "aws-sdk", "optimized", "activity"
SYNC, SYNC_JSON, CALLBACK = ".sync", ".sync:2", ".waitForTaskToken"

# Region and account may be anything: localstack's test_state/test_state_configuration.py has "your-region", recorded.
FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:[\w-]+:function:[\w-]+(:[\w$-]+)?")
SERVICE = re.compile(
    r"arn:aws[\w-]*:states:[\w-]*:\d*:(?P<sdk>aws-sdk:)?(?P<service>\w+):(?P<action>\w+)(?P<pattern>\..+)?"
)
ACTIVITY_ARN = re.compile(r"arn:aws[\w-]*:states:[\w-]+:\d{12}:activity:.+")


class ResourceSyntaxError(ValueError):
    """The text is no resource of a Task state."""


@dataclass(frozen=True)
class Resource:
    arn: str
    kind: str
    service: str
    action: str
    pattern: str | None = None

    @property
    def sync(self) -> bool:
        return self.pattern in (SYNC, SYNC_JSON)

    @property
    def callback(self) -> bool:
        return self.pattern == CALLBACK

    @property
    def event_details(self) -> dict[str, str]:
        """Type and resource in the Task events: `aws-sdk:s3` and `getObject`, `glue` and `startJobRun.sync`."""
        service = f"aws-sdk:{self.service}" if self.kind == SDK else self.service
        return {"resourceType": service, "resource": f"{self.action}{self.pattern or ''}"}


def parse(arn: str) -> Resource:
    if FUNCTION.fullmatch(arn):
        return Resource(arn=arn, kind=LAMBDA, service="lambda", action="invoke")
    if ACTIVITY_ARN.fullmatch(arn):
        return Resource(arn=arn, kind=ACTIVITY, service="states", action="activity")
    match = SERVICE.fullmatch(arn)
    if match is None or match["pattern"] not in (None, SYNC, SYNC_JSON, CALLBACK):
        raise ResourceSyntaxError(f"The resource provided {arn} is not recognized")
    kind = SDK if match["sdk"] else OPTIMIZED
    return Resource(arn, kind, match["service"], match["action"], match["pattern"])
