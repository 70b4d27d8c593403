"""A configuration for these data: config/assessed.yaml over config/common.yaml, validated before it is shown."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assess import places
from assess.data import Own
from assess.results import Gain, Way, best_recipe, personal_pays
from assess.shape import Shape
from config import files, settings
from config.recipes import RECIPES
from config.settings import Analytics, Datasets, Settings

NAME = "assessed"
BOUGHT = ("purchase", "buy", "bought", "order", "transaction", "sale", "sold")
USUAL_WEIGHT, RARE_WEIGHT = 0.3, 0.5  # of what isn't bought: the most frequent type, the others
# Recipes for items that learn from interactions; the cheapest, which reads no metadata, first.
RELATED = sorted(
    (name for name, one in RECIPES.items() if one.type == "RELATED_ITEMS" and "Interactions" in one.required),
    key=lambda name: len(RECIPES[name].metadata),
)
POPULAR = 100
TAKEN = (
    "network",
    "sources",
    "etl",
    "api",
    "analytics",
    "account",
    "region",
    "removal",
    "log_retention_days",
)


@dataclass(frozen=True)
class Proposal:
    text: str  # of the file
    settings: Settings

    @property
    def solutions(self) -> tuple[str, ...]:
        """Their recipes."""
        return tuple(solution.recipe for solution in self.settings.solutions)


def weights(types: Sequence[str], counts: dict[str, int], datasets: Datasets) -> dict[str, float]:
    """Weights of the configuration where it knows the type; else what is bought 1, the usual less."""
    known = {rule.type: rule.weight for rule in datasets.interactions.events}
    usual = max(types, key=lambda name: (counts[name], name))
    return {
        name: known.get(name, 1.0 if is_bought(name) else USUAL_WEIGHT if name == usual else RARE_WEIGHT)
        for name in types
    }


def is_bought(name: str) -> bool:
    return any(word in name.lower() for word in BOUGHT)


def propose(
    own: Own,
    shape: Shape,
    *,
    environment: str,
    given: dict[str, float],
    personal: Sequence[Way],
    related: Sequence[Way],
    gained: Sequence[Gain],
) -> Proposal:
    """`environment`: whose network, sources and sizes are taken. Raises ConfigError where the result is invalid."""
    found = files.read(environment, files.folder())
    content = {key: found.own[key] for key in TAKEN if key in found.own}
    content |= {"environment": NAME, "datasets": _datasets(own, shape, given, gained)}
    content["solutions"] = _solutions(personal, related)
    content["api"] = {**content.get("api", {}), "default_items": _popular_items(own)}
    content |= _served(own, shape, content, shared=found.common)
    tables = {name: None for name in ("users", "items") if not _has(own, name)}
    if tables:
        content["sources"] = files.merged(content.get("sources", {}), {"aurora": {"tables": tables}})
    text = (
        f"# Proposed by `make assess`: copy it to config/{NAME}.yaml, and write your account.\n"
        + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    )
    return Proposal(text, loaded(text))


def loaded(text: str) -> Settings:
    """The settings of the file laid over common.yaml, with which `make check` begins. Raises ConfigError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(files.folder() / f"{files.COMMON}.yaml", folder)
        (folder / f"{NAME}.yaml").write_text(text, encoding="utf-8")
        return settings.load(NAME, folder)


def _has(own: Own, name: str) -> bool:
    return any(field.name != "CREATION_TIMESTAMP" for field in own.fields(name))


def _datasets(own: Own, shape: Shape, given: dict[str, float], gained: Sequence[Gain]) -> dict[str, Any]:
    weigh = any(one.name == "weights" and one.gain.verdict == "better" for one in gained)
    events = [
        {
            "type": name,
            "source": "orders" if is_bought(name) else "application_log",
            "weight": given[name] if weigh else 1.0,
        }
        for name in shape.types
    ]
    found: dict[str, Any] = {"interactions": {"events": events}}
    for name in ("users", "items"):
        fields = own.drafts[name].fields
        found[name] = {"fields": [_field(one) for one in fields]} if _has(own, name) else None
    return found


def _served(own: Own, shape: Shape, content: dict[str, Any], *, shared: places.Section) -> dict[str, Any]:
    """What is published with lists, and what places and experiments show of it: only what these data have."""
    published = places.item_fields(shared, own.fields("items"))
    without = places.rules(shared, published)
    made = places.placements(shared, solutions=[one["name"] for one in content["solutions"]], without=without)
    of_nobody = not any(one["for_each"] == "user" for one in content["solutions"])
    left = [name for name in (shared.get("placements") or {}) if made.get(name, {}) is not None]
    return {
        "publishing": {"item_fields": published, **({"min_never_bought": 0} if of_nobody else {})},
        "placements": made,
        "rules": without,
        "experiments": places.experiments(
            shared,
            places=left,
            events=[*shape.types, _impressions(content, shared)],
            segments=[field.name for field in own.fields("users") if field.categorical],
        ),
    }


def _impressions(content: dict[str, Any], shared: places.Section) -> str:
    given = files.merged(shared.get("analytics", {}), content.get("analytics", {}))
    return str(Analytics.model_validate(given).impression_event)


def _field(field: Any) -> dict[str, Any]:
    usual = {"type": "string", "categorical": False, "textual": False, "nullable": False, "added": False}
    return {key: value for key, value in field.model_dump().items() if usual.get(key) != value}


def _solutions(personal: Sequence[Way], related: Sequence[Way]) -> list[dict[str, Any]]:
    """The cheapest that lose nothing beyond noise; the popular list always, as everybody else's."""
    found: list[dict[str, Any]] = []
    if personal_pays(personal):
        found.append(
            {"name": "personal", "recipe": "aws-user-personalization-v2", "for_each": "user"}
            | {"results": 25, "candidates": 100}
        )
    recipe = best_recipe(related, RELATED)
    if recipe is not None:
        found.append({"name": "related", "recipe": recipe, "for_each": "item", "results": 25})
    popular = {"name": "popular", "recipe": "aws-popularity-count", "for_each": "everyone"}
    return [*found, {**popular, "results": POPULAR}]


def _popular_items(own: Own) -> list[str]:
    pairs = own.interactions.drop_duplicates(["USER_ID", "ITEM_ID"])
    counts = pairs.ITEM_ID.value_counts().reset_index()
    ordered = counts.sort_values(["count", "ITEM_ID"], ascending=[False, True])
    return [str(item) for item in ordered.ITEM_ID.head(25)]
