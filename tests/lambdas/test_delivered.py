"""Experiments out of AppConfig: readers never wait for it, and a ramp that grows reassigns nobody."""

from __future__ import annotations

import copy
import io
import json
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from config import serving
from config.settings import Settings
from lambdas.shared.assignment import Unit, assigned, point
from lambdas.shared.delivered import RETRY_SECONDS, Delivered, Source
from lambdas.shared.experiment_rules import Broken, Known, check
from tests import example

DOCUMENT: dict[str, Any] = json.loads(
    json.dumps(
        serving.content(Settings.model_validate({**example.content(), "experiments": example.experiments()}))[
            "experiments"
        ]
    )
)
NAME = DOCUMENT["experiments"][0]["name"]
KNOWN = Known(frozenset({"personal", "related", "popular"}), frozenset({"home", "product", "cart"}))


class AppConfig:
    """Sessions whose tokens are good for one call each, and a document that is read once until it changes."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.version, self.tokens, self.calls = 0, {""}, 0
        self.before: Callable[[], None] = lambda: None
        self.tokens.clear()

    def put(self, document: Any) -> None:
        self.content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.version += 1

    def start_configuration_session(self, **given: Any) -> dict[str, str]:
        assert given == {
            "ApplicationIdentifier": "app",
            "EnvironmentIdentifier": "env",
            "ConfigurationProfileIdentifier": "profile",
            "RequiredMinimumPollIntervalInSeconds": 45,
        }
        return {"InitialConfigurationToken": self._token(seen=0)}

    def _token(self, *, seen: int) -> str:
        token = f"{seen} {len(self.tokens)} {time.monotonic_ns()}"
        self.tokens.add(token)
        return token

    def get_latest_configuration(self, *, ConfigurationToken: str) -> dict[str, Any]:
        self.calls += 1
        self.before()
        self.tokens.remove(ConfigurationToken)  # KeyError for one that was used
        seen = int(ConfigurationToken.split()[0])
        body = self.content if self.content is not None and seen != self.version else b""
        return {
            "Configuration": io.BytesIO(body),
            "NextPollConfigurationToken": self._token(seen=self.version),
            "VersionLabel": f"v{self.version}",
        }


class World:
    def __init__(self) -> None:
        self.appconfig, self.now, self.reported = AppConfig(), 0.0, list[str]()
        source = Source(
            application="app",
            environment="env",
            profile="profile",
            poll_seconds=45,
            client=lambda: self.appconfig,
        )
        self.delivered = Delivered(
            source=source,
            packaged=DOCUMENT,
            understand=lambda document: check(document, KNOWN),
            clock=lambda: self.now,
            report=lambda source, error: self.reported.append(str(error)),
        )

    def poll(self, *, after: float = 0) -> dict[str, Any]:
        """What holds once the poll that is due by then has ended."""
        self.now += after
        return dict(self.delivered.first(within=5).document)


@pytest.fixture
def world() -> World:
    return World()


def changed(**experiment: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document["experiments"][0].update(experiment)
    return document


def test_what_the_configuration_makes_is_a_document_that_holds() -> None:
    check(DOCUMENT, KNOWN)
    check(json.loads(json.dumps(serving.content(example.settings())["experiments"])), KNOWN)


def test_until_something_is_delivered_the_packaged_document_holds(world: World) -> None:
    assert world.poll() == DOCUMENT and world.reported == []


def test_what_is_delivered_holds_and_a_change_within_the_poll(world: World) -> None:
    world.appconfig.put(changed(ramp=[["2026-12-01", 5]]))
    assert world.poll() == changed(ramp=[["2026-12-01", 5]])
    world.appconfig.put(DOCUMENT)
    assert world.poll(after=44)["experiments"][0]["ramp"] == [["2026-12-01", 5]]
    assert world.poll(after=1) == DOCUMENT
    assert world.delivered.current().label == "v2"
    assert world.appconfig.calls == 2


def failing() -> None:
    raise OSError("connection reset")


def test_what_was_delivered_outlives_appconfig(world: World) -> None:
    delivered = changed(stopped=["popular"])
    world.appconfig.put(delivered)
    world.poll()
    world.appconfig.before = failing
    for _ in range(20):
        assert world.poll(after=45) == delivered
    world.appconfig.before = lambda: None
    world.appconfig.put(DOCUMENT)
    assert world.poll(after=45) == DOCUMENT, "a new session, since the token may be used"
    assert world.reported == ["connection reset"]


def test_a_fault_is_asked_again_soon_and_then_less_and_less_often(world: World) -> None:
    """On AWS a poll before the first delivery is refused."""
    world.appconfig.before = failing
    polls = []
    for second in range(400):
        before = world.appconfig.calls
        world.poll(after=1)
        polls += [second] * (world.appconfig.calls - before)
    waits = [later - earlier for earlier, later in pairwise(polls)]
    assert waits[:4] == [RETRY_SECONDS, 2 * RETRY_SECONDS, 4 * RETRY_SECONDS, 8 * RETRY_SECONDS]
    assert set(waits[4:]) == {45}


def test_a_fault_of_days_is_asked_about_as_seldom_as_ever(world: World) -> None:
    """A number that doubles with every fault is too large to be a time after half a day."""
    world.appconfig.before = lambda: (_ for _ in ()).throw(OSError("away"))
    for _ in range(1_200):
        world.poll(after=45)
    calls = world.appconfig.calls
    assert calls == 1_200
    world.poll(after=1)
    assert world.appconfig.calls == calls


def test_no_read_waits_for_appconfig(world: World) -> None:
    held = threading.Event()
    world.appconfig.before = lambda: held.wait(5) and None
    world.appconfig.put(changed(stopped=["popular"]))
    took = []
    for _ in range(200):
        began = time.perf_counter()
        assert world.delivered.current().document == DOCUMENT
        took.append(time.perf_counter() - began)
        world.now += 45
    held.set()
    assert sum(took) < 1, "one poll is begun, and none is waited for"
    assert world.appconfig.calls == 1


BROKEN: dict[str, Any] = {
    "no JSON": b"{",
    "cut off": json.dumps(DOCUMENT).encode()[:-40],
    "a list": [],
    "null": None,
    "a key too many": {**DOCUMENT, "more": 1},
    "no holdout": {k: v for k, v in DOCUMENT.items() if k != "holdout"},
    "a holdout of everybody": {**DOCUMENT, "holdout": {"version": "0" * 8, "percent": 100}},
    "a holdout that is true": {**DOCUMENT, "holdout": {"version": "0" * 8, "percent": True}},
    "an unknown placement": {**DOCUMENT, "layers": {"home": ["hme"]}},
    "a placement in two layers": {**DOCUMENT, "layers": {"home": ["home"], "b": ["home"]}},
    "an experiment twice": {**DOCUMENT, "experiments": DOCUMENT["experiments"] * 2},
    "a layer that isn't": changed(layer="nowhere"),
    "weights of 90": changed(variants=[{"name": "control", "weight": 50}, {"name": "popular", "weight": 40}]),
    "one variant": changed(variants=[{"name": "control", "weight": 100}]),
    "a variant twice": changed(
        variants=[{"name": "a", "weight": 50}, {"name": "a", "weight": 50}], testers={}
    ),
    "an unknown list": changed(
        variants=[{"name": "control", "weight": 50}, {"name": "popular", "weight": 50, "solution": "ppular"}]
    ),
    "a weight that is a text": changed(
        variants=[{"name": "control", "weight": 50}, {"name": "popular", "weight": "50"}]
    ),
    "a ramp that falls": changed(ramp=[["2026-12-01", 50], ["2026-12-02", 10]]),
    "a ramp that goes back in time": changed(ramp=[["2026-12-02", 10], ["2026-12-01", 50]]),
    "no ramp": changed(ramp=[]),
    "a ramp of 200": changed(ramp=[["2026-12-01", 200]]),
    "a day that no calendar has": changed(starts="2026-02-30"),
    "an end before the start": changed(ends="2020-01-01"),
    "slots backwards": changed(slots=[50, 20]),
    "slots beyond": changed(slots=[0, 101]),
    "a tester of no variant": changed(testers={"u1": "nothing"}),
    "a stop of no variant": changed(stopped=["nothing"]),
    "a target of a text": changed(target={"attributes": {"AGE": "25"}, "states": []}),
    "an unknown state": changed(target={"attributes": {}, "states": ["asleep"]}),
    "two on the same users": {
        **DOCUMENT,
        "experiments": [*DOCUMENT["experiments"], {**DOCUMENT["experiments"][0], "name": "other"}],
    },
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_document_changes_nothing_and_is_reported(world: World, what: str) -> None:
    delivered = changed(stopped=["popular"])
    world.appconfig.put(delivered)
    world.poll()
    world.appconfig.put(BROKEN[what])
    assert world.poll(after=45) == delivered
    assert world.reported and world.appconfig.calls == 2
    if not isinstance(BROKEN[what], bytes):
        with pytest.raises(Broken):
            check(copy.deepcopy(BROKEN[what]), KNOWN)


def variants(document: Any, users: range, *, day: str = "2026-12-05") -> dict[int, str]:
    found: dict[int, str] = {}
    for user in users:
        for one in assigned(document, placement="home", unit=Unit(id=f"u{user}", attributes={}), day=day):
            if one.experiment == NAME:
                found[user] = one.variant
    return found


def test_a_ramp_of_ten_steps_while_readers_read_reassigns_nobody(world: World) -> None:
    """Each reader asks for what holds at each read, as the function does; 3,000 users here, 100,000 by night."""
    _ramp(world, users=range(3_000))


@pytest.mark.nightly
def test_a_ramp_of_ten_steps_reassigns_none_of_100_000_users(world: World) -> None:
    _ramp(world, users=range(100_000))


def _ramp(world: World, *, users: range) -> None:
    before: dict[int, str] = {}
    errors: list[BaseException] = []
    ended = threading.Event()
    readers = [threading.Thread(target=_read, args=(world, ended, errors)) for _ in range(4)]
    for reader in readers:
        reader.start()
    for percent in (1, 2, 5, 10, 20, 40, 60, 80, 90, 100):
        world.appconfig.put(changed(ramp=[["2026-12-01", percent]]))
        now = variants(world.poll(after=45), users)
        assert all(now[user] == variant for user, variant in before.items()), "who is in stays where they are"
        assert len(now) == pytest.approx(len(users) * percent / 100, rel=0.4)
        before = now
    ended.set()
    for reader in readers:
        reader.join(5)
    held = [user for user in users if point("holdout", f"u{user}") < 0.05]
    assert len(before) == len(users) - len(held) and errors == []


def _read(world: World, ended: threading.Event, errors: list[BaseException]) -> None:
    try:
        while not ended.is_set():
            variants(world.delivered.current().document, range(20))
            time.sleep(0.001)
    except BaseException as error:
        errors.append(error)


def test_a_stopped_variant_is_nobody_s_and_the_others_stay() -> None:
    users = range(400)
    before, after = variants(DOCUMENT, users), variants(changed(stopped=["popular"]), users)
    assert set(before.values()) == {"control", "popular"}
    assert after == {user: variant for user, variant in before.items() if variant == "control"}
