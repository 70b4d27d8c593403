"""Which learner trains which recipe."""

from __future__ import annotations

from collections.abc import Mapping

from osusume_engine.recipes import (
    actions,
    personalization,
    popularity,
    related,
    segments,
    semantic,
    trending,
)
from osusume_engine.recipes.learning import Learner

LEARNERS: Mapping[str, Learner] = {
    "aws-user-personalization-v2": personalization.learn,
    "aws-user-personalization": personalization.learn,
    "aws-personalized-ranking-v2": personalization.learn,
    "aws-personalized-ranking": personalization.learn,
    "aws-popularity-count": popularity.learn_popularity,
    "aws-trending-now": trending.learn,
    "aws-similar-items": related.learn_similar,
    "aws-sims": related.learn_sims,
    "aws-semantic-similarity": semantic.learn,
    "aws-item-affinity": segments.learn_items,
    "aws-item-attribute-affinity": segments.learn_attributes,
    "aws-next-best-action": actions.learn,
}
