"""What `make smoke` looks at where readers have tokens of their own, which nobody who operates has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from clients.python.osusume_client import Client
from operations import signed, smoke
from operations.place import Place
from tests import example

JWT = {"issuer": "https://issuer.example", "audience": "shop"}
RUN = "20261124T030000Z"
REFUSED = {"type": "x", "title": "x", "status": 403, "detail": "not signed", "instance": "x"}


def place(**api: object) -> Place:
    return Place(example.settings(api=api))


def health(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response) -> list[str]:
    """Paths that were asked; everything is answered the same."""
    asked: list[str] = []

    def answered(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return answer

    @contextmanager
    def client(place: Place) -> Iterator[Client]:
        yield Client("https://api.example", httpx_args={"transport": httpx.MockTransport(answered)})

    monkeypatch.setattr(signed, "client", client)
    return asked


def look(given: Place) -> str:
    [name] = [name for name in smoke.looks(given) if "health" in name]
    return smoke.looks(given)[name](given)


def test_with_tokens_no_list_of_a_reader_is_asked_for_by_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = health(monkeypatch, httpx.Response(200, json={"status": "ok", "versions": {"personal": RUN}}))
    names = set(smoke.looks(place(jwt=JWT)))
    assert set(smoke.LOOKS) - names == {"personal lists", "popular list"}
    assert look(place(jwt=JWT)) == f"personal {RUN}" and asked == ["/v1/health"]


def test_without_tokens_all_is_looked_at_as_readers_see_it() -> None:
    assert set(smoke.looks(place())) == set(smoke.LOOKS)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(403, json=REFUSED), "403 .*not signed"),
        (httpx.Response(200, json={"status": "degraded", "versions": {}}), "says degraded"),
        (httpx.Response(200, json={"status": "ok", "versions": {}}), "0 lists"),
    ],
)
def test_a_store_that_is_not_well_is_wrong(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, said: str
) -> None:
    health(monkeypatch, answer)
    with pytest.raises(smoke.Wrong, match=said):
        look(place(jwt=JWT))
