"""An operation answers the errors that its API reference knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from osusume_endpoint.errors import ApiError
from osusume_endpoint.personalize import responses
from osusume_endpoint.personalize.errors import in_use


@dataclass
class Context:
    service: str
    operation: str


def busy(*_: Any) -> dict[str, Any]:
    raise in_use("Campaign c is in the state CREATE PENDING.")


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("personalize-runtime", "GetRecommendations", "InvalidInputException"),
        ("personalize-runtime", "GetActionRecommendations", "InvalidInputException"),
        ("personalize-events", "PutEvents", "InvalidInputException"),
        ("personalize", "CreateFilter", "InvalidInputException"),
        ("personalize-events", "PutItems", "ResourceInUseException"),
        ("personalize", "CreateCampaign", "ResourceInUseException"),
    ],
)
def test_what_is_not_ready_is_refused_by_a_documented_error(service: str, operation: str, code: str) -> None:
    call = responses.bound(None, {operation: busy})[operation]  # type: ignore[arg-type]
    with pytest.raises(ApiError) as caught:
        call(Context(service, operation), {})  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.message) == (code, "Campaign c is in the state CREATE PENDING.")
