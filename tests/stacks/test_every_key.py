"""Every key of the configuration matters: changed, it changes a template, or it is refused."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from config.settings import Settings
from stacks.synthesis import WITHOUT_LAYERS
from tests import example

Content = dict[str, Any]
Key = tuple[str | int, ...]

# A value for each required key that stands nowhere else in a template; elements of lists are the first ones.
VALUES: dict[str, Any] = {
    "app": "keyapp",
    "environment": "keyenv",
    "account": "987654321098",
    "region": "us-west-2",
    "removal": "retain",
    "network.availability_zones": ["us-west-2b", "us-west-2c", "us-west-2d"],
    "datasets.schema_version": 73,
    "datasets.interactions.events.type": "keyevent",
    "datasets.interactions.events.source": "application_log",
    "solutions.name": "keysolution",
    "solutions.recipe": "aws-personalized-ranking",
    "solutions.for_each": "user",
    "schedule.expression": "cron(7 4 * * ? *)",
    "api.default_items": ["key-item-1", "key-item-2"],
}
# The same for keys that a fork may leave out: it has a network already, or no database, table or column.
OPTIONAL: dict[str, Any] = {
    "network.cidr": "10.77.0.0/16",
    "sources.aurora.database": "keydatabase",
    "sources.aurora.tables.orders": "public.keyorders",
    "datasets.interactions.order_columns.USER_ID": "key_user",
    "datasets.interactions.order_columns.ITEM_ID": "key_item",
    "datasets.interactions.order_columns.TIMESTAMP": "key_time",
    "sources.aurora.tables.users": "public.keyusers",
    "sources.aurora.tables.items": "public.keyitems",
    "datasets.interactions.order_columns.EVENT_VALUE": "key_value",
    "datasets.users.fields.name": "KEY_FIELD",
    "datasets.users.fields.column": "key_users_column",
    "datasets.items.fields.name": "KEY_ITEMS_FIELD",
    "datasets.items.fields.column": "key_items_column",
    "publishing.item_fields": ["CATEGORY_L1", "KEY_ITEMS_FIELD"],
    "placements.home.lists": ["keysolution"],
    "placements.buy_again.lists": ["keysolution"],
    "placements.new_for_you.lists": ["keysolution"],
}
# How a value shows in the templates, where it isn't its text.
SHOWN = {
    "removal": '"DeletionPolicy": "Snapshot"',
    "datasets.schema_version": "-v73",
    "network.availability_zones": "us-west-2d",
    "publishing.item_fields": "KEY_ITEMS_FIELD",
    **{f"placements.{name}.lists": "keysolution" for name in ("home", "buy_again", "new_for_you")},
}
SNAPSHOTS = Path(__file__).parent / "__snapshots__" / "dev"
# Which of several elements is changed: the first of some have names of Personalize's.
PLACES = {"datasets.users.fields": 1, "datasets.items.fields": 4}


def required(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Paths of keys without a default, down to those that are no section."""
    for name, field in model.model_fields.items():
        if not field.is_required():
            continue
        inner = [part for part in (field.annotation, *get_args(field.annotation)) if isinstance(part, type)]
        sections = [part for part in inner if issubclass(part, BaseModel)]
        if sections:
            yield from required(sections[0], f"{before}{name}.")
        else:
            yield f"{before}{name}"


def templates(given: Content, folder: Path) -> dict[str, str]:
    import app

    app.build(Settings.model_validate(given), folder=folder, context=WITHOUT_LAYERS).synth()
    return {path.name: path.read_text() for path in sorted(folder.glob("*.template.json"))}


def put(content: Content, path: str, value: Any) -> None:
    """`solutions.name` is the name of the first one, or of that which PLACES says."""
    at: Any = content
    *sections, last = path.split(".")
    for position, section in enumerate(sections):
        at = at[section]
        if isinstance(at, list):
            at = at[PLACES.get(".".join(sections[: position + 1]), 0)]
    at[last] = value


def test_every_required_key_has_its_value_here() -> None:
    assert set(required(Settings)) == set(VALUES)


def test_every_required_key_shows_in_the_templates(tmp_path: Path) -> None:
    """All at once: each value is one that nothing else could have put there."""
    given = example.content()
    every = {**VALUES, **OPTIONAL}
    quick = {path: value for path, value in every.items() if path not in ELSEWHERE}
    for path, value in quick.items():
        put(given, path, value)
    text = "".join(templates(given, tmp_path).values()).replace("\\", "")
    before = "".join(path.read_text() for path in SNAPSHOTS.glob("*.json")).replace("\\", "")
    shown = {path: SHOWN.get(path, str(value)) for path, value in quick.items()}
    assert {path for path, value in shown.items() if value not in text} == set()
    assert {path for path, value in shown.items() if value in before} == set()


# Their values stand in a template in any case, or in what a template names; test_every_key_alone looks at them.
ELSEWHERE = {
    "datasets.interactions.events.source",
    "solutions.recipe",
    "solutions.for_each",
    "api.default_items",
}


def leaves(value: Any, before: Key = ()) -> Iterator[Key]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = False
    for name, part in parts:
        found = True
        yield from leaves(part, (*before, name))
    if not found and before:
        yield before


_OTHERS = (
    "retain", "us-west-2", "10.77.0.0/16", "application_log", "orders", "int", "G.2X", "item", "everyone", "user",
    "aws-similar-items", "aws-personalized-ranking", "precision_at_25", "cron(7 4 * * ? *)", "Asia/Seoul",
    "ap-northeast-1b", "KEY_FIELD", "987654321098", "someone@example.com",
)  # fmt: skip


def others(value: Any) -> Iterator[Any]:
    """Values of the same kind, one of which the key may take."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value * 2, value / 2, value + 0.5, value + 8, 90)
    elif value is None or isinstance(value, str):
        yield from (f"{value}x", f"{value}7", *_OTHERS) if value else _OTHERS
    else:
        yield {"explorationWeight": "0.2"}


# Keys that count only beside another value of a key next to them, as their descriptions say.
BESIDE: dict[Key, tuple[str, str]] = {
    ("etl", "small_megabytes"): ("engine", "auto"),
    ("etl", "function_memory"): ("engine", "auto"),
}


def around(key: Key) -> Content:
    """The example, as the key counts in it."""
    content = copy.deepcopy(example.content())
    if key in BESIDE:
        name, value = BESIDE[key]
        content[str(key[0])][name] = value
    return content


def changed(key: Key) -> tuple[Content | None, str]:
    """The example with another value of the key, and what the last that was tried is refused with."""
    refused = ""
    at: Any = around(key)
    for name in key:
        at = at[name]
    for value in (one for one in others(at) if one != at):
        content = around(key)
        holder: Any = content
        for name in key[:-1]:
            holder = holder[name]
        holder[key[-1]] = value
        try:
            Settings.model_validate(content)
        except ValidationError as error:
            refused = str(error)
        else:
            return content, refused
    return None, refused


KEYS = [key for key in leaves(example.content()) if key[:2] != ("api", "default_items") or key[-1] == 0]


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return templates(example.content(), tmp_path_factory.mktemp("unchanged"))


@pytest.mark.nightly
@pytest.mark.parametrize("key", KEYS, ids=lambda key: ".".join(map(str, key)))
def test_every_key_alone_changes_a_template_or_is_refused(
    key: Key, unchanged: dict[str, str], tmp_path: Path
) -> None:
    content, refused = changed(key)
    if content is None:
        name = next(part for part in reversed(key) if isinstance(part, str))
        assert re.search(rf"\b{name}\b", refused), refused
    else:
        before = templates(around(key), tmp_path / "before") if key in BESIDE else unchanged
        assert templates(content, tmp_path / "after") != before
