"""Two endpoints: one that has run something of each kind (a function, a Glue job, PostgreSQL, S3), one to attack."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running
from osusume_endpoint.testing.raw import effects

USED_PLUGINS = "iam,cloudformation,cloudwatch,lambda,dynamodb,s3,glue,rds,redshift,personalize,guard"
CODE = "import pathlib, tempfile\ndef handler(event, context):\n    pathlib.Path(tempfile.gettempdir(), 'x').touch()\n"
JOB = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rows = spark.read.option("recursiveFileLookup", "true").text("s3://bucket/in/")
print("READ", sorted(row.value for row in rows.collect()))
rows.write.mode("overwrite").text("s3://bucket/out/")
"""
INTERACTION = {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"}
RECIPE = "arn:aws:personalize:::recipe/aws-popularity-count"
# Keys of S3 that are no paths, one of them hostile.
KEYS = (
    "in/plain",
    "in/a/../b",
    "in/../../../../../../../../../../../../tmp/osusume-escaped",
    "in/x//y",
    "in/end/",
)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder as an older version left it: open to all."""
    home = tmp_path_factory.mktemp("used")
    home.chmod(0o755)
    (home / "s3").mkdir()
    (home / "s3" / "old").write_text("of an older version")
    (home / "s3" / "old").chmod(0o644)
    return home


@pytest.fixture(scope="session")
def used(home: Path) -> Iterator[Endpoint]:
    before = os.umask(0o022)  # the user's shell decides nothing
    try:
        with running.running(home, plugins=USED_PLUGINS) as endpoint:
            _use(endpoint)
            yield endpoint
    finally:
        os.umask(before)


def _use(endpoint: Endpoint) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": running.REGION})
    for key in KEYS:
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
    running.invoke(endpoint, running.make_function(endpoint, CODE))
    _run_postgres(endpoint)
    _run_job(endpoint)
    _train(endpoint)


def _train(endpoint: Endpoint) -> None:
    """An import and a training: the child processes of the learner stay for a while after them."""
    personalize = endpoint.client("personalize")
    group = personalize.create_dataset_group(name="group")["datasetGroupArn"]
    fields = [{"name": name, "type": kind} for name, kind in INTERACTION.items()]
    schema = {"type": "record", "name": "Interactions", "namespace": "n", "fields": fields, "version": "1.0"}
    made = personalize.create_schema(name="schema", schema=json.dumps(schema))["schemaArn"]
    _until_active(personalize, "dataset_group", group)
    dataset = personalize.create_dataset(
        name="dataset", schemaArn=made, datasetGroupArn=group, datasetType="INTERACTIONS"
    )["datasetArn"]
    _until_active(personalize, "dataset", dataset)
    imported = personalize.create_dataset_import_job(
        jobName="import", datasetArn=dataset, dataSource=_interactions(endpoint), roleArn=_reader(endpoint)
    )["datasetImportJobArn"]
    _until_active(personalize, "dataset_import_job", imported)
    solution = personalize.create_solution(
        name="solution", datasetGroupArn=group, recipeArn=RECIPE, performAutoTraining=False
    )["solutionArn"]
    _until_active(personalize, "solution", solution)
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    _until_active(personalize, "solution_version", version)


def _interactions(endpoint: Endpoint) -> dict[str, str]:
    rows = [f"u{n % 50},i{n % 40},{1_700_000_000 + n}" for n in range(1_200)]
    body = "\n".join([",".join(INTERACTION), *rows]).encode()
    endpoint.client("s3").put_object(Bucket="bucket", Key="interactions.csv", Body=body)
    return {"dataLocation": "s3://bucket/interactions.csv"}


def _reader(endpoint: Endpoint) -> str:
    """The role of the import, let in by the bucket as well."""
    service = "personalize.amazonaws.com"
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
        },
    }
    endpoint.client("s3").put_bucket_policy(Bucket="bucket", Policy=json.dumps(policy))
    return running.make_role(endpoint, running.allow("s3:GetObject", "s3:ListBucket"), service=service)


def _until_active(personalize: Any, kind: str, arn: str) -> None:
    words = kind.split("_")
    member = words[0] + "".join(word.title() for word in words[1:])
    describe = getattr(personalize, f"describe_{kind}")

    def status() -> str:
        return str(describe(**{f"{member}Arn": arn})[member]["status"])

    running.eventually(lambda: status() not in ("CREATE PENDING", "CREATE IN_PROGRESS"), seconds=240)
    assert status() == "ACTIVE", (arn, status())


def _run_postgres(endpoint: Endpoint) -> None:
    endpoint.client("rds").create_db_cluster(
        DBClusterIdentifier="shop",
        Engine="aurora-postgresql",
        EngineVersion="17.5",
        MasterUsername="master",
        MasterUserPassword="a-password-of-the-test",
        DatabaseName="shop",
    )


def _run_job(endpoint: Endpoint) -> None:
    glue, s3 = endpoint.client("glue"), endpoint.client("s3")
    s3.put_object(Bucket="bucket", Key="job.py", Body=JOB.encode())
    role = running.make_role(endpoint, running.allow("s3:*"), service="glue.amazonaws.com")
    glue.create_job(
        Name="job",
        Role=role,
        GlueVersion="5.1",
        Command={"Name": "glueetl", "ScriptLocation": "s3://bucket/job.py"},
    )
    run = glue.start_job_run(JobName="job")["JobRunId"]
    end = time.monotonic() + 240
    while (state := glue.get_job_run(JobName="job", RunId=run)["JobRun"])["JobRunState"] in (
        "STARTING",
        "RUNNING",
    ):
        assert time.monotonic() < end, "The job did not end"
        time.sleep(0.2)
    assert state["JobRunState"] == "SUCCEEDED", state.get("ErrorMessage")


SECRET_BUCKET, SECRET = "kept-secret", b"what nobody else may read"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An endpoint with something in it that an attack could read, or wipe."""
    home: Path = tmp_path_factory.mktemp("attacked")
    with running.running(home, plugins=f"{running.PLUGINS},faults") as endpoint:
        s3 = endpoint.client("s3")
        where = {"LocationConstraint": endpoint.region}
        s3.create_bucket(Bucket=SECRET_BUCKET, CreateBucketConfiguration=where)
        s3.put_object(Bucket=SECRET_BUCKET, Key="secret", Body=SECRET)
        yield endpoint


@pytest.fixture(scope="module")
def untouched(cloud: Endpoint) -> Iterator[None]:
    """The attacks of a module leave nothing behind, and nothing is gone."""
    before = effects(cloud)
    assert SECRET_BUCKET in before["buckets"]
    yield
    assert effects(cloud) == before
