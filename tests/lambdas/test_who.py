"""Who asks: states at their borders, of what the run and the user's own state say, and of what nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from config.business import UserStates
from lambdas.get_recommendations.who import Who, who
from lambdas.shared.user_state import DAY, UserState, decode

NOW = 1_764_000_000
GIVEN = UserStates(just_bought_days=2, new_days=14, lapsed_days=60).model_dump()


def since(days: float) -> int:
    return NOW - round(days * DAY)


def text(days: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(since(days), UTC).strftime("%Y-%m-%d %H:%M:%S")


def deeds(*given: tuple[str, float]) -> UserState:
    texts = [f"{letter}|{since(days)}|i{n}" for n, (letter, days) in enumerate(given)]
    return decode({"deeds": {"SS": texts}} if texts else None)


def state_of(profile: Any, *given: tuple[str, float], listed: bool = True) -> str | None:
    return who(profile, deeds(*given), listed=listed, given=GIVEN, now=NOW).state


@pytest.mark.parametrize(
    ("profile", "given", "state"),
    [
        # As the run knew: first and last purchase, days ago.
        ({"first": 300, "last": 1.99}, [], "just_bought"),
        ({"first": 300, "last": 2}, [], "active"),
        ({"first": 13.9, "last": 10}, [], "new"),
        ({"first": 14, "last": 10}, [], "active"),
        ({"first": 300, "last": 59.9}, [], "active"),
        ({"first": 300, "last": 60}, [], "lapsed"),
        ({}, [], "new"),
        # As the events say since.
        ({}, [("b", 1.0)], "just_bought"),
        ({}, [("c", 13.0)], "new"),
        ({}, [("c", 20.0)], "active"),
        ({}, [("c", 100.0)], "lapsed"),
        ({}, [("s", 20.0), ("d", 20.0), ("u", 19.0)], "new"),
        # Both: the earliest and the latest of them count.
        ({"first": 300, "last": 100}, [("c", 3.0)], "active"),
        ({"first": 300, "last": 100}, [("b", 1.0)], "just_bought"),
        ({"first": 300, "last": 100}, [("s", 1.0), ("d", 1.0)], "lapsed"),
        ({"first": 300, "last": 1}, [("b", 100.0)], "just_bought"),
        ({"first": 5, "last": 5}, [("c", 20.0)], "active"),
    ],
)
def test_a_user_is_in_the_first_state_that_fits(profile: Any, given: Any, state: str) -> None:
    assert state_of({name: text(days) for name, days in profile.items()}, *given) == state


def test_of_whom_nothing_is_published_the_events_alone_decide() -> None:
    assert state_of(None, listed=False) == "new", "no run has a list for them"
    assert state_of(None, ("c", 20.0), listed=False) == "active"
    assert state_of(None, listed=True) is None, (
        "a run from before profiles: whether they bought it doesn't say"
    )
    assert state_of(None, ("c", 20.0), listed=True) == "active"


def test_whose_state_cannot_be_read_is_in_none_and_keeps_attributes() -> None:
    told = {"first": text(300), "last": text(1), "attributes": {"AGE": "25"}}
    assert who(told, None, listed=True, given=GIVEN, now=NOW) == Who({"AGE": "25"}, None)
