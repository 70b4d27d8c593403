"""What a user did lately, for rules: one item of DynamoDB a user, one set of texts `<letter>|<epoch seconds>|<item>`.

A set, because adding to it is one write that needs no read before it, and adding the same twice is adding it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KEPT_DAYS = 180
MOST_DEEDS = 600  # of a user; the oldest go, showings first
DAY = 86_400
# Event type of the API -> its letter. What says nothing about an item's place in a list has none.
LETTERS: Mapping[str, str] = {
    "impression": "s",
    "click": "c",
    "start": "c",
    "progress": "c",
    "favourite": "c",
    "purchase": "b",
    "dismiss": "d",
    "undo": "u",
}
_KNOWN = frozenset(LETTERS.values())
_DEEDS = frozenset("cb")  # which say that the user was there and liked something


class CorruptState(ValueError):
    """What the table holds is no set of deeds."""


@dataclass(frozen=True)
class UserState:
    """Item -> epoch seconds, ascending for showings, the newest for the others.

    `since`: the earliest click or purchase that is kept.
    """

    shown: Mapping[str, list[int]] = field(default_factory=dict)
    clicked: Mapping[str, int] = field(default_factory=dict)
    bought: Mapping[str, int] = field(default_factory=dict)
    dismissed: Mapping[str, int] = field(default_factory=dict)
    undone: Mapping[str, int] = field(default_factory=dict)
    since: int | None = None


def deed(event_type: str, item: str, at: int) -> str | None:
    """The text of an event on an item; None for a type that no rule looks at."""
    letter = LETTERS.get(event_type)
    return f"{letter}|{at}|{item}" if letter else None


def decode(attributes: Mapping[str, Any] | None) -> UserState:
    """The state that a user's item holds; empty where there is none. Raises CorruptState."""
    if attributes is None or "deeds" not in attributes:
        return UserState()
    try:
        texts = attributes["deeds"]["SS"]
        found = [_parts(text) for text in texts]
    except (KeyError, TypeError) as error:
        raise CorruptState(f"deeds are no set of texts: {error!r}") from None
    deeds = [at for letter, at, _ in found if letter in _DEEDS]
    state = UserState({}, {}, {}, {}, {}, since=min(deeds, default=None))
    newest = {"c": state.clicked, "b": state.bought, "d": state.dismissed, "u": state.undone}
    for letter, at, item in sorted(found, key=lambda one: one[1]):
        if letter == "s":
            state.shown.setdefault(item, []).append(at)  # type: ignore[attr-defined]
        else:
            newest[letter][item] = at  # type: ignore[index]
    return state


def _parts(text: str) -> tuple[str, int, str]:
    try:
        letter, at, item = text.split("|", 2)
        found = letter, int(at), item
    except (ValueError, AttributeError):
        raise CorruptState(f"{text!r:.80} is no deed") from None
    if letter not in _KNOWN or found[1] < 0 or not item:
        raise CorruptState(f"{text!r:.80} is no deed")
    return found


def _worth(text: str) -> tuple[bool, int]:
    letter, at, _ = _parts(text)
    return letter != LETTERS["impression"], at


def spare(deeds: Iterable[str], *, now: int) -> list[str]:
    """The deeds of a user that no rule looks at any more, and of too many the oldest, showings before all others.

    Each read may show a hundred items: what the user did would soon be gone.
    """
    ordered = sorted(deeds, key=_worth, reverse=True)
    old = [text for text in ordered if _parts(text)[1] < now - KEPT_DAYS * DAY]
    return list(dict.fromkeys([*old, *ordered[MOST_DEEDS:]]))
