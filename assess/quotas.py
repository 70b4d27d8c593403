"""What Personalize demands of data and takes at most, beside what was found.

Source: Personalize developer guide, "Amazon Personalize endpoints and quotas" (dg/limits.html), read in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assess.data import Own
from assess.shape import Shape
from config import limits

SOURCE = "https://docs.aws.amazon.com/personalize/latest/dg/limits.html"
MIN_SHARE_OF_USERS = 0.01  # who have two interactions or more
MAX_INTERACTIONS = 500_000_000  # of all recipes but the two of the second version
MAX_INTERACTIONS_V2 = 3_000_000_000
MAX_ITEMS = 750_000
MAX_ITEMS_V2 = 5_000_000
BATCH_USERS = limits.MAX_BATCH_RECORDS

Is = Literal["at least", "at most"]


@dataclass(frozen=True)
class Quota:
    """`key`: of the words; `needs`: what is impossible without it, a key of the words too."""

    key: str
    found: float
    bound: Is
    limit: float
    stops: bool = True  # nothing can be trained; else recipes of the first version can't

    @property
    def held(self) -> bool:
        return self.found >= self.limit if self.bound == "at least" else self.found <= self.limit


def quotas(own: Own, shape: Shape) -> tuple[Quota, ...]:
    return (
        Quota("interactions", shape.interactions, "at least", limits.MIN_INTERACTIONS),
        Quota("users_with_two", shape.users_with_two, "at least", limits.MIN_USERS),
        Quota("share_with_two", shape.share_with_two, "at least", MIN_SHARE_OF_USERS),
        Quota("items", shape.items, "at least", limits.MIN_ITEMS),
        Quota("event_types", own.types, "at most", limits.MAX_SENT_TYPES),
        Quota("interactions_v1", shape.interactions, "at most", MAX_INTERACTIONS, stops=False),
        Quota("interactions_v2", shape.interactions, "at most", MAX_INTERACTIONS_V2, stops=False),
        Quota("items_v1", shape.catalogue, "at most", MAX_ITEMS, stops=False),
        Quota("items_v2", shape.catalogue, "at most", MAX_ITEMS_V2, stops=False),
        Quota("fields_of_users", len(own.fields("users")), "at most", limits.MAX_METADATA["USER_ID"]),
        Quota("fields_of_items", len(own.fields("items")), "at most", limits.MAX_METADATA["ITEM_ID"]),
        Quota("batch_users", shape.users, "at most", BATCH_USERS, stops=False),
    )
