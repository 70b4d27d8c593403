"""What worker processes do: files in, files out; JobFailure carries a failureReason."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from osusume_endpoint import paths
from osusume_endpoint.personalize import datasets
from osusume_endpoint.personalize.errors import JobFailure
from osusume_engine.imports import ImportFailure, import_files

if TYPE_CHECKING:
    from osusume_engine.filters.evaluation import Evaluator
    from osusume_engine.reordering import Reordering
    from osusume_engine.training import TrainedModel


def import_records(job: Mapping[str, Any]) -> dict[str, Any]:
    schema = datasets.schema_of(job)
    try:
        report = import_files(
            schema=schema, sources=[Path(path) for path in job["sources"]], target=Path(job["target"])
        )
    except ImportFailure as failure:
        kind = schema.dataset_type.lower()
        raise JobFailure(f"Failed to create a data import job for {kind} dataset. {failure}") from None
    return {"rows": report.rows, "event_types": sorted(report.event_types)}


def train_model(job: Mapping[str, Any]) -> dict[str, Any]:
    from osusume_engine.data import EventParameters, EventsConfig, Objective
    from osusume_engine.recipes import RECIPES
    from osusume_engine.training import TrainedModel, TrainingError, train
    from osusume_engine.tuning import Tuning, searched

    events = EventsConfig(
        event_type=job["event_type"],
        event_value_threshold=job["event_value_threshold"],
        parameters=tuple(EventParameters(**row) for row in job["event_parameters"]),
    )
    data = datasets.training_data(job["datasets"], excluded=job["excluded"])
    search = Tuning(**job["tuning"]) if job["tuning"] else None
    try:
        model = train(
            recipe=job["recipe"],
            data=data,
            hyperparameters=job["hyperparameters"],
            events=events,
            objective=Objective(**job["objective"]) if job["objective"] else None,
            tuning=search,
            previous=TrainedModel.load(Path(job["previous"])) if job["previous"] else None,
            seed=job["seed"],
        )
    except (TrainingError, ValueError) as error:
        raise JobFailure(str(error)) from None
    model.save(Path(job["target"]))
    names = searched(RECIPES[job["recipe"]], search) if search else []
    return {
        "metrics": dict(model.metrics),
        "training_seconds": model.training_seconds,
        "tuned": {name: model.hyperparameters[name] for name in names},
    }


def infer_batch(job: Mapping[str, Any]) -> dict[str, Any]:
    from osusume_engine.batch import BatchFailure, chosen_quality, infer_files
    from osusume_engine.training import TrainedModel

    model = TrainedModel.load(Path(job["model"]))
    try:
        report = infer_files(
            model=model,
            pairs=[(Path(source), Path(target)) for source, target in job["files"]],
            num_results=job["num_results"],
            masks=_masks(job),
            reordering=_reordering(job, model),
            quality=chosen_quality(os.environ),
        )
    except BatchFailure as failure:
        raise JobFailure(str(failure)) from None
    return {"records": report.records, "errors": report.errors}


def _reordering(job: Mapping[str, Any], model: TrainedModel) -> Reordering | None:
    from osusume_engine.reordering import Reordering

    items = next((source for source in job["datasets"] if source["type"] == "ITEMS"), None)
    return Reordering.of(
        model,
        items=datasets.read_frame(items) if items else None,
        influence=job["influence"],
        exploration=job["exploration"],
    )


def segment_batch(job: Mapping[str, Any]) -> dict[str, Any]:
    from osusume_engine.batch import BatchFailure, segment_files
    from osusume_engine.training import TrainedModel

    model = TrainedModel.load(Path(job["model"]))
    items = next((s for s in job["datasets"] if s["type"] == "ITEMS"), None)
    try:
        report = segment_files(
            model=model,
            pairs=[(Path(source), Path(target)) for source, target in job["files"]],
            num_results=job["num_results"],
            items=datasets.read_frame(items) if items else None,
            schema=datasets.schema_of(items) if items else None,
            masks=_masks(job),
        )
    except BatchFailure as failure:
        raise JobFailure(str(failure)) from None
    return {"records": report.records, "errors": report.errors}


def export_records(job: Mapping[str, Any]) -> dict[str, Any]:
    """Records that match in all fields appear once; with ALL, items and users are the newest of each id."""
    if job["mode"] == "ALL":
        frame = datasets.read_frame(job)
    else:
        read = datasets.bulk_table if job["mode"] == "BULK" else datasets.streamed_table
        frame = read(job).to_pandas()
    frame = frame.drop_duplicates()
    frame.to_csv(job["target"], index=False)
    return {"rows": len(frame)}


def read_users(job: Mapping[str, Any]) -> dict[str, Any]:
    users: set[str] = set()
    for source in job["sources"]:
        with Path(source).open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if reader.fieldnames != ["USER_ID"]:
                raise JobFailure(f"The input CSV must have one column, USER_ID, not {reader.fieldnames}.")
            users.update(row["USER_ID"] for row in reader if row["USER_ID"])
    if not users:
        raise JobFailure("The input CSV lists no users.")
    return {"users": sorted(users)}


def delete_users(job: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the parts that hold a user again, beside the old ones."""
    users, renamed, deleted = pa.array(job["users"]), {}, 0
    for path in map(Path, job["parts"]):
        table = pq.read_table(path)
        kept = table.filter(pc.invert(pc.is_in(table["USER_ID"], value_set=users)))
        if len(kept) == len(table):
            continue
        deleted += len(table) - len(kept)
        target = paths.inside(path.parent, f"{path.stem}-{job['suffix']}.parquet")
        pq.write_table(kept, target.with_suffix(".partial"))
        target.with_suffix(".partial").replace(target)
        renamed[path.name] = target.name
    return {"parts": renamed, "deleted": deleted}


def forget_in_models(job: Mapping[str, Any]) -> dict[str, Any]:
    """A model that another version of the engine saved serves nobody, and is left."""
    from osusume_engine.forgetting import forget
    from osusume_engine.storage import FormatChanged

    for folder in map(Path, job["models"]):
        with suppress(FormatChanged, FileNotFoundError):
            forget(folder, job["users"])
    return {}


def attribute(job: Mapping[str, Any]) -> dict[str, Any]:
    from osusume_engine.attribution import Metric, report

    frame = report(
        interactions=pq.read_table(job["records"]).to_pandas(),
        items=datasets.read_frame(job["items"]) if job["items"] else None,
        metrics=[Metric(*row) for row in job["metrics"]],
        sources=job["sources"],
    )
    frame.to_csv(job["target"], index=False)
    return {"rows": len(frame)}


def _masks(job: Mapping[str, Any]) -> Evaluator | None:
    """The batch job's filter over the datasets as they are now, or None."""
    if not job.get("filter"):
        return None
    from osusume_engine.filters import parse_filter
    from osusume_engine.filters.evaluation import Evaluator
    from osusume_engine.filters.facts import Facts

    frames = {source["type"]: datasets.read_frame(source) for source in job["datasets"]}
    return Evaluator(parse_filter(job["filter"]), Facts.of_frames(frames))


TASKS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "import": import_records,
    "train": train_model,
    "infer": infer_batch,
    "segment": segment_batch,
    "export": export_records,
    "read_users": read_users,
    "delete_users": delete_users,
    "forget_in_models": forget_in_models,
    "attribute": attribute,
}
