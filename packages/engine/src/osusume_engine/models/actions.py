"""PERSONALIZED_ACTIONS: the chance that a user takes an action, from what they did before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np
import scipy.sparse as sp

from osusume_engine.data import ActionEvent
from osusume_engine.ids import Ids
from osusume_engine.metrics import area_under_curve
from osusume_engine.models.action_streams import with_streamed
from osusume_engine.models.linear import truncated_svd
from osusume_engine.models.model import Answers, IdMask
from osusume_engine.models.timelines import DAY, Columns, Timeline
from osusume_engine.storage import storable

INTERESTS = 16
_BOOSTER = {
    "objective": "binary",
    "num_leaves": 7,
    "learning_rate": 0.05,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}


@storable
@dataclass(frozen=True)
class ActionModel(Answers):
    users: Ids
    actions: Ids
    item_events: Timeline  # owner: user; value: EVENT_VALUE
    kind_events: tuple[Timeline, ...]  # the same for each of the frequent event types
    moments: Timeline  # owner: user; a basket or a visit: events of one second count once
    action_events: Timeline  # owner: user; value: 1 where taken
    pair_events: Timeline  # owner: user * actions + action
    taken_events: Timeline  # owner: user
    user_columns: Columns
    action_columns: Columns
    interests: np.ndarray  # (users + 1, INTERESTS)
    action_rates: np.ndarray  # smoothed share of events with the action that took it
    eligible: np.ndarray  # bool per action: enough recent data to be scored
    values: np.ndarray  # per action, breaks ties
    now: int
    kind: str  # rate: the action's own; blend: of logistic regression and boosted trees
    weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    booster: lightgbm.Booster | None

    def act(
        self, user_id: str, k: int, *, allowed: IdMask | None = None, recent: Sequence[ActionEvent] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Action ids and chances, most likely first; of equals, the more valuable first.

        recent: action interactions streamed since training.
        """
        mask = None if allowed is None else np.asarray(allowed(self.actions.values), dtype=bool)
        model = with_streamed(self, user_id, recent) if recent else self
        codes, chances = model.likely(user_id, k, mask)
        return self.actions.values[codes], chances

    def likely(self, user_id: str, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Action codes and chances; allowed: bool per action."""
        user = np.full(len(self.actions), self.users.code(user_id))
        codes = np.arange(len(self.actions))
        chance = self.chance(user, codes, np.full(len(codes), self.now + 1))
        chance = np.where(self.eligible, chance, 0.0)
        order = np.lexsort((-self.values, -chance))
        if allowed is not None:
            order = order[allowed[order]]
        return order[:k], chance[order[:k]]

    def chance(self, users: np.ndarray, actions: np.ndarray, times: np.ndarray) -> np.ndarray:
        x = self.features(users, actions, times)
        if self.kind == "rate":
            return self.action_rates[actions]
        odds = ((x - self.means) / self.scales) @ self.weights[:-1] + self.weights[-1]
        if self.booster is not None:
            odds = (odds + self.booster.predict(x, raw_score=True, num_threads=1)) / 2
        return 1 / (1 + np.exp(-np.clip(odds, -30, 30)))

    def features(self, users: np.ndarray, actions: np.ndarray, times: np.ndarray) -> np.ndarray:
        month = times - 30 * DAY
        items, value = self.item_events.before(users, times)
        recent, recent_value = self.item_events.between(users, month, times)
        seen, taken = self.action_events.before(users, times)
        pair = np.where(users >= 0, users * len(self.actions) + actions, -1)
        pair_seen, pair_taken = self.pair_events.before(pair, times)
        counts = [items, value, recent, recent_value, seen, taken, pair_seen, pair_taken]
        columns = [
            *(np.log1p(np.maximum(count, 0)) for count in counts),
            (taken + 0.5) / (seen + 5),
            np.log1p(self.item_events.days_since(users, times)),
            np.log1p(self.taken_events.days_since(users, times)),
            np.log(self.action_rates[actions] / (1 - self.action_rates[actions])),
        ]
        for kind in self.kind_events:
            columns += _habit(kind, users, times, items)
        moments, _ = self.moments.before(users, times)
        recent_moments, _ = self.moments.between(users, month, times)
        columns += [np.log1p(moments), np.log1p(recent_moments), np.log1p(items / np.maximum(moments, 1))]
        tables = [self.user_columns.values[users], self.action_columns.values[actions], self.interests[users]]
        return np.concatenate([np.column_stack(columns), *tables], axis=1)


def _habit(kind: Timeline, users: np.ndarray, times: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
    """How often, how lately and as what part of all their events a user had those of one kind."""
    count, _ = kind.before(users, times)
    recent, _ = kind.between(users, times - 30 * DAY, times)
    since = np.log1p(kind.days_since(users, times))
    return [np.log1p(count), count / np.maximum(items, 1), np.log1p(recent), since]


def interests_of(users_by_items: sp.csr_matrix, *, seed: int) -> np.ndarray:
    """Latent tastes of every user; a last row of 0 for the unknown. float32 (users + 1, up to INTERESTS)."""
    rank = min(INTERESTS, min(users_by_items.shape) - 1)
    if rank < 1:
        return np.zeros((users_by_items.shape[0] + 1, 0), np.float32)
    damped = users_by_items.copy().astype(np.float64)
    damped.data /= np.sqrt(np.asarray(users_by_items.sum(axis=0)).ravel() + 10)[damped.indices]
    left, singular = truncated_svd(damped, rank=rank, seed=seed)
    sign = np.sign(left[np.abs(left).argmax(axis=0), np.arange(rank)])
    return np.vstack([left * singular * sign, np.zeros((1, rank))]).astype(np.float32)


def logistic(x: np.ndarray, y: np.ndarray, *, ridge: float = 30.0, steps: int = 12) -> tuple[np.ndarray, ...]:
    """(weights with the intercept last, means, scales), by Newton's method."""
    means, scales = x.mean(axis=0), x.std(axis=0) + 1e-6
    design = np.column_stack([(x - means) / scales, np.ones(len(y))])
    weights = np.zeros(design.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        curvature = (design * (p * (1 - p))[:, None]).T @ design + ridge * np.eye(design.shape[1])
        weights += np.linalg.solve(curvature, design.T @ (y - p) - ridge * weights)
    return weights, means, scales


def boosted(x: np.ndarray, y: np.ndarray, *, seed: int, trees: int = 120) -> lightgbm.Booster:
    return lightgbm.train({**_BOOSTER, "seed": seed}, lightgbm.Dataset(x, y), trees)


def action_metrics(
    labels: np.ndarray, chances: np.ndarray, actions: np.ndarray, *, threshold: float, n_actions: int
) -> dict[str, float]:
    """Precision and recall of each action at the threshold, averaged over actions; AUC over all events."""
    predicted = chances >= threshold
    precisions, recalls = [], []
    for action in np.unique(actions):
        mine = actions == action
        hits = float((predicted & (labels > 0))[mine].sum())
        precisions.append(hits / max(predicted[mine].sum(), 1))
        recalls.append(hits / max(labels[mine].sum(), 1))
    return {
        "coverage": len(np.unique(actions[predicted])) / max(n_actions, 1),
        "precision": float(np.mean(precisions)) if precisions else 0.0,
        "recall": float(np.mean(recalls)) if recalls else 0.0,
        "auc": area_under_curve(labels, chances),
    }
