"""Streamed records: order, positions, sessions and deletion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.personalize.streams import Streams, read_lines, with_sessions_joined

ARN = "arn:aws:personalize:r:1:dataset/g/INTERACTIONS"


@pytest.fixture
def streams(tmp_path: Path) -> Streams:
    return Streams(tmp_path)


def row(user: str, item: str, session: str = "s") -> dict[str, Any]:
    return {"USER_ID": user, "ITEM_ID": item, "EVENT_TYPE": "click", "TIMESTAMP": 1, "_SESSION": session}


def items(streams: Streams, user: str, after: int = 0) -> list[str]:
    return [event.item_id for event in streams.recent(ARN, user, after=after)]


def test_events_after_a_position_are_found_again_after_a_restart(streams: Streams, tmp_path: Path) -> None:
    streams.append(ARN, [row("u", "a"), row("v", "b")])
    position = streams.count(ARN)
    streams.append(ARN, [row("u", "c")])
    for one in (streams, Streams(tmp_path)):
        assert one.count(ARN) == 3
        assert items(one, "u") == ["a", "c"]
        assert items(one, "u", after=position) == ["c"]
        assert one.touched(ARN, after=position) == [("u", "c", "click")]


def test_a_line_that_was_cut_off_is_no_record(streams: Streams) -> None:
    streams.append(ARN, [row("u", "a")])
    with streams.path(ARN).open("a") as lines:
        lines.write('{"USER_ID": "u", "ITEM')
    assert len(list(read_lines(streams.path(ARN)))) == 1


def test_a_session_becomes_the_user_s_when_they_sign_in(streams: Streams) -> None:
    streams.append(ARN, [row("s1", "a", "s1"), row("s2", "x", "s2")])
    assert items(streams, "s1") == ["a"]
    streams.append(ARN, [row("u", "b", "s1")])
    assert items(streams, "u") == ["a", "b"]
    joined = with_sessions_joined(read_lines(streams.path(ARN)))
    assert [one["USER_ID"] for one in joined] == ["u", "s2", "u"]


def test_deleted_users_take_their_sessions_along_and_positions_stay(streams: Streams) -> None:
    streams.append(ARN, [row("s1", "a", "s1"), row("v", "b"), row("u", "c", "s1")])
    assert streams.delete_users(ARN, {"u"}) == 2
    assert streams.count(ARN) == 3
    assert [items(streams, user) for user in ("u", "s1", "v")] == [[], [], ["b"]]
    assert streams.delete_users(ARN, {"u"}) == 0
