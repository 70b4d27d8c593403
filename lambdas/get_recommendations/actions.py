"""What to propose to a user, asked of a campaign: Personalize has no batch inference for actions.

Developer guide, "Next-Best-Action recipe": GetActionRecommendations alone answers it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.store import FRESH_SECONDS, Store
from lambdas.shared import core

SOCKET_SECONDS = 0.5  # the request's own deadline comes first: this ends what nobody waits for any more


class NothingOffered(Exception):
    """No campaign could be asked, or it didn't answer as one does."""


@dataclass(frozen=True)
class Offered:
    """`actions`: (id, score), best first. `version`: id of the solution version that was asked."""

    actions: tuple[tuple[str, float | None], ...] = ()
    version: str | None = None
    recommendation_id: str | None = None
    degraded: bool = False


@dataclass
class Actions:
    """`make_client` is asked once, at the first read. `report` is told each fault."""

    solution: str
    store: Store
    patience: Patience
    clock: Callable[[], float]
    make_client: Callable[[], Any]
    report: Callable[[str, Exception], None]
    breaker: Breaker = field(init=False)
    _client: Any = None
    _campaign: tuple[str, str] | None = None
    _read_at: float = -math.inf

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.clock)

    def of(self, user: str, *, count: int) -> Offered:
        """Empty and degraded for whatever goes wrong: nothing can stand in for an offer."""
        self.patience.begin()
        try:
            campaign, version = self._known()
            answer = self._asked(campaign, user, count)
            return Offered(_actions(answer), version, str(answer["recommendationId"]))
        except Exception as error:  # a parser's own errors too: no reader may ever see one
            self.report("actions", error)
            return Offered(degraded=True)

    def client(self) -> Any:
        if self._client is None:
            self._client = self.make_client()
        return self._client

    def _known(self) -> tuple[str, str]:
        """(ARN of the campaign, id of its solution version); an older answer stands in for a store that fails."""
        if self.clock() - self._read_at < FRESH_SECONDS and self._campaign:
            return self._campaign
        try:
            self._campaign = _campaign(self.store.get(f"pointer#{self.solution}", "campaign"))
            self._read_at = self.clock()
        except Exception as error:
            if self._campaign is None:
                raise
            self.report("campaign", error)
        return self._campaign

    def _asked(self, campaign: str, user: str, count: int) -> Mapping[str, Any]:
        if not self.breaker.allows():
            raise NothingOffered("the breaker is open")
        client = self.client()
        asked = {"campaignArn": campaign, "userId": user, "numResults": count}
        try:
            answer = self.patience.wait_for(lambda: client.get_action_recommendations(**asked))
            answer["actionList"], answer["recommendationId"]
        except Exception:
            self.breaker.failed()
            raise
        self.breaker.succeeded()
        return dict(answer)


def _campaign(item: Mapping[str, Any] | None) -> tuple[str, str]:
    if item is None:
        raise NothingOffered("no run has made a campaign yet")
    return item["campaign_arn"]["S"], item["solution_version_arn"]["S"].rpartition("/")[2]


def _actions(answer: Mapping[str, Any]) -> tuple[tuple[str, float | None], ...]:
    found = tuple((str(one["actionId"]), one.get("score")) for one in answer["actionList"])
    if not all(action and (score is None or math.isfinite(score)) for action, score in found):
        raise NothingOffered("an action has no id, or a score that is no number")
    return found


def body(offered: Offered, *, solution: str, name: str) -> dict[str, Any]:
    """`name`: id of the answer where Personalize gave none."""
    return {
        "recommendationId": offered.recommendation_id or name,
        "actions": [
            {"actionId": action, "score": score, "position": place}
            for place, (action, score) in enumerate(offered.actions, start=1)
        ],
        "solution": solution,
        "version": offered.version,
        "degraded": offered.degraded,
    }


@lru_cache(maxsize=1)
def reader(
    store: Store, patience: Patience, report: Callable[[str, Exception], None], solution: str
) -> Actions:
    """The one of the process: its client, its breaker and what it knows of the campaign live as long as the store."""
    return Actions(solution, store, patience, time.monotonic, make_client, report)


def make_client() -> Any:
    return core.client(
        "personalize-runtime",
        connect_timeout=SOCKET_SECONDS,
        read_timeout=SOCKET_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
    )
