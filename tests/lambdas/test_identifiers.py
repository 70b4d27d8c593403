"""An id of the application, through a client's URL and a REST API, to the function: the same id, whatever it is."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.get_recommendations import routes
from lambdas.shared.problems import BadRequest
from osusume_endpoint.apigateway.plugin import undecoded

STAGE = "/_aws/execute-api/a1b2c3/dev"
# Control characters are no id's: the function refuses them.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\x7f"])
IDENTIFIERS = st.text(CHARACTERS, min_size=1, max_size=256)
AWKWARD = [
    "/a",
    "a/",
    "a%2Fb",
    "%41",
    "a%20b",
    "a b",
    "a/b",
    "a+b",
    "100%",
    "%",
    "%25",
    "?",
    "#",
    "..",
    "日本/鮨",
    "é",
]


def received(identifier: str, *, resource: str) -> str:
    """What the function makes of it. The server decodes whole paths before anybody routes them."""
    sent = resource.replace("{}", quote(identifier, safe=""))
    path = undecoded(STAGE + sent, unquote(sent))
    segments = path.strip("/").split("/")
    assert len(segments) == 4 and [segments[0], segments[1], segments[3]] == [
        part for part in resource.strip("/").split("/") if part != "{}"
    ]
    return routes.identifier("userId", segments[2])


@pytest.mark.parametrize("resource", ["/v1/users/{}/recommendations", "/v1/items/{}/related"])
@settings(max_examples=300)
@given(identifier=IDENTIFIERS | st.sampled_from(AWKWARD))
def test_an_identifier_arrives_as_it_is(resource: str, identifier: str) -> None:
    assert received(identifier, resource=resource) == identifier


@pytest.mark.parametrize("identifier", AWKWARD)
def test_awkward_identifiers_arrive_as_they_are(identifier: str) -> None:
    assert received(identifier, resource="/v1/users/{}/recommendations") == identifier


@pytest.mark.parametrize("sent", ["%FF", "a%C3", "%ED%A0%80"])
def test_bytes_that_are_no_text_are_refused_and_not_taken_for_another_id(sent: str) -> None:
    with pytest.raises(BadRequest, match="userId is not UTF-8"):
        routes.identifier("userId", sent)
