"""Next-Best-Action."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from osusume_engine.histories import Histories, profile
from osusume_engine.ids import Ids
from osusume_engine.metrics import area_under_curve
from osusume_engine.models.actions import (
    ActionModel,
    action_metrics,
    boosted,
    interests_of,
    logistic,
)
from osusume_engine.models.timelines import DAY, Columns, Timeline
from osusume_engine.numeric import finite
from osusume_engine.recipes.learning import Learned, Task

MINIMUM_EVENTS = 50  # TAKEN, and as many NOT_TAKEN or VIEWED, for an action to be scored
RECENT = 6 * 7 * DAY
KINDS = 5  # event types of item interactions that are told apart


@dataclass(frozen=True)
class ActionLog:
    """One row per action interaction, by time."""

    users: np.ndarray
    actions: np.ndarray
    times: np.ndarray
    taken: np.ndarray  # bool, this event took the action
    labels: np.ndarray  # taken, or taken within the optimization period that follows


def learn(task: Task) -> Learned:
    """Users are split 80/10/10: fit, choice of the method and threshold, test."""
    users, actions, log, part = tenths(task)
    model = blank_model(task, users, actions, log)
    if not 0 < log.labels.sum() < len(log.labels):
        return Learned(model, {"coverage": 0.0, "precision": 0.0, "recall": 0.0, "auc": 0.5})
    chosen, threshold = _choose(model, log, part, task.seed)
    tested = fit(model, log, part != 0, kind=chosen, seed=task.seed)
    test = part == 0
    metrics = action_metrics(
        log.labels[test],
        tested.chance(log.users[test], log.actions[test], log.times[test]),
        log.actions[test],
        threshold=threshold,
        n_actions=len(actions),
    )
    return Learned(fit(model, log, np.ones(len(part), bool), kind=chosen, seed=task.seed), metrics)


def tenths(task: Task) -> tuple[Ids, Ids, ActionLog, np.ndarray]:
    """(users, actions, log, the tenth of the users that each row of the log is of: 0 is tested)."""
    users, actions = user_ids(task), action_ids(task)
    period = int(task.values["action_optimization_period"])
    log = read_log(task.prepared.data.action_interactions, users, actions, period_days=period)
    fold = np.random.RandomState(task.seed).permutation(len(users)) % 10
    return users, actions, log, fold[log.users]


def fit(model: ActionModel, log: ActionLog, rows: np.ndarray, *, kind: str, seed: int) -> ActionModel:
    rates = smoothed_rates(log.actions[rows], log.labels[rows], len(model.actions))
    model = replace(model, kind=kind, action_rates=rates, booster=None)
    if kind == "rate" or not 0 < log.labels[rows].sum() < rows.sum():
        return replace(model, kind="rate")
    x = model.features(log.users[rows], log.actions[rows], log.times[rows])
    y = log.labels[rows].astype(np.float64)
    weights, means, scales = logistic(x, y)
    return replace(model, weights=weights, means=means, scales=scales, booster=boosted(x, y, seed=seed))


def _choose(model: ActionModel, log: ActionLog, part: np.ndarray, seed: int) -> tuple[str, float]:
    """The method with the best AUC on the validation users, and a threshold that predicts as many as took."""
    train, valid = part > 1, part == 1
    best, best_auc, threshold = "rate", 0.0, 0.5
    for kind in ("rate", "blend"):
        tried = fit(model, log, train, kind=kind, seed=seed)
        chances = tried.chance(log.users[valid], log.actions[valid], log.times[valid])
        auc = area_under_curve(log.labels[valid], chances)
        if auc > best_auc:
            share = log.labels[valid].mean() if valid.any() else 0.0
            best, best_auc = kind, auc
            threshold = float(np.quantile(chances, 1 - share)) if valid.any() else 0.5
    return best, threshold


def read_log(frame: pd.DataFrame | None, users: Ids, actions: Ids, *, period_days: int) -> ActionLog:
    if frame is None or not len(frame):
        none = np.zeros(0, np.int64)
        return ActionLog(none, none, none, none.astype(bool), none.astype(bool))
    ordered = frame.sort_values("TIMESTAMP", kind="stable")
    user = users.codes(ordered["USER_ID"].astype(str))
    action = actions.codes(ordered["ACTION_ID"].astype(str))
    known = action >= 0
    user, action = user[known], action[known]
    times = ordered["TIMESTAMP"].to_numpy(dtype=np.int64)[known]
    taken = (ordered["EVENT_TYPE"].astype(str).str.upper() == "TAKEN").to_numpy(dtype=bool)[known]
    return ActionLog(
        user, action, times, taken, _labels(user * len(actions) + action, times, taken, period_days)
    )


def _labels(pairs: np.ndarray, times: np.ndarray, taken: np.ndarray, period_days: int) -> np.ndarray:
    taking = Timeline.of(pairs[taken], times[taken], np.ones(int(taken.sum())))
    follows, _ = taking.between(pairs, times, times + period_days * DAY)
    return taken | (follows > 0)


def smoothed_rates(
    actions: np.ndarray, labels: np.ndarray, n_actions: int, *, prior: float = 10.0
) -> np.ndarray:
    overall = (labels.sum() + 1) / (len(labels) + 2)
    took = np.bincount(actions, labels, minlength=n_actions)
    seen = np.bincount(actions, minlength=n_actions)
    return (took + prior * overall) / (seen + prior)


def blank_model(task: Task, users: Ids, actions: Ids, log: ActionLog) -> ActionModel:
    """Everything but the fitted weights."""
    data, histories = task.prepared.data, task.prepared.histories
    now = max(int(histories.times.max(initial=0)), int(log.times.max(initial=0)))
    events, ones = _item_events(task, users), np.ones(len(log.times))
    nothing = np.zeros(0)
    return ActionModel(
        users=users,
        actions=actions,
        item_events=_timeline(events),
        kind_events=_kind_events(events),
        moments=_timeline(events.drop_duplicates(["owner", "time"])),
        action_events=Timeline.of(log.users, log.times, log.taken.astype(float)),
        pair_events=Timeline.of(log.users * len(actions) + log.actions, log.times, log.taken.astype(float)),
        taken_events=Timeline.of(log.users[log.taken], log.times[log.taken], ones[log.taken]),
        user_columns=Columns.of(data.users, key="USER_ID", ids=users),
        action_columns=Columns.of(_metadata(data.actions), key="ACTION_ID", ids=actions),
        interests=_interests(histories, task.n_items, len(users), task.seed),
        action_rates=np.full(len(actions), 0.5),
        eligible=eligible(log, len(actions)),
        values=_values(data.actions, actions),
        now=now,
        kind="rate",
        weights=nothing,
        means=nothing,
        scales=nothing,
        booster=None,
    )


def eligible(log: ActionLog, n_actions: int) -> np.ndarray:
    """Actions with enough data in the six weeks before the newest action interaction."""
    recent = log.times > log.times.max(initial=0) - RECENT
    took = np.bincount(log.actions[recent & log.taken], minlength=n_actions)
    refused = np.bincount(log.actions[recent & ~log.taken], minlength=n_actions)
    return (took >= MINIMUM_EVENTS) & (refused >= MINIMUM_EVENTS)


def _item_events(task: Task, users: Ids) -> pd.DataFrame:
    """owner, time, value (EVENT_VALUE, or 1 where the dataset has none) and kind of the item interactions."""
    frame = task.prepared.interactions
    value = finite(frame["EVENT_VALUE"]).fillna(0) if "EVENT_VALUE" in frame else 1.0
    return pd.DataFrame(
        {
            "owner": users.codes(frame["USER_ID"].astype(str)),
            "time": frame["TIMESTAMP"].to_numpy(dtype=np.int64),
            "value": np.asarray(value, dtype=float) if isinstance(value, pd.Series) else value,
            "kind": frame["EVENT_TYPE"].fillna("").astype(str).to_numpy() if "EVENT_TYPE" in frame else "",
        }
    )


def _timeline(events: pd.DataFrame) -> Timeline:
    return Timeline.of(*(events[name].to_numpy() for name in ("owner", "time", "value")))


def _kind_events(events: pd.DataFrame) -> tuple[Timeline, ...]:
    """Events of the most frequent event types; with a single type there is nothing to tell apart."""
    frequent = events["kind"].value_counts(sort=True).index[:KINDS]
    return tuple(_timeline(events[events["kind"] == kind]) for kind in frequent) if len(frequent) > 1 else ()


def _interests(histories: Histories, n_items: int, n_users: int, seed: int) -> np.ndarray:
    known = interests_of(profile(histories.newest(300), n_items), seed=seed)
    padded = np.zeros((n_users + 1, known.shape[1]), np.float32)
    padded[: len(histories)] = known[:-1]
    return padded


def _metadata(frame: pd.DataFrame | None) -> pd.DataFrame | None:
    return (
        frame.drop(columns=["CREATION_TIMESTAMP", "ACTION_EXPIRATION_TIMESTAMP"], errors="ignore")
        if frame is not None
        else None
    )


def _values(frame: pd.DataFrame | None, actions: Ids) -> np.ndarray:
    if frame is None or "VALUE" not in frame:
        return np.zeros(len(actions))
    by_id = frame.drop_duplicates("ACTION_ID", keep="last").set_index("ACTION_ID")["VALUE"]
    return finite(by_id.reindex(actions.values)).fillna(0).to_numpy()


def action_ids(task: Task) -> Ids:
    frame = task.prepared.data.actions
    assert frame is not None
    return Ids(np.asarray(pd.unique(frame["ACTION_ID"].astype(str)), dtype=object))


def user_ids(task: Task) -> Ids:
    """Users of item interactions keep their codes; those who only met actions follow."""
    frame, known = task.prepared.data.action_interactions, task.prepared.users
    if frame is None:
        return known
    listed = np.asarray(pd.unique(frame["USER_ID"].astype(str)), dtype=object)
    return Ids(np.concatenate([known.values, listed[known.codes(listed) < 0]]))
