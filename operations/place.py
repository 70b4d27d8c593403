"""Where a command acts: the environment, its account and region, and the credentials that reach them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from config.names import Names
from config.settings import Settings, load

ENDPOINT = "AWS_ENDPOINT_URL"  # read by boto3 itself


class Refused(RuntimeError):
    """A command that can't be carried out; the message names the cure. Nothing was changed."""


@dataclass(frozen=True)
class Place:
    """An environment that credentials reach."""

    settings: Settings
    session: Any = None

    @property
    def names(self) -> Names:
        return self.settings.names

    @property
    def retains(self) -> bool:
        return self.settings.removal == "retain"

    def client(self, service: str) -> Any:
        return _client(self.session, service)

    @property
    def header(self) -> str:
        """The first line of every command."""
        where = os.environ.get(ENDPOINT) or "AWS"
        settings = self.settings
        return f"account {settings.account}, region {settings.region}, environment {settings.environment}, {where}"


@cache
def _client(session: Any, service: str) -> Any:
    return session.client(service)


def reached(environment: str) -> Place:
    """Raises ConfigError, and Refused where the credentials are none or another account's."""
    settings = load(environment)
    place = Place(settings, _session(settings.region))
    try:
        account = place.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"No credentials of account {settings.account}: {error}: sign in to it") from error
    if account != settings.account:
        raise Refused(
            f"The credentials are of account {account}, environment {environment} is in {settings.account}: "
            "sign in to that account, or correct `account` in its file"
        )
    return place


def _session(region: str) -> boto3.Session:
    core = get_session()
    if os.environ.get(ENDPOINT):
        # Step Functions puts `sync-` before the host of some calls, which no name server knows of an address.
        core.set_default_client_config(Config(inject_host_prefix=False))
    return boto3.Session(botocore_session=core, region_name=region)


def confirm(place: Place, *, what: str, given: str = "", ask: Callable[[str], str] = input) -> None:
    """Asks for the environment's name before what can't be undone; `given` answers beforehand. Raises Refused."""
    name = place.settings.environment
    try:
        answer = given or ask(f"{what}. Type the environment's name to go on: ")
    except EOFError:
        answer = ""
    if answer.strip() != name:
        raise Refused(f"Nothing was done: the answer was {answer.strip()!r} and not {name!r}")


def confirm_on_aws(place: Place, *, what: str, given: str = "", ask: Callable[[str], str] = input) -> None:
    """Asks as `confirm` does, but where another endpoint stands for AWS. Raises Refused."""
    if not os.environ.get(ENDPOINT):
        confirm(place, what=what, given=given, ask=ask)


def absent(error: ClientError) -> bool:
    """Whether AWS says that there is no such thing: which is what whoever removes it wants."""
    response = error.response["Error"]
    code, message = response["Code"], response.get("Message", "")
    return (
        code.startswith(("NoSuch", "404"))
        or "NotFound" in code
        or code.endswith("DoesNotExist")
        or (code == "ValidationError" and "does not exist" in message)
    )


def say(line: str) -> None:
    print(line, flush=True)


def complain(line: object) -> None:
    print(line, file=sys.stderr, flush=True)
