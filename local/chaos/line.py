"""The deployed line as chaos drives it: runs the pipeline, and looks at everything that a run may leave."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from io import StringIO
from typing import Any
from urllib.parse import quote

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from config import layout
from config.settings import Settings
from local import cli
from local.demo import loader, progress, story, tables
from local.demo.deployed import EXPORTED_AFTER_SECONDS, Deployed
from local.demo.generated import generate
from local.demo.history import Execution, Failure
from operations.place import Place, Refused
from osusume_endpoint import state
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.faults.client import Faults
from osusume_endpoint.faults.kills import LAST_REPORT
from osusume_endpoint.signed import RequestRefused

# What a caller meets whose endpoint dies.
GONE = (BotoCoreError, ClientError, OSError, Refused, RequestRefused)
SAVED_SECONDS = 5.0  # the endpoint saves what it knows when it was left alone for three
DIES_SECONDS = 15.0


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `status` is that of the execution, NOT ENDED, or KILLED with the endpoint."""

    status: str
    seconds: float
    run_id: str = ""
    failure: Failure | None = None
    workflow: str = "pipeline"
    arn: str = ""

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"

    @property
    def publishes(self) -> bool:
        return self.succeeded and self.workflow == "pipeline"


KILLED = "KILLED"


class TookTooLong(Exception):
    """A run had not ended in time."""


@dataclass(frozen=True)
class Line(Deployed):
    """No fault hits the administrator, who looks."""

    endpoint: Endpoint
    settings: Settings

    @property
    def faults(self) -> Faults:
        return Faults(self.endpoint.url, self.endpoint.region, self.endpoint.administrator)

    @property
    def lists(self) -> list[str]:
        return [solution.name for solution in self.settings.solutions]

    def load(self) -> str:
        """A small generated shop, unless the application has data already; says which."""
        with closing(loader.connect(self.client, secret=self.settings.aurora_secret)) as connection:
            tables.create(connection, tables=self.settings.aurora.tables, datasets=self.settings.datasets)
            previous = tables.previous(connection)
            if previous is not None:
                return previous.source
            shop = generate(now=pd.Timestamp.now("UTC") - pd.Timedelta(hours=1)).shop
            loader.store(
                shop,
                previous=previous,
                connection=connection,
                clients=self.client,
                settings=self.settings,
            )
        time.sleep(EXPORTED_AFTER_SECONDS)
        return shop.source

    def run(self, *, seconds: float) -> Outcome:
        return self.follow(self.fire(), seconds=seconds)

    def start(self, workflow: str, given: Mapping[str, Any]) -> str:
        """The ARN of an execution of the workflow."""
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=self.settings.names.workflow_arn(workflow), input=json.dumps(given)
        )
        return str(answer["executionArn"])

    @property
    def place(self) -> Place:
        return cli.operator_place(self.settings.environment)

    def follow(self, arn: str, *, seconds: float) -> Outcome:
        started, client = time.monotonic(), self.client("stepfunctions")
        execution = Execution(arn)
        workflow = arn.split(":")[6].removeprefix(f"{self.settings.names.prefix}-")
        told: dict[str, Any] = {"workflow": workflow, "arn": arn}

        def sleep(pause: float) -> None:
            if time.monotonic() - started > seconds:
                raise TookTooLong
            time.sleep(pause)

        try:
            run = progress.follow(client, arn, logs=self.endpoint.home / "log", out=StringIO(), sleep=sleep)
            run_id = _run_id(run.execution.description)
            return Outcome("SUCCEEDED", run.seconds, run_id=run_id, **told)
        except progress.RunFailed:
            execution.refresh(client)
            taken = time.monotonic() - started
            failure = execution.failure()
            return Outcome(execution.status, taken, run_id=self.newest_run(), failure=failure, **told)
        except TookTooLong:
            client.stop_execution(executionArn=arn, error="Chaos", cause=f"not ended in {seconds:.0f} s")
            return Outcome("NOT ENDED", time.monotonic() - started, **told)
        except GONE:
            if not self.died():
                raise
            return Outcome(KILLED, time.monotonic() - started, **told)

    def died(self) -> bool:
        """Whether the endpoint is gone, with all that it started."""
        deadline = time.monotonic() + DIES_SECONDS
        while time.monotonic() < deadline:
            if state.load(self.endpoint.home) is None:
                return True
            time.sleep(0.2)
        return False

    def restart(self) -> dict[str, Any]:
        """Starts the endpoint again, where it was; the report of the faults that had fired until it was killed."""
        home = self.endpoint.home
        cli.start(
            home=home,
            account=self.endpoint.account,
            region=self.endpoint.region,
            port=self.endpoint.port,
        )
        state.update(home, environment=self.settings.environment)
        report: dict[str, Any] = json.loads((home / LAST_REPORT).read_text())
        return report

    def status(self, arn: str) -> str:
        """The status of an execution; empty where it is not known, since it was not saved."""
        try:
            return str(self.client("stepfunctions").describe_execution(executionArn=arn)["status"])
        except ClientError:
            return ""

    def newest_run(self) -> str:
        """The id of the newest, of a failed run: what it may have left is below its folder in the buckets."""
        folders = self.folders(self.settings.names.datasets_bucket) | self.folders(
            self.settings.names.results_bucket
        )
        return max(folders, default="")

    def folders(self, bucket: str) -> set[str]:
        answer = self.client("s3").list_objects_v2(
            Bucket=bucket, Prefix=f"{layout.RUN_FOLDER.top}/", Delimiter="/"
        )
        return {prefix["Prefix"].split("/")[1] for prefix in answer.get("CommonPrefixes", [])}

    def pointers(self) -> dict[str, str]:
        """The version that serves, by list; a list that never was published is left out."""
        found = {}
        for name in self.lists:
            item = self.item(layout.POINTER.of(list=name), layout.POINTER_SK)
            if item:
                found[name] = item["current"]["S"]
        return found

    def control(self, pk: str) -> dict[str, Any] | None:
        """The control table's item, in DynamoDB's notation."""
        answer = self.client("dynamodb").get_item(
            TableName=self.settings.names.control_table, Key={layout.PK: {"S": pk}}, ConsistentRead=True
        )
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def locked(self) -> bool:
        return self.control(layout.LOCK) is not None

    def pending(self) -> list[str]:
        """Runs that the warehouse misses."""
        item = self.control(layout.WAREHOUSE_PENDING) or {}
        return list(item.get("run_ids", {}).get("SS", []))

    def behind(self) -> bool:
        """Whether the marts may lack a run: the warehouse misses one, or the last load did not come to its end."""
        machine = self.settings.names.workflow_arn("load")
        loads = self.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        newest = max(loads, key=lambda one: one["startDate"], default={"status": "SUCCEEDED"})
        return bool(self.pending()) or newest["status"] != "SUCCEEDED"

    def stored_keys(self, name: str, version: str) -> set[str]:
        """Keys of a list that the table has in this version."""
        pages = (
            self.client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self.settings.names.recommendations_table,
                FilterExpression="sk = :version AND begins_with(pk, :list)",
                ExpressionAttributeValues={
                    ":version": {"S": version},
                    ":list": {"S": layout.LIST.of(list=name, key="")},
                },
                ProjectionExpression="pk",
            )
        )
        return {item["pk"]["S"].partition("#")[2] for page in pages for item in page["Items"]}

    def published_keys(self, name: str, version: str) -> set[str]:
        """Keys that the run of this version made lists for."""
        return {one["key"] for one in self.made_lists(name, version)}

    def made_lists(self, name: str, version: str) -> Iterator[dict[str, Any]]:
        """The lists that the run of this version made."""
        prefix = layout.PUBLISH_FILES.of(run_id=version, solution=name)
        for _, body in self.objects(self.settings.names.results_bucket, prefix):
            yield from (json.loads(line) for line in gzip.decompress(body).splitlines() if line.strip())

    def objects(self, bucket: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        s3 = self.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                yield found["Key"], s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()

    def served(self) -> dict[str, Any]:
        """What the API answers: of some user, of some item, and the popular list."""
        stored = {name: min(self.stored_keys(name, v), default="") for name, v in self.pointers().items()}
        first = {name: quote(key, safe="") for name, key in stored.items()}
        paths = {
            "personal": f"/v1/users/{first.get('personal')}/recommendations?numResults=10",
            "related": f"/v1/items/{first.get('related')}/related?numResults=10",
            "popular": "/v1/popular?numResults=10",
        }
        return {name: dict(self.api.get(path)) for name, path in paths.items() if name in first}


def _run_id(description: dict[str, Any]) -> str:
    with suppress(KeyError, ValueError):
        return story.run_id_of(description["output"])
    return ""
