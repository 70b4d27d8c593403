"""A build's log in CloudWatch Logs, written as the service role, as CodeBuild writes it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

BATCH = 1000  # events of one PutLogEvents
SECONDS = 1.0  # between two, at most


class LogRefused(Exception):
    """The service role may not write it."""


class BuildLog:
    """Raises LogRefused where the role may not make the stream."""

    def __init__(self, client: Any, *, group: str, stream: str) -> None:
        self._client, self.group, self.stream = client, group, stream
        self._lines: list[tuple[int, str]] = []
        self._sent = time.monotonic()
        self._lock = threading.Lock()
        self._made()

    def _made(self) -> None:
        names = {"logGroupName": self.group, "logStreamName": self.stream}
        try:
            self._client.create_log_stream(**names)
        except self._client.exceptions.ResourceNotFoundException:
            self._with_group(names)
        except ClientError as error:
            raise LogRefused(str(error)) from None

    def _with_group(self, names: Mapping[str, str]) -> None:
        try:
            self._client.create_log_group(logGroupName=self.group)
            self._client.create_log_stream(**names)
        except ClientError as error:
            raise LogRefused(str(error)) from None

    def write(self, line: str) -> None:
        with self._lock:
            self._lines.append((int(time.time() * 1000), line or " "))
            due = len(self._lines) >= BATCH or time.monotonic() - self._sent > SECONDS
        if due:
            self.flush()

    def flush(self) -> None:
        with self._lock:
            events = [{"timestamp": moment, "message": line} for moment, line in self._lines]
            self._lines, self._sent = [], time.monotonic()
        if events:
            self._client.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=events)

    def close(self) -> None:
        self.flush()

    def location(self, *, region: str, account: str) -> dict[str, Any]:
        """LogsLocation of the build."""
        arn = f"arn:aws:logs:{region}:{account}:log-group:{self.group}:log-stream:{self.stream}"
        where = f"group={quote(self.group, safe='')};stream={quote(self.stream, safe='')}"
        return {
            "groupName": self.group,
            "streamName": self.stream,
            "deepLink": f"https://console.aws.amazon.com/cloudwatch/home?region={region}#logEvent:{where}",
            "cloudWatchLogsArn": arn,
            "cloudWatchLogs": {"status": "ENABLED", "groupName": self.group},
        }
