"""The experiments as AppConfig delivers them, read in the background: no read waits for AppConfig, or fails with it.

Until something was delivered, and where what was delivered makes no sense, the document that was packaged with the
code holds; after that the last one that was understood, however long AppConfig is away.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lambdas.shared import core
from lambdas.shared.assignment import Document

# After a fault: a frozen sandbox loses its connections, which says nothing about AppConfig.
RETRY_SECONDS = 5.0
SOCKET_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """Ids of AppConfig's things, empty where nothing is delivered; `client` makes one of the service appconfigdata."""

    application: str
    environment: str
    profile: str
    poll_seconds: int
    client: Callable[[], Any]


class Settings(Protocol):
    """What a function's variables say of them."""

    @property
    def experiments_application(self) -> str: ...
    @property
    def experiments_environment(self) -> str: ...
    @property
    def experiments_profile(self) -> str: ...
    @property
    def experiments_poll_seconds(self) -> int: ...


def source_of(given: Settings) -> Source:
    return Source(
        application=given.experiments_application,
        environment=given.experiments_environment,
        profile=given.experiments_profile,
        poll_seconds=given.experiments_poll_seconds,
        client=make_client,
    )


@dataclass(frozen=True)
class Version:
    """A document and what it is called: AppConfig's label of it, or none of the packaged one."""

    document: Document
    label: str = ""


class Delivered:
    """`understand` raises ValueError for a document that can't be used. One poll runs at a time."""

    def __init__(
        self,
        *,
        source: Source,
        packaged: Document,
        understand: Callable[[Any], None],
        clock: Callable[[], float],
        report: Callable[[str, Exception], None],
    ) -> None:
        self._source, self._understand, self._clock, self._report = source, understand, clock, report
        self._current = Version(packaged)
        self._due = clock()
        self._polling = threading.Lock()
        self._client: Any = None
        self._token: str | None = None
        self._wait, self._told = RETRY_SECONDS, ""

    def current(self) -> Version:
        """What holds now. Begins a poll where one is due, and waits for none."""
        due = self._source.application and self._clock() >= self._due
        if due and self._polling.acquire(blocking=False):
            threading.Thread(target=self._poll, name="poll-experiments", daemon=True).start()
        return self._current

    def first(self, *, within: float) -> Version:
        """The document for a start, which can wait: so that a stopped variant doesn't come back for a moment."""
        self.current()
        if self._polling.acquire(timeout=within):
            self._polling.release()
        return self._current

    def _poll(self) -> None:
        try:
            text, label = self._fetch()
            self._due, self._wait = self._clock() + self._source.poll_seconds, RETRY_SECONDS
            if text:  # none where nothing changed
                self._take(text, label)
        except Exception as error:  # whatever it is, readers have a document
            self._failed(error)
        finally:
            self._polling.release()

    def _failed(self, error: Exception) -> None:
        """Asks again soon, and then less and less often: where nothing was delivered yet, AppConfig refuses each poll.

        The same fault is told once.
        """
        wait = min(self._wait, self._source.poll_seconds)
        self._token, self._due, self._wait = None, self._clock() + wait, 2 * wait
        text = f"{type(error).__name__}: {error}"
        if text != self._told:
            self._told = text
            self._report("experiments", error)

    def _take(self, text: bytes, label: str) -> None:
        document = json.loads(text)
        self._understand(document)
        self._current = Version(document, label)

    def _fetch(self) -> tuple[bytes, str]:
        """Raises what AppConfig refuses; a token is good for one call, so a new session begins then."""
        source = self._source
        if self._client is None:
            self._client = source.client()
        if self._token is None:
            session = self._client.start_configuration_session(
                ApplicationIdentifier=source.application,
                EnvironmentIdentifier=source.environment,
                ConfigurationProfileIdentifier=source.profile,
                RequiredMinimumPollIntervalInSeconds=source.poll_seconds,
            )
            self._token = session["InitialConfigurationToken"]
        token, self._token = self._token, None
        answer = self._client.get_latest_configuration(ConfigurationToken=token)
        body = answer["Configuration"].read()
        self._token = answer["NextPollConfigurationToken"]
        return body, answer.get("VersionLabel") or ""


def make_client() -> Any:
    """A client without second attempts: the next poll is one."""
    return core.client(
        "appconfigdata",
        connect_timeout=SOCKET_SECONDS,
        read_timeout=SOCKET_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
