from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint import glue

# The jobs import awsglue.utils, which only Glue has: the laptop runtime's stand-in.
sys.path.insert(0, str(Path(glue.__file__).with_name("shim")))


def jdbc_driver() -> str:
    from osusume_endpoint import java

    try:
        return str(java.jdbc_driver())
    except java.DriverMissing:
        return ""


# In .venv-spark4 every test runs as on Glue 6.0. In .venv, which has Glue 5.1's Spark, those of the transformations,
# which cost little, run in 6.0's ANSI mode too.
ON_SPARK_4 = version("pyspark").startswith("4.")
ON_BOTH = ("test_application_log", "test_entities", "test_interactions", "test_text", "test_times")
ANSI = {"Glue 5.1": "false", "Glue 6.0": "true"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "glue_version" in metafunc.fixturenames:
        metafunc.parametrize("glue_version", _versions(metafunc), indirect=True)


def _versions(metafunc: pytest.Metafunc) -> list[str]:
    if ON_SPARK_4:
        return ["Glue 6.0"]
    module = metafunc.module.__name__.rpartition(".")[2]
    return list(ANSI) if module in ON_BOTH and "spark" in metafunc.fixturenames else ["Glue 5.1"]


@pytest.fixture(autouse=True)
def glue_version(request: pytest.FixtureRequest) -> str:
    """Spark's ANSI mode is off on Glue 5.1 (Spark 3.5) and on by default on Glue 6.0 (Spark 4.1)."""
    wanted = str(request.param)
    if "spark" in request.fixturenames:
        request.getfixturevalue("spark").conf.set("spark.sql.ansi.enabled", ANSI[wanted])
    return wanted


# On a handful of rows, planning again and compiling code cost more than they save.
CONF = {
    "spark.app.name": "tests",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session of the Spark that is installed, started as the endpoint starts it."""
    from osusume_endpoint.glue import jdbc, jvm

    before = dict(os.environ)
    process = jvm.start(conf=CONF, scratch=tmp_path_factory.mktemp("spark"))
    session = jvm.session()
    from glue_jobs.session import configured

    configured(session)
    session.sparkContext.setLogLevel("ERROR")
    jdbc.install()  # the embedded server has no TLS
    yield session
    session.stop()
    jvm.stop(process)
    os.environ.clear()
    os.environ.update(before)
