"""Starts Spark's JVM the fast way: straight from java, C1 compiler, serial collector, class data archive.

`spark-submit` runs a shell and a first JVM only to print this command line. A fresh session that writes and
reads a small file costs 17 s of CPU with Spark's defaults, 9 s with C1 and SerialGC, 4.5 s with the archive.
`python -m osusume_endpoint.glue.jvm archive` makes the archive (25 s of CPU, 150 MB); without it everything works.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osusume_endpoint import java

START_SECONDS = 120.0

# What Spark's own launcher opens on Java 17 and newer (JavaModuleOptions).
_OPENED = (
    "java.base/java.lang java.base/java.lang.invoke java.base/java.lang.reflect java.base/java.io "
    "java.base/java.net java.base/java.nio java.base/java.util java.base/java.util.concurrent "
    "java.base/java.util.concurrent.atomic java.base/jdk.internal.ref java.base/sun.nio.ch "
    "java.base/sun.nio.cs java.base/sun.security.action "
    "java.base/sun.util.calendar java.security.jgss/sun.security.krb5"
).split()

_FAST = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xshare:auto")

# Glue's Java machines name the file of RDS's certificates so; here there is none, and jdbc.py takes its name out.
RDS_CERTIFICATES = ("RDS_ROOT_CERT_PATH", "/opt/amazon/certs/rds-combined-ca-bundle.pem")

DEFAULTS: Mapping[str, str] = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
}


class JvmFailed(RuntimeError):
    """The JVM ended before it told its port."""


def memory() -> str:
    """Heap of the one JVM that is driver and executor, e.g. "1g"."""
    return os.environ.get("OSUSUME_SPARK_MEMORY", "1g")


def classpath() -> str:
    parts = [f"{_pyspark()}/jars/*"]
    try:
        parts.append(str(java.jdbc_driver()))
    except java.DriverMissing as error:
        print(f"Spark starts without the PostgreSQL driver. {error}", file=sys.stderr)
    return os.pathsep.join(parts)


def archive_path() -> Path:
    return Path(sys.prefix) / "share" / "osusume" / "spark.jsa"


def command(*, conf: Mapping[str, str], scratch: Path, options: tuple[str, ...] = ()) -> list[str]:
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED]
    archive = [f"-XX:SharedArchiveFile={archive_path()}"] if archive_path().exists() and not options else []
    properties = {
        "spark.local.dir": str(scratch / "spark"),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.driver.memory": memory(),
        **DEFAULTS,
        **conf,
    }
    given = [part for name, value in properties.items() for part in ("--conf", f"{name}={value}")]
    return [
        str(java.java_home() / "bin" / "java"),
        *_FAST,
        *archive,
        *options,
        *opened,
        "-Djdk.reflect.useDirectMethodHandle=false",
        f"-D{RDS_CERTIFICATES[0]}={RDS_CERTIFICATES[1]}",
        f"-Djava.io.tmpdir={scratch}",
        f"-Dderby.system.home={scratch}",
        f"-Xmx{properties['spark.driver.memory']}",
        "-cp",
        classpath(),
        "org.apache.spark.deploy.SparkSubmit",
        *given,
        "pyspark-shell",
    ]


def start(
    *, conf: Mapping[str, str], scratch: Path, options: tuple[str, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start the JVM and point pyspark at it. It ends with this process: its stdin closes."""
    told = scratch / "gateway"
    environment = {
        **os.environ,
        "JAVA_HOME": str(java.java_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(told),
    }
    (scratch / "spark").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        command(conf=conf, scratch=scratch, options=options), stdin=subprocess.PIPE, env=environment
    )
    _wait_for(told, process)
    _connect_pyspark(told)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """The JVM ends when its stdin does. A session that is made later starts another."""
    from pyspark import SparkContext

    if SparkContext._gateway is not None:
        SparkContext._gateway.shutdown()  # or Python's collector sends to a socket that is closed
        SparkContext._gateway = SparkContext._jvm = None
    if process.stdin:
        process.stdin.close()
    process.wait(60)


def _wait_for(told: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not told.exists():
        if process.poll() is not None:
            raise JvmFailed(f"Spark's JVM ended with code {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            process.kill()
            raise JvmFailed(f"Spark's JVM was not ready within {START_SECONDS:.0f} s")
        time.sleep(0.02)


def _connect_pyspark(told: Path) -> None:
    """pyspark takes a gateway from the environment instead of starting spark-submit."""
    from pyspark.serializers import UTF8Deserializer, read_int

    with told.open("rb") as file:
        os.environ["PYSPARK_GATEWAY_PORT"] = str(read_int(file))
        os.environ["PYSPARK_GATEWAY_SECRET"] = UTF8Deserializer().loads(file)
    os.environ["PYSPARK_PYTHON"] = sys.executable


def session() -> Any:
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def warm_up(spark: Any, scratch: Path) -> None:
    """Load what nearly every job uses: the planner, code generation, parquet and csv."""
    folder = f"file://{scratch}/warm"
    frame = spark.range(100).selectExpr("id", "id % 7 as part", "cast(id as string) as text")
    frame.groupBy("part").count().write.parquet(f"{folder}/parquet")
    frame.write.option("header", "true").csv(f"{folder}/csv")
    spark.read.parquet(f"{folder}/parquet").join(frame, "part").collect()
    spark.read.option("header", "true").csv(f"{folder}/csv").count()


def archive() -> Path:
    """Makes the archive in a process whose chatter is kept back. Raises JvmFailed, with its last words."""
    made = subprocess.run(
        [sys.executable, "-m", __spec__.name, "archive-here"], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise JvmFailed(f"No class data archive:\n{(made.stdout + made.stderr)[-2000:]}")
    return archive_path()


def make_archive() -> Path:
    """Dump the classes of a small session into an archive that later JVMs map."""
    target = archive_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        classes = scratch / "classes"
        process = start(conf={}, scratch=scratch, options=(f"-XX:DumpLoadedClassList={classes}",))
        spark = session()
        warm_up(spark, scratch)
        spark.stop()
        stop(process)
        _dump(classes=classes, target=target)
    return target


def _dump(*, classes: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    dump = [
        "-Xshare:dump",
        *_FAST[:2],
        f"-XX:SharedClassListFile={classes}",
        f"-XX:SharedArchiveFile={partial}",
    ]
    java_binary = str(java.java_home() / "bin" / "java")
    result = subprocess.run(
        [java_binary, *dump, "-Xlog:cds=off", "-cp", classpath()], capture_output=True, text=True, check=False
    )
    if result.returncode or not partial.exists():
        raise JvmFailed(f"No class data archive: {result.stdout[-500:]} {result.stderr[-500:]}")
    partial.rename(target)


def _pyspark() -> Path:
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package pyspark is not installed: run `make install`")
    return Path(spec.origin).parent


if __name__ == "__main__":
    commands = {"archive": archive, "archive-here": make_archive}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        raise SystemExit("usage: python -m osusume_endpoint.glue.jvm archive")
    commands[sys.argv[1]]()
