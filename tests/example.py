"""What tests use for a configuration: tests/example.yaml and variations of it, never what config/ holds."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from config import files
from config.settings import Settings

FILE = Path(__file__).with_name("example.yaml")
EXPERIMENTS = Path(__file__).with_name("experiments.yaml")
# What is a fork's own: only checked to load, to synthesize and to have no finding.
CONFIG = Path(__file__).parents[1] / "config"
Content = dict[str, Any]

# One that may be thrown away, and one that keeps its data, is larger, and tells people of failures.
VARIATIONS: Mapping[str, Content] = {
    "dev": {},
    "prod": {
        "environment": "prod",
        "account": "222222222222",
        "removal": "retain",
        "network": {"cidr": "10.30.0.0/16", "nat_gateways": 3},
        "sources": {"aurora": {"max_capacity": 16}},
        "etl": {"workers": 10, "timeout_minutes": 240},
        "schedule": {"training": "cron(0 2 ? * SUN *)"},
        "api": {"rate_per_second": 500, "burst": 1000},
        "analytics": {"base_capacity_rpu": 32},
        "alerts": {"email": "recommendations-alerts@example.com"},
        "log_retention_days": 365,
    },
}


def content(variation: str = "dev", **changes: Any) -> Content:
    """The file's keys; sections among the changes are merged, as an environment's file is over common.yaml."""
    return files.merged(files.merged(files.content(FILE), VARIATIONS[variation]), changes)


def experiments() -> Content:
    """Those of experiments.yaml, an experiment among them; example.yaml has none."""
    return files.content(EXPERIMENTS)


def settings(variation: str = "dev", **changes: Any) -> Settings:
    return Settings.model_validate(content(variation, **changes))


@cache
def folder() -> Path:
    """A folder as config/ is, with a file for each variation; for what runs in a process of its own."""
    made = Path(tempfile.mkdtemp(prefix="osusume-example-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for variation in VARIATIONS:
        (made / f"{variation}.yaml").write_text(yaml.safe_dump(content(variation), sort_keys=False))
    return made
