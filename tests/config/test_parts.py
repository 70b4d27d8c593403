"""What an environment may do without, and what is refused where a part is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from config.errors import ConfigError
from config.files import merged
from config.settings import Settings, load
from tests import example

FOLDER = example.CONFIG.parent / "docs" / "examples"
EXAMPLES = {name: yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) for name in (
    "log-only", "database-only", "without-warehouse",
)}  # fmt: skip


def content(name: str, **changes: Any) -> example.Content:
    return merged(example.content(**EXAMPLES[name]), changes)


class Refused(NamedTuple):
    """An example of docs/examples with changes that need the part; what the message holds."""

    name: str
    changes: dict[str, Any]
    told: tuple[str, ...]


PURCHASE = {"type": "purchase", "source": "orders"}
LOGGED = {"type": "purchase", "source": "application_log"}
COLUMNS = {"USER_ID": "u", "ITEM_ID": "i", "TIMESTAMP": "t"}
FIELDS = [{"name": "USER_ID", "column": "u"}, {"name": "AGE", "column": "age", "categorical": True}]
ITEMS = [{"name": "ITEM_ID", "column": "i"}, {"name": "BRAND", "column": "b", "categorical": True}]
ACTIONS = [{"name": "ACTION_ID", "column": "a"}, {"name": "VALUE", "column": "v", "type": "long"}]
NO_DATABASE = "there is no sources.aurora"
NO_LOG = "sources.application_log is null"


def interactions(**changes: Any) -> dict[str, Any]:
    return {"datasets": {"interactions": changes}}


REFUSED = [
    Refused("log-only", {"sources": {"application_log": None}}, ("both null", "configure one")),
    Refused("database-only", {"sources": {"aurora": None}}, ("both null", "configure one")),
    Refused("log-only", {"datasets": {"users": {"fields": FIELDS}}}, ("datasets.users", NO_DATABASE, "null")),
    Refused("log-only", {"datasets": {"items": {"fields": ITEMS}}}, ("datasets.items", NO_DATABASE, "null")),
    Refused("log-only", {"datasets": {"actions": {"fields": ACTIONS}}}, ("datasets.actions", NO_DATABASE)),
    Refused("log-only", interactions(order_columns=COLUMNS), ("order_columns", NO_DATABASE, "set it to null")),
    Refused("log-only", interactions(events=[PURCHASE], bought=[]), ("'orders'", "source: application_log")),
    Refused("log-only", interactions(bought=["sale"]), ("bought has 'sale'", "purchase, click, favourite")),
    Refused("log-only", interactions(bought=[]), ("min_never_bought asks what users bought", "bought: [purchase]")),
    Refused(
        "log-only",
        {**interactions(bought=[]), "publishing": {"min_never_bought": 0}},
        ("rules.bought-before asks what users bought", "bought: [purchase]"),
    ),
    Refused(
        "log-only",
        {**interactions(bought=[]), "publishing": {"min_never_bought": 0, "exclude_bought_within_days": 3}},
        ("publishing.exclude_bought_within_days asks", NO_DATABASE),
    ),
    Refused("without-warehouse", interactions(bought=["purchase"]), ("bought is ['purchase']", "remove")),
    Refused("without-warehouse", interactions(order_columns=None), ("order_columns isn't", "name the columns")),
    Refused("database-only", interactions(events=[LOGGED]), ("'application_log'", NO_LOG, "source: orders")),
    Refused("database-only", interactions(impressions=True), ("impressions is true", NO_LOG, "remove it")),
    Refused("database-only", interactions(recommendation_ids=True), ("recommendation_ids is true", NO_LOG)),
    Refused(
        "database-only",
        {
            "sources": {"aurora": {"tables": {"actions": "public.actions"}}},
            "datasets": {
                "actions": {"fields": ACTIONS},
                "action_interactions": {"events": [{"type": "taken", "means": "Taken"}]},
            },
        },
        ("datasets.action_interactions", NO_LOG, "remove it"),
    ),
    Refused("database-only", {"rules": {"seen": {"kind": "not_interested", "shown": 5, "within_days": 14,
                                                 "action": "exclude", "again_after_days": 30}}},
            ("rules.seen asks what users were shown", NO_LOG)),
    Refused("without-warehouse", {"analytics": {"quicksight": {
        "enabled": True, "principal_arn": "arn:aws:quicksight:ap-northeast-1:111111111111:user/default/a"}}},
        ("quicksight.enabled is true", "enabled is false")),
]  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_environment_does_without_a_part(name: str) -> None:
    settings = Settings.model_validate(content(name))
    assert (settings.sources.aurora is None, settings.sources.application_log is None) == (
        name == "log-only",
        name == "database-only",
    )
    assert settings.analytics.enabled == (name != "without-warehouse")


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.name}: {case.told[0]}")
def test_what_needs_a_part_that_is_not_there_is_refused(case: Refused, tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(content(case.name, **case.changes)))
    with pytest.raises(ConfigError) as refused:
        load("dev", tmp_path)
    assert [part for part in case.told if part not in str(refused.value)] == [], str(refused.value)


@pytest.mark.parametrize(
    ("name", "key"),
    [("without-warehouse", "analytics.enabled is false"), ("database-only", NO_LOG)],
)
@pytest.mark.parametrize("what", ["holdout", "definitions"])
def test_an_experiment_that_nobody_could_analyse_is_refused(name: str, key: str, what: str) -> None:
    both = merged(content(name), {"experiments": example.experiments()})
    if name == "database-only":
        both["experiments"]["metrics"] = [{"name": "buyers", "event": "purchase", "counts": "users"}]
    if what == "holdout":
        both["experiments"] |= {"definitions": [], "holdout_percent": 5}
    with pytest.raises(ValueError, match=rf"experiments\.(definitions|holdout_percent).*{key}"):
        Settings.model_validate(both)


def test_a_purchase_that_orders_are_made_of_names_who_is_asked_for_what_is_missing() -> None:
    settings = Settings.model_validate(content("log-only"))
    assert settings.user_columns == {"log": "user_id"}
    with pytest.raises(ConfigError, match=r"no sources\.aurora, and this reads the database"):
        _ = settings.aurora_secret
    with pytest.raises(ConfigError, match=r"application_log to null, and this reads the log"):
        _ = Settings.model_validate(content("database-only")).application_log_table
