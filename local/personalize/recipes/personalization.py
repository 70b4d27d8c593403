"""User-Personalization and Personalized-Ranking, both generations."""

from __future__ import annotations

from local.personalize.histories import Histories
from local.personalize.models.generators import Settings
from local.personalize.models.personalization import Personalizer
from local.personalize.recipes.learning import Learned, Task, metrics_of, without_extreme_users


def learn(task: Task) -> Learned:
    """Metrics come from a model that never saw the test users; its generators are then refitted on all."""
    settings, split = settings_of(task), task.holdout()
    tested = Personalizer.fit(_usual(split.train, task), task.n_items, settings=settings, seed=task.seed)
    lists = tested.recommend(split.seen, 25)
    everyone = _usual(task.prepared.histories, task)
    return Learned(tested.refitted(everyone, seed=task.seed), metrics_of(lists.items, split, task.n_items))


def settings_of(task: Task) -> Settings:
    """Without recency bias all of a user's events weigh the same; bptt bounds the sequence window.

    hidden_dimension is accepted and unused: the closed-form models have no hidden layer.
    """
    values = task.values
    window = min(15, int(values.get("bptt", 15)))
    if values.get("recency_mask", True) and values.get("apply_recency_bias", True):
        return Settings(window=window)
    return Settings(
        window=window, ease_decay=1.0, window_decay=1.0, neighbour_decay=1.0, transition_decay=1.0
    )


def _usual(histories: Histories, task: Task) -> Histories:
    if "max_user_history_length_percentile" not in task.values:
        return histories
    low = float(task.values["min_user_history_length_percentile"])
    high = float(task.values["max_user_history_length_percentile"])
    return without_extreme_users(histories, low=low, high=high)
