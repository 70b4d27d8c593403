"""Generated data with a known answer: users and items fall into blocks, and users meet their own block."""

from __future__ import annotations

import numpy as np
import pandas as pd

from osusume_engine.data import TrainingData
from osusume_engine.histories import Histories

BLOCKS = 4
USERS = 120
ITEMS = 80
DAY = 86_400
START = 1_700_000_000
WORDS = (
    "space rocket orbit planet",
    "knight castle sword dragon",
    "pasta tomato basil oven",
    "goal striker pitch coach",
)


def block_of(one: str) -> int:
    """Of a user id, an item id or an action id."""
    return int(one[1:]) % BLOCKS


def users() -> list[str]:
    return [f"u{n}" for n in range(USERS)]


def items() -> list[str]:
    return [f"i{n}" for n in range(ITEMS)]


def interactions(*, per_user: int = 12, seed: int = 0) -> pd.DataFrame:
    """Nine events in ten are of the user's block; low item numbers are the popular ones."""
    random = np.random.RandomState(seed)
    rows = []
    for number, user in enumerate(users()):
        for event in range(per_user):
            block = block_of(user) if random.rand() < 0.9 else random.randint(BLOCKS)
            rank = min(int(random.exponential(6)), ITEMS // BLOCKS - 1)
            rows.append((user, f"i{rank * BLOCKS + block}", START + event * DAY + number))
    return pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])


def catalogue() -> pd.DataFrame:
    """Titles say the block; i0 and i1 and so on differ by a number."""
    return pd.DataFrame(
        {
            "ITEM_ID": items(),
            "GENRE": [f"genre{block_of(item)}" for item in items()],
            "DESCRIPTION": [f"{WORDS[block_of(item)]} volume {int(item[1:]) // BLOCKS}" for item in items()],
        }
    )


def action_interactions(*, per_user: int = 8, seed: int = 0) -> pd.DataFrame:
    """Users of block 0 and 1 take action a0, the others a1, four times in five."""
    random = np.random.RandomState(seed)
    rows = []
    for user in users():
        for event in range(per_user):
            for action in ("a0", "a1"):
                likes = (action == "a0") == (block_of(user) < 2)
                taken = random.rand() < (0.8 if likes else 0.1)
                kind = "TAKEN" if taken else "NOT_TAKEN"
                rows.append((user, action, START + (event * 3 + 15) * DAY, kind))
    return pd.DataFrame(rows, columns=["USER_ID", "ACTION_ID", "TIMESTAMP", "EVENT_TYPE"])


def data() -> TrainingData:
    return TrainingData(
        interactions=interactions(),
        items=catalogue(),
        actions=pd.DataFrame({"ACTION_ID": ["a0", "a1"], "VALUE": [1, 2]}),
        action_interactions=action_interactions(),
        categorical={"Items": frozenset({"GENRE"})},
        textual={"Items": frozenset({"DESCRIPTION"})},
    )


def one_history(items: np.ndarray) -> Histories:
    """A history of bare item codes, for a query that has no user."""
    n = len(items)
    return Histories(
        np.asarray(items, dtype=np.int32),
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int8),
        np.ones(n, dtype=np.float32),
        np.array([0, n]),
    )
