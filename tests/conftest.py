"""For every test, and every process that a test starts, the example's variations are the configuration.

What asks something of config/ itself says so: it passes `example.CONFIG`.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from tests import example

# Files of minutes. Processes take files in the order of collection: one of these at the end would run alone.
LONGEST = (
    "glue_jobs/test_build_datasets.py",
    "checks/test_shipped.py",
    "warehouse/test_marts.py",
    "warehouse/test_experiments.py",
    "warehouse/test_redshift.py",
    "warehouse/test_names.py",
    "test_fork.py",
    "checks/test_examples.py",
    "glue_jobs/test_postprocess_recommendations.py",
    "lambdas/test_run_dbt.py",
    "checks/test_rules.py",
    "demo/test_own_files_roundtrip.py",
    "checks/test_replacement.py",
)

os.environ["OSUSUME_CONFIG"] = str(example.folder())


def pytest_configure() -> None:
    """No property fails on the seconds that an example takes; the environment of Spark 4 has no Hypothesis."""
    with contextlib.suppress(ModuleNotFoundError):
        from hypothesis import settings

        settings.register_profile("untimed", deadline=None)
        settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ranks = {here / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
