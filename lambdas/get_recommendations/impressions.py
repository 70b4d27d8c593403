"""What an answer shows, put into a queue once the answer is made.

A read waits for the queue so long as it is told and no longer; what the queue didn't take by then is a drop, which is
counted. A drop may have arrived all the same: the message's identity is the answer's, so nothing counts twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.rules import Acted
from lambdas.shared.assignment import Assignment
from lambdas.shared.direct import Direct

MOST_RULES = 20  # that a message names
OTHERS = "_others"  # no rule can be called so (config/business.py)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`start`: places of the ranking before the first of `items`. Testers' assignments are left out of the message.

    `served_as`: how the answer came about, as served_as() says it.
    """

    user: str
    recommendation: str
    placement: str | None
    start: int
    items: Sequence[str]
    assignments: Sequence[Assignment]
    served_as: str

    def message(self, *, at: float) -> str:
        """JSON in ASCII, since the queue refuses some characters that ids may have. `at`: epoch seconds."""
        return json.dumps(
            {
                "recommendationId": self.recommendation,
                "userId": self.user,
                "shownAt": round(at * 1000),
                "placement": self.placement,
                "start": self.start,
                "itemIds": list(self.items),
                "servedAs": self.served_as,
                "assignments": [
                    [one.experiment, one.version, one.variant, one.layer]
                    for one in self.assignments
                    if not one.tester
                ],
            },
            separators=(",", ":"),
        )


def served_as(*, source: str, degraded: bool, fallback: bool, acted: Iterable[Acted]) -> str:
    """`<source>;<degraded>;<fallback>;<rule>=<items>,...`, the flags 1 or 0: the transform of the log knows its form.

    A rule that acted on the list and on what filled it up stands there once. At most MOST_RULES are named, those that
    changed the most, so that the text is short whatever is configured; the items of the others are those of OTHERS.
    """
    items: dict[str, int] = {}
    for one in acted:
        items[one.rule] = items.get(one.rule, 0) + one.count
    ranked = sorted(items, key=lambda rule: -items[rule])
    named = {rule: items[rule] for rule in ranked[:MOST_RULES]}
    if left := sum(items[rule] for rule in ranked[MOST_RULES:]):
        named[OTHERS] = left
    return f"{source};{degraded:d};{fallback:d};" + ",".join(
        f"{rule}={count}" for rule, count in named.items()
    )


class Channel:
    """`send` puts a text into the queue; `patience` is this channel's own."""

    def __init__(
        self,
        *,
        send: Callable[[str], Any],
        breaker: Breaker,
        patience: Patience,
        report: Callable[[str, Exception], None],
    ) -> None:
        self._send, self._breaker, self._patience, self._report = send, breaker, patience, report

    def put(self, shown: Shown) -> bool:
        """Whether the queue took it. Never raises."""
        if not self._breaker.allows():
            return False
        text = shown.message(at=time.time())
        try:
            self._patience.begin()
            self._patience.wait_for(lambda: self._send(text))
        except Exception as error:  # a queue's trouble is nobody's who reads
            self._breaker.failed()
            self._report("impressions", error)
            return False
        self._breaker.succeeded()
        return True


def make_sender(queue_url: str, *, timeout_ms: int) -> Callable[[str], Any]:
    """Sends once: a second attempt would be the reader's time."""
    queue = Direct("sqs", timeout_ms=timeout_ms)
    return lambda text: queue.send_message(QueueUrl=queue_url, MessageBody=text)
