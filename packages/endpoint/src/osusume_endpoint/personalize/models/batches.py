"""Batch inference and batch segment jobs: JSON lines in S3 to JSON lines in S3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from osusume_endpoint import paths
from osusume_endpoint.personalize import access
from osusume_endpoint.personalize.errors import JobFailure, invalid
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.kinds import KINDS
from osusume_endpoint.personalize.models import campaigns, datasets
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    check_queue,
    describing,
    listing,
    pass_role,
    picked,
    tags_of,
)
from osusume_endpoint.personalize.models.filters import check_usable
from osusume_endpoint.personalize.models.recipes import recipe_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.sources import source_of
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext
from osusume_engine.recipes import RecipeSpec

MAX_UNFINISHED = 5
MAX_FILES = 1_000
MAX_INPUT_BYTES = 1 << 30
DEFAULT_RESULTS = 25
MAX_RESULTS = {"BatchInferenceJob": 500, "BatchSegmentJob": 5_000_000}


def create_inference(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    return _create(service, context, parameters, kind="BatchInferenceJob")


def create_segments(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    return _create(service, context, parameters, kind="BatchSegmentJob")


def _create(
    service: Personalize, context: RequestContext, parameters: Parameters, *, kind: str
) -> dict[str, Any]:
    arn = service.named(kind, parameters["jobName"])
    tags = tags_of(parameters)
    _check_locations(parameters)
    pass_role(service, context, parameters["roleArn"], arn)
    with service.store.lock:
        version = service.active(parameters["solutionVersionArn"], "SolutionVersion")
        service.check_absent(arn)
        _check(service, version, parameters, kind)
        check_queue(service, kind, MAX_UNFINISHED)
        service.create(kind, arn, _fields(parameters, version, kind), tags=tags)
    return {KINDS[kind].arn_field: arn}


def _fields(parameters: Parameters, version: Record, kind: str) -> dict[str, Any]:
    names = ("jobName", "solutionVersionArn", "filterArn", "jobInput", "jobOutput", "roleArn")
    fields = picked(parameters, *names, "batchInferenceJobConfig")
    fields |= {"numResults": _num_results(parameters, kind), "solutionArn": version.fields["solutionArn"]}
    if kind == "BatchInferenceJob":
        fields["batchInferenceJobMode"] = parameters.get("batchInferenceJobMode", "BATCH_INFERENCE")
    return fields


def _check(service: Personalize, version: Record, parameters: Parameters, kind: str) -> None:
    recipe = recipe_of(version.fields["recipeArn"])
    _check_recipe(recipe, kind)
    _num_results(parameters, kind)
    _check_mode(parameters)
    if "filterArn" in parameters:
        _check_filter(service, parameters["filterArn"], version, recipe)
    _check_config(recipe, parameters.get("batchInferenceJobConfig", {}))


def _check_locations(parameters: Parameters) -> None:
    source = access.parse_location(
        parameters["jobInput"]["s3DataSource"]["path"], refusal="Invalid S3 input path."
    )
    target = access.parse_location(
        parameters["jobOutput"]["s3DataDestination"]["path"], refusal="Invalid S3 output path."
    )
    if not target.key.endswith("/") and target.key:
        raise invalid(f"Invalid S3 output path. {target} must be a folder: end it with a slash.")
    if source.child("") == target.child(""):
        raise invalid("Invalid S3 output path. The output location must differ from the input location.")


def _check_recipe(recipe: RecipeSpec, kind: str) -> None:
    supported = recipe.batch_inference if kind == "BatchInferenceJob" else recipe.batch_segment
    if not supported:
        raise invalid(f"Recipe {recipe.name} does not support a {kind}.")


def _num_results(parameters: Parameters, kind: str) -> int:
    given = int(parameters.get("numResults", DEFAULT_RESULTS))
    if not 1 <= given <= MAX_RESULTS[kind]:
        raise invalid(f"numResults must be 1 to {MAX_RESULTS[kind]}, not {given}.")
    return given


def _check_mode(parameters: Parameters) -> None:
    if parameters.get("batchInferenceJobMode") == "THEME_GENERATION" or "themeGenerationConfig" in parameters:
        raise invalid(
            "batchInferenceJobMode THEME_GENERATION is not supported by the local endpoint: it needs a "
            "generative model. Use BATCH_INFERENCE."
        )


def _check_config(recipe: RecipeSpec, config: dict[str, Any]) -> None:
    campaigns.check_exploration(recipe, config.get("itemExplorationConfig", {}))


def _check_filter(service: Personalize, arn: str, version: Record, recipe: RecipeSpec) -> None:
    check_usable(service, arn, group_arn=version.fields["datasetGroupArn"], recipe=recipe)


def run(service: Personalize, record: Record) -> dict[str, Any]:
    fields = record.fields
    version = service.active(fields["solutionVersionArn"], "SolutionVersion")
    bucket = access.Bucket.of_role(service.endpoint, fields["roleArn"], source_arn=record.arn)
    target = access.parse_location(fields["jobOutput"]["s3DataDestination"]["path"])
    key = fields["jobOutput"]["s3DataDestination"].get("kmsKeyArn")
    with service.temporary() as scratch:
        _probe(bucket, target, scratch, key)
        inputs = _download(bucket, record, scratch)
        pairs = [(path, paths.inside(scratch, f"{path.name}.out")) for path in inputs.values()]
        service.work(
            "data",
            record.arn,
            "infer" if record.kind == "BatchInferenceJob" else "segment",
            model=str(service.folder("models", version.arn)),
            files=[[str(source), str(output)] for source, output in pairs],
            num_results=fields["numResults"],
            **_configured(version, fields.get("batchInferenceJobConfig", {})),
            **_filter(service, record, version),
        )
        for found, (_, output) in zip(inputs, pairs, strict=True):
            name = f"{found.key.rpartition('/')[2]}.out"
            bucket.upload(output, target.child(name), kms_key=key)
    return {}


def _configured(version: Record, config: dict[str, Any]) -> dict[str, Any]:
    recipe = recipe_of(version.fields["recipeArn"])
    exploration = campaigns.exploration_of(recipe, config)
    return {"influence": config.get("rankingInfluence", {}), "exploration": exploration}


def _probe(bucket: access.Bucket, target: access.Location, scratch: Path, key: str | None) -> None:
    """The service writes an empty _CHECK object first, so a refusal costs no inference."""
    check = scratch / "_CHECK"
    check.touch()
    bucket.upload(check, target.child("_CHECK"), kms_key=key)


def _download(bucket: access.Bucket, record: Record, scratch: Path) -> dict[access.Location, Path]:
    location = access.parse_location(record.fields["jobInput"]["s3DataSource"]["path"])
    files = {}
    for number, found in enumerate(bucket.files(location)):
        path = paths.inside(scratch, f"{number:05}-{paths.component(found.key.rpartition('/')[2])}")
        bucket.download(found, path)
        files[found] = path
    if len(files) > MAX_FILES:
        raise JobFailure(f"The batch input has {len(files)} files: at most {MAX_FILES} are allowed.")
    if sum(path.stat().st_size for path in files.values()) > MAX_INPUT_BYTES:
        raise JobFailure("The batch input is larger than 1 GB.")
    return files


def _filter(service: Personalize, record: Record, version: Record) -> dict[str, Any]:
    arn = record.fields.get("filterArn")
    present = datasets.datasets_of(service, version.fields["datasetGroupArn"])
    sources = [source_of(service, dataset) for dataset in present.values()]
    expression = service.active(arn, "Filter").fields["filterExpression"] if arn else None
    return {"filter": expression, "datasets": sources}


def register(service: Personalize) -> None:
    for kind in MAX_RESULTS:
        service.jobs.register("create", kind, Runner(lambda record: run(service, record), lane="data"))


OPERATIONS: dict[str, Operation] = {
    "CreateBatchInferenceJob": create_inference,
    "DescribeBatchInferenceJob": describing("BatchInferenceJob"),
    "ListBatchInferenceJobs": listing("BatchInferenceJob"),
    "CreateBatchSegmentJob": create_segments,
    "DescribeBatchSegmentJob": describing("BatchSegmentJob"),
    "ListBatchSegmentJobs": listing("BatchSegmentJob"),
}
