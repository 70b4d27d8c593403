"""Real jobs on local Spark, through the endpoint."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.glue import runtimes
from osusume_endpoint.testing import cloud as clouds
from osusume_endpoint.testing.cloud import ACCOUNT, Cloud, wait_for

pytestmark = pytest.mark.spark

ENDED = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED")
COUNT = """
import sys
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from extra import FACTOR
options = getResolvedOptions(sys.argv, ["JOB_NAME", "input", "output"])
spark = SparkSession.builder.appName(options["JOB_NAME"]).getOrCreate()
rows = spark.read.json(options["input"])
sums = rows.groupBy("k").sum("n").withColumnRenamed("sum(n)", "n").selectExpr("k", f"n * {FACTOR} as n")
sums.coalesce(1).write.mode("overwrite").partitionBy("k").json(options["output"])
print("SUMS", sorted((r.k, r.n) for r in spark.read.json(options["output"]).collect()))
"""
ISOLATION = """
import importlib, os, sys
for module in ("osusume_endpoint", "osusume_engine", "local", "lambdas", "glue_jobs", "tests"):
    sys.modules.pop(module, None)
    try:
        importlib.import_module(module)
    except ImportError:
        continue
    raise RuntimeError(f"{module} of the repository can be imported")
assert sys.stdin.read() == ""
import boto3
print("WHO", boto3.client("sts").get_caller_identity()["Arn"], os.environ["AWS_REGION"])
"""


class Jobs:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.glue = cloud.client("glue")

    def create(self, name: str, script: str, *, role: str = "glue-all", **options: Any) -> None:
        self.cloud.put("glue-code", f"{name}.py", script)
        job = {"Name": name, "Role": role, "GlueVersion": "5.1", **options}
        self.glue.create_job(
            Command={"Name": "glueetl", "ScriptLocation": f"s3://glue-code/{name}.py"}, **job
        )

    def start(self, name: str, **arguments: str) -> str:
        given = {f"--{key}": value for key, value in arguments.items()}
        return str(self.glue.start_job_run(JobName=name, Arguments=given)["JobRunId"])

    def until(self, name: str, run_id: str, states: tuple[str, ...] = ENDED) -> dict[str, Any]:
        look = lambda: self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]  # noqa: E731
        return wait_for(look, lambda run: run["JobRunState"] in states)  # type: ignore[no-any-return]

    def run(self, name: str, **arguments: str) -> dict[str, Any]:
        return self.until(name, self.start(name, **arguments))

    def log(self, run_id: str) -> str:
        return (self.cloud.home / "log" / "glue" / f"{run_id}.log").read_text()


@pytest.fixture(scope="session")
def jobs(cloud: Cloud) -> Jobs:
    cloud.bucket("glue-code")
    cloud.bucket("glue-data")
    cloud.role("glue-all", service="glue.amazonaws.com", actions=["s3:*"])
    cloud.role("glue-read", service="glue.amazonaws.com", actions=["s3:GetObject", "s3:ListBucket"])
    cloud.role("not-glue", service="lambda.amazonaws.com", actions=["s3:*"])
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("extra/__init__.py", "FACTOR = 10\n")
    cloud.put("glue-code", "extra.zip", package.getvalue())
    lines = "\n".join(json.dumps({"k": f"k{n % 2}", "n": n}) for n in range(10))
    cloud.put("glue-data", "in/1.json", lines)
    return Jobs(cloud)


def test_the_script_asset_runs_with_arguments_modules_and_s3(jobs: Jobs) -> None:
    defaults = {
        "--extra-py-files": "s3://glue-code/extra.zip",
        "--input": "s3://glue-data/in/",
        "--output": "wrong",
    }
    jobs.create("count", COUNT, DefaultArguments=defaults)
    run = jobs.run("count", output="s3://glue-data/out/")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert "SUMS [('k0', 200), ('k1', 250)]" in jobs.log(run["Id"])
    written = jobs.cloud.keys("glue-data", "out/")
    assert [key.rsplit("/", 1)[0] for key in written] == ["out", "out/k=k0", "out/k=k1"]
    assert run["CompletedOn"] >= run["StartedOn"] and "ErrorMessage" not in run


def test_a_role_without_put_object_fails_the_job_and_names_action_and_resource(jobs: Jobs) -> None:
    defaults = {"--extra-py-files": "s3://glue-code/extra.zip", "--input": "s3://glue-data/in/"}
    jobs.create("denied", COUNT, role="glue-read", DefaultArguments=defaults)
    run = jobs.run("denied", output="s3://glue-data/denied/")
    assert run["JobRunState"] == "FAILED"
    assert "AccessDenied" in run["ErrorMessage"] and "glue-read" in run["ErrorMessage"]
    assert "s3:PutObject on resource: arn:aws:s3:::glue-data/denied/" in run["ErrorMessage"]
    assert jobs.cloud.keys("glue-data", "denied/") == []


def test_a_role_that_glue_may_not_assume_fails_the_job(jobs: Jobs) -> None:
    jobs.create("untrusted", "print(1)", role="not-glue")
    run = jobs.run("untrusted")
    assert (run["JobRunState"], "assume role permissions" in run["ErrorMessage"]) == ("FAILED", True)


@pytest.mark.nightly
def test_the_script_sees_its_role_and_not_the_repository(jobs: Jobs) -> None:
    jobs.create("isolated", ISOLATION)
    run = jobs.run("isolated")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert f"WHO arn:aws:sts::{ACCOUNT}:assumed-role/glue-all/GlueJobRunnerSession" in jobs.log(run["Id"])


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("script", "state", "message"),
    [
        ("raise ValueError('no such thing')", "FAILED", "ValueError: no such thing"),
        ("import sys; sys.exit(0)", "SUCCEEDED", None),
    ],
)
def test_the_end_of_the_script_is_the_end_of_the_run(
    jobs: Jobs, script: str, state: str, message: str | None
) -> None:
    name = f"ends-{abs(hash(script))}"
    jobs.create(name, script)
    run = jobs.run(name)
    assert (run["JobRunState"], run.get("ErrorMessage")) == (state, message)


def test_a_missing_script_is_named(jobs: Jobs) -> None:
    jobs.create("scriptless", "print(1)")
    jobs.cloud.client("s3").delete_object(Bucket="glue-code", Key="scriptless.py")
    run = jobs.run("scriptless")
    assert run["JobRunState"] == "FAILED" and "s3://glue-code/scriptless.py" in run["ErrorMessage"]


@pytest.mark.nightly
def test_concurrent_runs_are_limited_and_a_run_can_be_stopped(jobs: Jobs) -> None:
    jobs.create("slow", "import time; time.sleep(120)", ExecutionProperty={"MaxConcurrentRuns": 1})
    run_id = jobs.start("slow")
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        jobs.start("slow")
    jobs.until("slow", run_id, ("RUNNING",))
    answer = jobs.glue.batch_stop_job_run(JobName="slow", JobRunIds=[run_id, "jr_unknown"])
    assert [stopped["JobRunId"] for stopped in answer["SuccessfulSubmissions"]] == [run_id]
    assert [error["ErrorDetail"]["ErrorCode"] for error in answer["Errors"]] == ["EntityNotFoundException"]
    assert jobs.until("slow", run_id)["JobRunState"] == "STOPPED"


def test_a_killed_worker_fails_the_run_with_a_message(jobs: Jobs) -> None:
    jobs.create("killed", "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(120)")
    run_id = jobs.start("killed")
    jobs.until("killed", run_id, ("RUNNING",))
    told = wait_for(lambda: list((jobs.cloud.home / "glue").glob("*/work/pid")), bool)
    pid = wait_for(lambda: told[0].read_text(), bool)
    children = psutil.Process(int(pid)).children(recursive=True)
    os.kill(int(pid), signal.SIGKILL)
    run = jobs.until("killed", run_id)
    assert run["JobRunState"] == "FAILED" and "was killed before the script ended" in run["ErrorMessage"]
    assert children, "the JVM is a child of the worker"
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.nightly
def test_a_failed_run_is_tried_again_as_a_new_run(jobs: Jobs) -> None:
    jobs.create("retried", "raise ValueError('again')", MaxRetries=1)
    first = jobs.start("retried")
    look = lambda: jobs.glue.get_job_runs(JobName="retried")["JobRuns"]  # noqa: E731
    runs = wait_for(look, lambda seen: len(seen) == 2 and all(r["JobRunState"] in ENDED for r in seen))
    assert [(run["Attempt"], run["JobRunState"]) for run in runs] == [(1, "FAILED"), (0, "FAILED")]
    assert runs[0]["PreviousRunId"] == first and runs[0]["Id"] == f"{first}_attempt_1"


@pytest.mark.nightly
def test_static_settings_get_a_jvm_of_their_own(jobs: Jobs) -> None:
    script = """
from pyspark.sql import SparkSession
conf = SparkSession.builder.getOrCreate().conf
print("CONF", conf.get("spark.task.maxFailures"), conf.get("spark.sql.shuffle.partitions"))
"""
    jobs.create("static", script)
    run = jobs.run("static", conf="spark.task.maxFailures=9 --conf spark.sql.shuffle.partitions=5")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert "CONF 9 5" in jobs.log(run["Id"])


def test_create_job_needs_pass_role(jobs: Jobs) -> None:
    jobs.cloud.role("creator", service="lambda.amazonaws.com", actions=["glue:*"])
    with pytest.raises(ClientError, match=r"iam:PassRole on resource: arn:aws:iam::\d+:role/glue-all"):
        jobs.cloud.client("glue", "creator").create_job(
            Name="x", Role="glue-all", Command={"Name": "glueetl", "ScriptLocation": "s3://glue-code/x.py"}
        )


def test_a_job_of_another_kind_is_refused_when_it_is_started(jobs: Jobs) -> None:
    jobs.glue.create_job(
        Name="shell",
        Role="glue-all",
        Command={"Name": "pythonshell", "ScriptLocation": "s3://glue-code/x.py"},
    )
    with pytest.raises(ClientError, match="pythonshell"):
        jobs.start("shell")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        jobs.start("no-such-job")


def test_jobs_of_templates_keep_their_execution_property(jobs: Jobs) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://glue-code/slow.py"}
    properties = {"Name": "templated", "Role": "glue-all", "GlueVersion": "5.1", "Command": command,
                  "ExecutionProperty": {"MaxConcurrentRuns": 3}}  # fmt: skip
    jobs.cloud.deploy("templated", {"Job": {"Type": "AWS::Glue::Job", "Properties": properties}})
    job = jobs.glue.get_job(JobName="templated")["Job"]
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 3}


def test_jdbc_reads_the_embedded_database_though_the_script_asks_for_tls(jobs: Jobs) -> None:
    cluster = {
        "Type": "AWS::RDS::DBCluster",
        "Properties": {"Engine": "aurora-postgresql", "DatabaseName": "jdbc", "MasterUsername": "jdbc_user",
                       "MasterUserPassword": "jdbc-password"},
    }  # fmt: skip
    port = jobs.cloud.deploy("jdbc", {"C": cluster}, {"Port": {"Fn::GetAtt": ["C", "Endpoint.Port"]}})["Port"]
    jobs.create(
        "jdbc",
        f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
certificates = spark._jvm.java.lang.System.getProperty("RDS_ROOT_CERT_PATH")
print("CERTIFICATES", certificates)
url = f"jdbc:postgresql://127.0.0.1:{port}/jdbc?sslmode=verify-full&sslrootcert={{certificates}}"
login = {{"user": "jdbc_user", "password": "jdbc-password", "driver": "org.postgresql.Driver"}}
spark.range(5).write.jdbc(url, "numbers", mode="overwrite", properties=login)
read = spark.read.format("jdbc").options(url=url, dbtable="numbers", fetchsize="10000", **login).load()
print("READ", read.groupBy().sum("id").first()[0])
java = spark._jvm
properties = java.java.util.Properties()
properties.setProperty("user", "jdbc_user")
properties.setProperty("password", "jdbc-password")
connected = java.org.postgresql.Driver().connect(url, properties)
rows = connected.prepareStatement("select count(*) from numbers").executeQuery()
rows.next()
print("COUNTED", rows.getString(1))
""",
    )
    run = jobs.run("jdbc")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert "READ 10" in jobs.log(run["Id"])
    assert "COUNTED 5" in jobs.log(run["Id"])
    assert "CERTIFICATES /opt/amazon/certs/" in jobs.log(run["Id"])


VERSIONS = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("RUNS", spark.version, sys.version_info[:2], spark.conf.get("spark.sql.ansi.enabled"))
"""
NEEDS_SPARK_4 = pytest.mark.skipif(
    not runtimes.has_spark_4(), reason="Glue 6.0's Spark is not installed: make spark4"
)


@NEEDS_SPARK_4
@pytest.mark.nightly
def test_a_job_of_glue_6_runs_on_spark_4_and_python_3_13_beside_one_of_5_1(jobs: Jobs) -> None:
    jobs.create("six", VERSIONS, GlueVersion="6.0")
    jobs.create("five", VERSIONS)
    six, five = jobs.run("six"), jobs.run("five")
    assert (six["JobRunState"], six["GlueVersion"]) == ("SUCCEEDED", "6.0"), six.get("ErrorMessage")
    assert "RUNS 4.1.1 (3, 13) true" in jobs.log(six["Id"])
    assert "RUNS 3.5.6" in jobs.log(five["Id"]) and "false" in jobs.log(five["Id"])


@NEEDS_SPARK_4
@pytest.mark.nightly
def test_a_job_of_glue_6_reads_and_writes_s3_with_its_modules_arguments_and_role(jobs: Jobs) -> None:
    defaults = {"--extra-py-files": "s3://glue-code/extra.zip", "--input": "s3://glue-data/in/"}
    jobs.create("count-six", COUNT, GlueVersion="6.0", DefaultArguments=defaults)
    run = jobs.run("count-six", output="s3://glue-data/out-six/")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert "SUMS [('k0', 200), ('k1', 250)]" in jobs.log(run["Id"])
    written = jobs.cloud.keys("glue-data", "out-six/")
    assert [key.rsplit("/", 1)[0] for key in written] == ["out-six", "out-six/k=k0", "out-six/k=k1"]
    jobs.create("isolated-six", ISOLATION, GlueVersion="6.0")
    run = jobs.run("isolated-six")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert f"WHO arn:aws:sts::{ACCOUNT}:assumed-role/glue-all/GlueJobRunnerSession" in jobs.log(run["Id"])


@pytest.mark.nightly
def test_nothing_outlives_a_killed_endpoint(tmp_path: Path) -> None:
    with clouds.running(tmp_path) as cloud:
        cloud.bucket("glue-code")
        cloud.role("glue-all", service="glue.amazonaws.com", actions=["s3:*"])
        jobs = Jobs(cloud)
        jobs.create("endless", "import time; time.sleep(300)")
        jobs.until("endless", jobs.start("endless"), ("RUNNING",))
        started = psutil.Process(cloud.process.pid).children(recursive=True)
        names = {process.name() for process in started}
        assert {"java", "postgres"} <= names, names
        server = json.loads((tmp_path / "state.json").read_text())["server_pid"]
        os.kill(cloud.process.pid, signal.SIGKILL)
        os.kill(server, signal.SIGKILL)
        _, alive = psutil.wait_procs(started, timeout=20)
        assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
