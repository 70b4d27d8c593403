"""Every page of a List or Describe call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from operations.place import Place, absent


def each(place: Place, service: str, operation: str, member: str, **arguments: Any) -> Iterator[Any]:
    """The elements of `member`, of all pages; none where what is asked about is not there."""
    client = place.client(service)
    try:
        for page in _pages(client, operation, arguments):
            yield from page.get(member, [])
    except ClientError as error:
        if not absent(error):
            raise


def _pages(client: Any, operation: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**arguments)
    else:
        yield getattr(client, operation)(**arguments)
