"""The API in this process: the read function's own code, on lists of one training."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from config import layout, serving
from config.settings import Settings
from lambdas.get_recommendations import placements
from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.fallback import Asked, Ranking, Recommender
from lambdas.get_recommendations.impressions import served_as
from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.store import Store
from lambdas.get_recommendations.table import Table
from lambdas.publish_recommendations import lists
from lambdas.shared.assignment import Assignment
from local.month import people
from local.month.people import People

SHOWN = 6
NEWCOMERS = 15  # one of so many users has no list: the fallback answers
PURCHASES = 6  # of each user before the month, to learn from
LISTS, STATES = "recommendations", "user-state"
PATIENCE_SECONDS = 30.0  # this machine's other work is no fault of the store


class NotServed(RuntimeError):
    """The read function fell back, which a month that is to be believed may not."""


@dataclass
class Memory:
    """The two tables of the read function, in memory: what it calls, with DynamoDB's answers."""

    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def batch_get_item(self, *, RequestItems: Mapping[str, Any], **_: str) -> dict[str, Any]:
        found: dict[str, list[dict[str, Any]]] = {}
        for table, asked in RequestItems.items():
            keys = [(key[layout.PK]["S"], key.get(layout.SK, {}).get("S", "")) for key in asked["Keys"]]
            found[table] = [self.items[key] for key in keys if table == LISTS and key in self.items]
        return {"Responses": found, "ConsumedCapacity": []}

    def publish(
        self,
        name: str,
        rows: Iterable[tuple[str, list[list[Any]]]],
        *,
        version: str,
        bought: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        for key, ranked in rows:
            known = {"bought": bought[key]} if bought and key in bought else {}
            line = json.dumps({"list": name, "key": key, "items": ranked, **known}).encode()
            item = lists.item(line, where=key, expected=name, version=version, expires_at=None)
            self.items[item[layout.PK]["S"], item[layout.SK]["S"]] = item
        pointer = layout.POINTER.of(list=name)
        self.items[pointer, layout.POINTER_SK] = {
            layout.PK: {"S": pointer},
            layout.SK: {"S": layout.POINTER_SK},
            "current": {"S": version},
        }


@dataclass(frozen=True)
class Answered:
    """Item ids, the first shown first, and how the answer came about."""

    items: list[str]
    served_as: str

    @classmethod
    def of(cls, ranking: Ranking) -> Answered:
        came = served_as(
            source=ranking.source,
            degraded=ranking.degraded,
            fallback=ranking.fallback,
            acted=ranking.acted,
        )
        return cls([entry.item for entry in ranking.entries[:SHOWN]], came)


@dataclass
class Reader:
    """What users are shown. Lists don't change within the month, so each is asked for once."""

    serving: placements.Serving
    recommender: Recommender
    _known: dict[tuple[str, str], Answered] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, memory: Memory) -> Reader:
        read = placements.read(json.loads(serving.text(settings)))
        patience = Patience(clock=time.monotonic, seconds=PATIENCE_SECONDS)
        table = Table(client=memory, breaker=Breaker(time.monotonic), patience=patience)
        store = Store(
            table=table, clock=lambda: 0.0, recommendations=LISTS, user_state=STATES, names=tuple(read.lists)
        )
        return cls(read, Recommender(store=store, patience=patience, report=_refused, now=time.time))

    def shown(self, user: str, *, placement: str, day: str) -> tuple[Answered, Assignment | None]:
        """What is shown, and the variant that the answer names. Raises NotServed."""
        plain = self.serving.placements[placement]
        variant, assignments = self.serving.in_variant(plain, user=user, day=day)
        if (user, placement) not in self._known:
            ranking = self.recommender.answer(Asked(placement=variant, user=user, wanted=SHOWN))
            self._known[user, placement] = Answered.of(ranking)
        return self._known[user, placement], assignments[-1] if assignments else None


def _refused(source: str, error: Exception) -> None:
    raise NotServed(f"{source}: {error}")


def trained(settings: Settings, crowd: People, *, until: int, seed: int) -> Memory:
    """One training of the engine for each solution whose lists are for users or for everyone."""
    from osusume_engine.data import TrainingData
    from osusume_engine.training import train

    memory, past = Memory(), _past(crowd, until=until, seed=seed)
    bought = _bought(past)
    known = [name for who, name in enumerate(crowd.names) if who % NEWCOMERS]
    for one in settings.solutions:
        if one.publishes != "lists" or one.for_each not in ("user", "everyone"):
            continue
        recipe = "aws-user-personalization-v2" if one.for_each == "user" else "aws-popularity-count"
        model = train(recipe=recipe, data=TrainingData(interactions=past))
        keys = known if one.for_each == "user" else ["everyone"]
        asked = known if one.for_each == "user" else crowd.names[:1]
        ranked = model.recommend_many(asked, num_results=25)
        memory.publish(
            one.name,
            (
                (key, [[found.id, found.score] for found in row])
                for key, row in zip(keys, ranked, strict=True)
            ),
            version="20260101T000000Z",
            bought=bought,
        )
    return memory


def _bought(past: pd.DataFrame) -> dict[str, dict[str, str]]:
    """User -> item -> when they bought it last, as a run publishes it beside their lists."""
    last = past.groupby(["USER_ID", "ITEM_ID"], as_index=False).TIMESTAMP.max()
    times = pd.to_datetime(last.TIMESTAMP, unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    found: dict[str, dict[str, str]] = {}
    for user, item, at in zip(last.USER_ID, last.ITEM_ID, times, strict=True):
        found.setdefault(user, {})[item] = at
    return found


def _past(crowd: People, *, until: int, seed: int) -> pd.DataFrame:
    """Purchases before the month, two of three in the favourite category. `until`: epoch seconds."""
    rng = np.random.default_rng((seed, 1))
    rows = []
    for who, name in enumerate(crowd.names):
        for n in range(PURCHASES):
            number = int(rng.integers(people.ITEMS))
            if n % 3:
                number += int(crowd.favourite[who]) - number % people.CATEGORIES
            rows.append((name, people.item(number), until - 86_400 * (PURCHASES - n)))
    return pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
