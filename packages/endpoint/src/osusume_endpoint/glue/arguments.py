"""What a Glue job's arguments mean: which reach the script, which configure Spark, which are not emulated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.glue import runtimes

# What a version sets before the job's own settings. Spark 4 is so by default, too.
SPARK_CONF_OF_VERSION: Mapping[str, Mapping[str, str]] = {"6.0": {"spark.sql.ansi.enabled": "true"}}

# How Spark reaches S3 on Glue; here the bridge does it (s3bridge.py), which has one region.
OF_S3A = "spark.hadoop.fs.s3a."

# Arguments that change what runs, and that the local runtime would have to ignore.
NOT_EMULATED = {
    "--extra-jars": "Java libraries",
    "--datalake-formats": "Iceberg, Delta and Hudi",
    "--additional-python-modules": "installing modules when the job starts (use --extra-py-files)",
    "--class": "Scala jobs",
}


@dataclass(frozen=True)
class Resolved:
    script: list[str]  # sys.argv[1:]
    runtime_conf: dict[str, str] = field(default_factory=dict)
    static_conf: dict[str, str] = field(default_factory=dict)  # needs a JVM of its own
    modules: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def merge(job: Mapping[str, Any], given: Mapping[str, str], *, run_id: str) -> dict[str, str]:
    """Run arguments win over the defaults, NonOverridableArguments over both."""
    identity = {"--JOB_NAME": job["Name"], "--JOB_RUN_ID": run_id, "--JOB_ID": f"j_{job['Name']}"}
    merged = {**(job.get("DefaultArguments") or {}), **identity, **given}
    return {k: str(v) for k, v in {**merged, **(job.get("NonOverridableArguments") or {})}.items()}


def resolve(job: Mapping[str, Any], merged: Mapping[str, str]) -> Resolved:
    given = {k: v for k, v in parse_conf(merged.get("--conf", "")).items() if not k.startswith(OF_S3A)}
    conf = {**SPARK_CONF_OF_VERSION.get(version_of(job), {}), **given}
    return Resolved(
        script=[part for name, value in merged.items() for part in (name, value) if part != ""],
        runtime_conf={k: v for k, v in conf.items() if is_runtime(k)},
        static_conf={k: v for k, v in conf.items() if not is_runtime(k)},
        modules=_paths(merged, "--extra-py-files"),
        files=_paths(merged, "--extra-files"),
    )


def _paths(merged: Mapping[str, str], name: str) -> list[str]:
    return [path.strip() for path in merged.get(name, "").split(",") if path.strip()]


def parse_conf(text: str) -> dict[str, str]:
    """`a=b --conf c=d`, the form in which Glue's one --conf argument carries several settings."""
    parts = [part.strip() for part in re.split(r"--conf[\s=]+", text) if part.strip()]
    return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in parts)}


def is_runtime(name: str) -> bool:
    """Whether a running session can take the setting."""
    static = ("spark.sql.warehouse.dir", "spark.sql.extensions", "spark.sql.catalogImplementation")
    return name.startswith("spark.sql.") and not name.startswith(static)


def version_of(job: Mapping[str, Any]) -> str:
    return str(job.get("GlueVersion") or "")


def python_of(job: Mapping[str, Any]) -> str:
    """The interpreter that runs the job. Raises InvalidInputException where it isn't installed."""
    try:
        return runtimes.python_of(version_of(job))
    except runtimes.NotInstalled as error:
        message = f"Job {job['Name']}: GlueVersion {version_of(job)!r} {error}"
        raise ApiError("InvalidInputException", message) from None


def check_job(job: Mapping[str, Any]) -> None:
    """Raises InvalidInputException for a job that the local runtime cannot run faithfully."""
    command = job.get("Command") or {}
    if command.get("Name") != "glueetl":
        raise _refused(job, f"Command.Name {command.get('Name')!r}", "glueetl")
    if version_of(job) not in runtimes.VERSIONS:
        raise _refused(job, f"GlueVersion {version_of(job)!r}", ", ".join(runtimes.VERSIONS))
    python_of(job)
    if not str(command.get("ScriptLocation", "")).startswith("s3://"):
        raise _refused(job, f"ScriptLocation {command.get('ScriptLocation')!r}", "s3:// locations")


def check_arguments(job: Mapping[str, Any], merged: Mapping[str, str]) -> None:
    for name, what in NOT_EMULATED.items():
        if merged.get(name):
            raise _refused(job, f"argument {name} ({what})", "jobs without it")
    language = merged.get("--job-language", "python")
    if language != "python":
        raise _refused(job, f"--job-language {language}", "python")


def _refused(job: Mapping[str, Any], what: str, supported: str) -> ApiError:
    message = f"Job {job['Name']}: {what} is not emulated by the local endpoint; it runs {supported}"
    return ApiError("InvalidInputException", message)
