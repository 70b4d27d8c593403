"""The same build on Glue 5.1's Spark, here, and on Glue 6.0's, in the environment beside: every output row by row."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.glue import runner, runtimes
from tests.glue_jobs.conftest import ON_SPARK_4
from tests.glue_jobs.test_build_datasets import EARLIER, NOW, RUN, World, event, keys_of
from tests.glue_jobs.test_on_duckdb import DATASETS, compare, extracted, logged, nasty, world

__all__ = ["world"]
ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.spark,
    pytest.mark.nightly,
    pytest.mark.skipif(ON_SPARK_4, reason="started from the environment of Glue 5.1"),
    pytest.mark.skipif(
        not runtimes.has_spark_4(),
        reason="Glue 6.0's Spark is not installed: make spark4",
    ),
]

# As the endpoint runs a job of Glue 6.0: nothing is set that the job itself doesn't set.
ON_GLUE_6 = """
import json, sys, tempfile
from pathlib import Path
from osusume_endpoint.glue import jvm
from glue_jobs import session
from tests.glue_jobs.test_build_datasets import World
root = Path(sys.argv[1])
jvm.start(conf={}, scratch=Path(tempfile.mkdtemp()))
spark = session.start("both")
session.SCHEME = f"file://{root}/"
world = World(spark, root)
for build in json.load(sys.stdin):
    world.build(**build)
print(spark.version, sys.version_info[:2], spark.conf.get("spark.sql.ansi.enabled"))
spark.stop()
"""


def on_glue_6(root: Path, builds: list[dict[str, Any]]) -> str:
    """The last line that the process printed."""
    done = subprocess.run(
        [runtimes.python_of("6.0"), "-c", ON_GLUE_6, str(root)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(runner.SHIM)])},
        input=json.dumps(builds),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()[-1]


def built_by_both(world: World, builds: list[dict[str, Any]]) -> None:
    other = world.root.with_name("glue-6")
    shutil.copytree(world.root / "raw", other / "raw")
    for build in builds:
        world.build(**build)
    assert on_glue_6(other, builds) == "4.1.1 (3, 13) true"
    compare(world, other, builds)


def test_every_output_of_both_versions_is_the_same_row_by_row(world: World) -> None:
    nasty(world)
    built_by_both(world, [{"ttl": "until", "keep_expired_days": 9, "datasets": DATASETS}])
    counts = world.report()["datasets"]["interactions"]
    assert counts["kept"] > 30 and len(counts["quarantined"]) > 8, "nothing nasty was left to compare"


def test_a_run_that_adds_to_another_is_the_same_on_both_versions(world: World) -> None:
    extracted(world, EARLIER)
    world.export(*logged(), run=EARLIER)
    extracted(world, RUN)
    at = {"WriteTimestampMicros": {"N": str(int(NOW.timestamp()) * 1_000_000)}}
    gone, new = event("t0", user="plain", item="plain"), event("t1", user="日本", item="i9")
    world.export_lines(
        {"Metadata": at, "Keys": keys_of(gone), "OldImage": gone},
        {"Metadata": at, "Keys": keys_of(new), "NewImage": new},
        {"Metadata": at, "Keys": keys_of(event("worse")), "NewImage": event("worse", item=None)},
    )
    same = {"ttl": "until", "keep_expired_days": 9, "datasets": DATASETS}
    built_by_both(world, [{"run": EARLIER, **same}, {"mode": "incremental", "previous": EARLIER, **same}])
    assert world.report()["datasets"]["interactions"]["newly_quarantined"]["missing_item_id"] == 1
