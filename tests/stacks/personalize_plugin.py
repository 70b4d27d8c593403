"""The endpoint's Personalize behind the interpreter: its own rules, without S3 and without learning.

Imports and trainings end at once, so that what is tested is what a workflow says and what Personalize takes.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.avro import schemas
from config.settings import Settings
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError
from osusume_endpoint.personalize import plugin, responses
from osusume_endpoint.personalize.errors import JobFailure
from osusume_endpoint.personalize.jobs import Runner, Work
from osusume_endpoint.personalize.models import batches, imports, solutions
from osusume_endpoint.personalize.models.schemas import schema_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.stepfunctions.execution import Execution
from osusume_endpoint.stepfunctions.results import Result
from osusume_endpoint.stepfunctions.scope import Identity
from osusume_endpoint.testing.scripted import Cloud, ServiceError
from stacks.workflows import pipeline, recommend, train

DEFINITIONS = {"train": train.definition, "recommend": recommend.definition, "pipeline": pipeline.definition}
RUN = "20261124T030000Z"
Answers = dict[tuple[str, str], Any]


def without_roles(patch: pytest.MonkeyPatch) -> None:
    """Jobs take whatever role they are given: what roles may do is tested where the templates are."""
    for module in (imports, batches):
        patch.setattr(module, "pass_role", lambda *_: None)


class Region:
    """Personalize of one region, with what workflows made in it; `trained` are the versions in their order."""

    def __init__(self, home: Path, settings: Settings) -> None:
        endpoint = Endpoint(
            url="http://unused",
            port=0,
            region=settings.region,
            account=settings.account,
            home=home,
            wait_scale=0.001,
        )
        self.service: Personalize = plugin.open_service(endpoint)
        self.trained: list[dict[str, Any]] = []
        self.imported: dict[str, list[str]] = {}  # columns of the newest import, by dataset
        self.failing: list[str] = []  # kinds whose next creation fails
        self.failing_updates: list[str] = []
        self.polls_of_an_update = 0  # how often a workflow has to look at an update before it is over
        self._described = Counter[str]()
        self._operations = responses.bound(self.service, responses.operations()["personalize"])
        self.control: dict[str, Any] = {}  # table of the environment
        for kind in ("DatasetImportJob", "SolutionVersion", "BatchInferenceJob"):
            self.service.jobs.register("create", kind, Runner(self._end))
        for kind in ("Solution", "Dataset"):
            update = self.service.jobs._runners["update", kind].work
            self.service.jobs.register("update", kind, Runner(partial(self._update, update=update)))
        self.deploy(settings)

    def close(self) -> None:
        self.service.close()

    def _end(self, record: Record) -> dict[str, Any]:
        if record.kind in self.failing:
            self.failing.remove(record.kind)
            raise JobFailure("an internal error")
        if record.kind == "DatasetImportJob":
            dataset = self.service.store.get(record.fields["datasetArn"])
            self.imported[dataset.fields["datasetType"].lower()] = list(
                schema_of(self.service, dataset).names
            )
        if record.kind == "SolutionVersion":
            solution = self.service.store.get(record.fields["solutionArn"])
            excluded = solutions.excluded_columns(
                self.service, solution, record.fields.get("solutionConfig", {})
            )
            self.trained.append({**record.fields, "excluded": excluded})
        return {"private": {"metrics": {}}}

    def _update(self, record: Record, *, update: Work) -> Mapping[str, Any]:
        if record.kind in self.failing_updates:
            self.failing_updates.remove(record.kind)
            raise JobFailure("an internal error")
        self._looked_at(record.arn, times=self.polls_of_an_update)
        return update(record)

    def _looked_at(self, arn: str, *, times: int) -> None:
        """Waits until a solution or dataset was described so often from now on."""
        until, end = self._described[arn] + times, time.monotonic() + 5
        while self._described[arn] < until and time.monotonic() < end:
            threading.Event().wait(0.002)

    def deploy(self, settings: Settings) -> None:
        """What the template creates."""
        names = settings.names
        self.call("CreateDatasetGroup", name=names.dataset_group)
        self.settle()
        for schema in schemas(settings.datasets).values():
            made = self.call("CreateSchema", name=names.schema(schema.dataset), schema=schema.created_avro)
            self.call(
                "CreateDataset",
                name=names.dataset(schema.dataset),
                datasetType=schema.dataset,
                datasetGroupArn=names.dataset_group_arn,
                schemaArn=made["schemaArn"],
            )
        self.settle()

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        context: Any = SimpleNamespace(operation=operation)
        return dict(self._operations[operation](context, parameters))

    def settle(self) -> None:
        while any(record.private.get("job") for record in self.service.store.all()):
            threading.Event().wait(0.005)

    def solution(self, arn: str) -> dict[str, Any]:
        return dict(self.call("DescribeSolution", solutionArn=arn)["solution"])

    def fields(self, settings: Settings, dataset: str) -> list[str]:
        """Of the schema that the dataset has."""
        shown = self.call("DescribeDataset", datasetArn=settings.names.dataset_arn(dataset))["dataset"]
        text = self.call("DescribeSchema", schemaArn=shown["schemaArn"])["schema"]["schema"]
        return [field["name"] for field in json.loads(text)["fields"]]

    def run(
        self, settings: Settings, workflow: str = "train", *, run_id: str = RUN, **more: Any
    ) -> tuple[Result, Cloud]:
        answers = self.answers(more.pop("rejected", [])) | more.pop("answers", {})
        names = settings.names
        cloud = Cloud(answers)
        identity = Identity(
            execution_arn=f"{names.execution_arn(workflow)}:run-1",
            execution_name="run-1",
            state_machine_arn=names.workflow_arn(workflow),
            state_machine_name=names.workflow(workflow),
            role_arn="arn:aws:iam::111111111111:role/workflow",
        )
        execution = Execution(
            definition=DEFINITIONS[workflow](settings),
            value={"run_id": run_id, **more},
            identity=identity,
            clients=cloud,
            wait_scale=0.0001,
        )
        execution.run()
        return execution.result, cloud

    def answers(self, rejected: Sequence[str] = ()) -> Answers:
        """`rejected`: solutions whose new version the gate keeps from serving."""
        personalize = {("personalize", name): partial(self.serve, name) for name in self._operations}
        return personalize | {
            ("lambda", "Invoke"): lambda parameters: _judged(json.loads(parameters["Payload"]), rejected),
            ("dynamodb", "PutItem"): self._put,
            ("dynamodb", "GetItem"): self._get,
            ("dynamodb", "DeleteItem"): self._delete,
        }

    def serve(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation in ("DescribeSolution", "DescribeDataset"):
            self._described.update(parameters.values())
        try:
            return self.call(operation, **parameters)
        except ApiError as error:
            raise ServiceError(error.code, error.message) from error

    def _put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self.control[parameters["Item"]["pk"]["S"]] = parameters["Item"]
        return {}

    def _get(self, parameters: dict[str, Any]) -> dict[str, Any]:
        found = self.control.get(parameters["Key"]["pk"]["S"])
        return {"Item": found} if found else {}

    def _delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Where `since` is what the condition says."""
        key, expected = parameters["Key"]["pk"]["S"], parameters["ExpressionAttributeValues"][":since"]
        if self.control.get(key, {}).get("since") != expected:
            raise ServiceError("ConditionalCheckFailedException", "The conditional request failed")
        del self.control[key]
        return {}


def _judged(payload: dict[str, Any], rejected: Sequence[str]) -> dict[str, Any]:
    verdict = {
        "promote": payload["solution"] not in rejected,
        "reason": "its metric",
        "metrics": {},
        "previous": "",
    }
    return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(verdict).encode())}


def sent(cloud: Cloud, operation: str) -> list[dict[str, Any]]:
    return [parameters for _, name, parameters in cloud.calls if name == operation]


def output(result: Result) -> dict[str, Any]:
    assert result.status == "SUCCEEDED", (result.error, result.cause)
    return dict(json.loads(result.output or "null"))
