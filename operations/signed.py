"""Signed requests to the deployed API."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from clients.python.osusume_client import Client
from clients.python.osusume_sigv4 import SigV4
from operations.place import Place

API_URL = "OSUSUME_API_URL"  # where the API answers, if not where the stack says
SECONDS = 15


def get(place: Place, *path: str, results: int = 10) -> tuple[int, dict[str, Any]]:
    """(status, answer); `path` in parts, which are percent-encoded."""
    return send(place, "GET", *path, query=f"?numResults={results}")


def send(place: Place, method: str, *path: str, query: str = "") -> tuple[int, dict[str, Any]]:
    """(status, answer) of any method."""
    url = f"{base(place)}/{'/'.join(quote(part, safe='') for part in path)}{query}"
    request = AWSRequest(method=method, url=url)
    credentials = place.session.get_credentials().get_frozen_credentials()
    SigV4Auth(credentials, "execute-api", place.settings.region).add_auth(request)
    return _answered(url, dict(request.headers), method=method)


def unsigned(place: Place, *path: str) -> tuple[int, dict[str, Any]]:
    """(status, answer) to a caller without credentials."""
    return _answered(f"{base(place)}/{'/'.join(quote(part, safe='') for part in path)}", {})


def _answered(url: str, headers: dict[str, str], *, method: str = "GET") -> tuple[int, dict[str, Any]]:
    try:
        request = urllib.request.Request(url, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, {"message": error.read().decode(errors="replace")}


def client(place: Place) -> Client:
    """The typed client, as an application has it."""
    auth = SigV4(place.settings.region, place.session.get_credentials())
    return Client(base(place), timeout=httpx.Timeout(SECONDS), httpx_args={"auth": auth})


def base(place: Place) -> str:
    """Where the API answers, without a slash at its end."""
    if given := os.environ.get(API_URL):
        return given.rstrip("/")
    name = place.names.parameter("serving/api-url")
    return str(place.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]).rstrip("/")
