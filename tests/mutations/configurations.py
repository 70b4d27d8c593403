# mypy: disable-error-code="misc"
# (it infers no lambda that has defaults)
"""Configurations: each key of the example broken in its own way, refused before anything is synthesized."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from config.errors import ConfigError
from config.settings import load
from tests import example
from tests.mutations.mutation import Mutation

Content = dict[str, Any]

_VALUES: tuple[tuple[str, Any], ...] = (
    ("app", "Osusume_App"),
    ("app", "averyveryverylongapplicationname"),
    ("environment", "development-environment"),
    ("account", "12345"),
    ("region", "eu-north-9"),
    ("region", "sa-east-1"),
    ("removal", "keep"),
    ("network.cidr", "10.0.0.0/40"),
    ("network.availability_zones", ["us-east-1a", "us-east-1b", "us-east-1c"]),
    ("network.availability_zones", ["ap-northeast-1a"]),
    ("network.nat_gateways", -1),
    ("sources.aurora.min_capacity", 0.3),
    ("sources.aurora.max_capacity", 0.1),
    ("datasets.schema_version", 0),
    ("datasets.interactions.order_columns", {"USER_ID": "user_id"}),
    ("datasets.interactions.events.0.weight", 1.5),
    ("datasets.interactions.events.0.source", "kinesis"),
    ("datasets.interactions.events.1.type", "purchase"),
    ("datasets.users.fields.0.name", "CUSTOMER"),
    ("datasets.users.fields.1.type", "integer"),
    ("datasets.users.fields.1.column", "age; drop table"),
    ("datasets.items.fields.0.name", "USER_ID"),
    ("datasets.items.fields.1.type", "string"),
    ("datasets.quality.max_quarantined_share", 2),
    ("datasets.quality.min_rows_against_previous", -1),
    ("etl.glue_version", "1.0"),
    ("etl.worker_type", "Huge"),
    ("etl.workers", 1),
    ("etl.timeout_minutes", 0),
    ("solutions", []),
    ("solutions.0.recipe", "aws-user-personalisation"),
    ("solutions.0.for_each", "item"),
    ("solutions.0.results", 5000),
    ("solutions.0.name", "Personal Solution"),
    ("solutions.0.name", "a-name-far-too-long-for-any-job-of-personalize-to-carry"),
    ("solutions.1.name", "personal"),
    ("solutions.0.hyperparameters", {"explorationWeights": "0.3"}),
    ("solutions.0.hyperparameters", {"apply_recency_bias": "perhaps"}),
    ("quality_gate.metric", "accuracy"),
    ("quality_gate.min_against_serving", 3),
    ("schedule.expression", "every day"),
    ("schedule.expression", "cron(0 25 * * ? *)"),
    ("schedule.time_zone", "Tokyo"),
    ("schedule.late_after_hours", 0),
    ("publishing.expire_after_days", 0),
    ("api.authorization", "none"),
    ("api.rate_per_second", 0),
    ("analytics.base_capacity_rpu", 12),
    ("analytics.database", "Analytics-DB"),
    ("analytics.quicksight", {"enabled": True}),
    ("alerts.email", "nobody"),
    ("log_retention_days", 31),
)


def mutations() -> Iterator[Mutation]:
    for position, (key, value) in enumerate(_VALUES):
        yield _mutation(f"config-value/{key}#{position}", lambda c, k=key, v=value: _set(c, k, v))
    for key in _content():
        yield _mutation(f"config-unknown-key/{key}", lambda c, k=key: c.update({f"{k}s_": 1}))
        if key in ("app", "environment", "account", "region", "removal", "network", "datasets", "solutions"):
            yield _mutation(f"config-key-removed/{key}", lambda c, k=key: c.pop(k))


def _content() -> Content:
    return example.content()


def _mutation(mutation_id: str, change: Callable[[Content], Any]) -> Mutation:
    def noticed(thorough: bool) -> str | None:
        content = copy.deepcopy(_content())
        change(content)
        with TemporaryDirectory() as folder:
            (Path(folder) / "dev.yaml").write_text(yaml.safe_dump(content))
            try:
                load("dev", Path(folder))
            except ConfigError:
                return "config"
        return None

    return Mutation(mutation_id, noticed)


def _set(content: Content, key: str, value: Any) -> None:
    *parents, name = key.split(".")
    holder: Any = content
    for parent in parents:
        holder = holder[int(parent)] if parent.isdigit() else holder.setdefault(parent, {})
    holder[name] = value
