"""One side of a comparison, in a process of its own: `python side.py order.json`.

The tree that is compared comes first on the path, so its own preparation jobs, its own configuration and its own engine
run; of this repository's newer parts only this file runs. A tree from before solutions made segments can't answer it,
and says so.
An order is {data, scratch, jobs: [{name, configuration, environment, answer}]}: `data` holds the application's tables,
each answer is a JSON file {lists, metrics, rows, solutions, left_out, weights, seconds} or {error}.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from osusume_endpoint.paths import inside

TABLES = ("users", "items", "orders")
# Of a shop that fits on a laptop, planning again and compiling code cost more than they save.
SPARK = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
}


class SideFailed(RuntimeError):
    """The tree refuses the configuration or the data; the message is its own."""


class Folders:
    """The calls of S3 that jobs make by themselves, on local folders."""

    class exceptions:
        class NoSuchKey(Exception):
            pass

    def __init__(self, root: Path) -> None:
        self._root = root

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        path = inside(self._root, Bucket, Key)
        if not path.exists():
            raise self.exceptions.NoSuchKey(Key)
        return {"Body": io.BytesIO(path.read_bytes())}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:
        path = inside(self._root, Bucket, Key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)

    def list_objects_v2(self, *, Bucket: str, Prefix: str, Delimiter: str, StartAfter: str) -> dict[str, Any]:
        """Folders below a prefix, as the only delimiter in use asks for them."""
        above = inside(self._root, Bucket, Prefix.rstrip("/"))
        found = sorted(f"{Prefix}{one.name}{Delimiter}" for one in above.glob("*/"))
        return {"CommonPrefixes": [{"Prefix": one} for one in found if one > StartAfter]}


def main(order: Mapping[str, Any]) -> None:
    spark = _spark(Path(order["scratch"]))
    for job in order["jobs"]:
        work = Path(order["scratch"]) / job["name"]
        work.mkdir(parents=True)
        try:
            answer = run(spark, job=job, data=Path(order["data"]), work=work)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        Path(job["answer"]).write_text(json.dumps(answer))
    spark.stop()


def _spark(scratch: Path) -> Any:
    from osusume_endpoint.glue import jvm

    jvm.start(conf=SPARK, scratch=scratch)
    spark = jvm.session()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def run(spark: Any, *, job: Mapping[str, Any], data: Path, work: Path) -> dict[str, Any]:
    """Preparation, training, inference and the rules after it. Raises SideFailed, ConfigError and what jobs raise."""
    from config.settings import load

    started = time.monotonic()
    settings = load(job["environment"], Path(job["configuration"]))
    run_id = json.loads((data / "about.json").read_text())["run_id"]
    write_raw(settings, data=data, work=work, run_id=run_id)
    rows = build(spark, settings, work=work, run_id=run_id)
    metrics = infer(settings, work=work, run_id=run_id)
    publish(spark, settings, work=work, run_id=run_id)
    return {
        "lists": dict(read_lists(settings, work=work, run_id=run_id)),
        "metrics": metrics,
        "rows": rows,
        "solutions": {one.name: one.for_each for one in listed(settings)},
        "left_out": [one.name for one in settings.solutions if one not in listed(settings)],
        "weights": {rule.type: rule.weight for rule in settings.datasets.interactions.events},
        "seconds": round(time.monotonic() - started, 1),
    }


def listed(settings: Any) -> list[Any]:
    """Solutions whose batch jobs make lists: of segments, rankings and campaigns there is nothing to compare."""
    return [one for one in settings.solutions if one.publishes == "lists"]


def write_raw(settings: Any, *, data: Path, work: Path, run_id: str) -> None:
    """What the extraction and the export would have written. Raises SideFailed for a column that isn't there."""
    import pandas as pd

    from config import layout

    sources = settings.sources
    if sources.aurora is None or sources.application_log is None:
        raise SideFailed(
            "a comparison reads a database and a log: configure sources.aurora and application_log"
        )
    tables = sources.aurora.tables.model_dump(exclude_none=True)
    for name in (name for name in TABLES if name in tables):
        frame = pd.read_parquet(data / f"{name}.parquet")
        wanted = _columns(settings, name)
        missing = [column for column in wanted if column not in frame]
        if missing:
            raise SideFailed(
                f"table {name} has no column {', '.join(missing)}: it has {', '.join(frame.columns)}"
            )
        target = work / "raw" / layout.RAW_TABLE.of(run_id=run_id, table=name) / "part-0.parquet"
        target.parent.mkdir(parents=True)
        frame[list(dict.fromkeys(wanted))].to_parquet(target, coerce_timestamps="us", index=False)
    export = work / "raw" / layout.LOG_EXPORT.of(run_id=run_id) / "AWSDynamoDB/01/data/part-0.json.gz"
    export.parent.mkdir(parents=True)
    with gzip.open(export, "wt") as file:
        file.writelines(json.dumps({"Item": item}) + "\n" for item in _log(settings, data))


def _columns(settings: Any, name: str) -> list[str]:
    """The columns, as stacks/preparation.py gives them to the extraction."""
    if name == "orders":
        return list(settings.datasets.interactions.columns)
    return [field.column for field in settings.datasets.fields(name)]


def _log(settings: Any, data: Path) -> Iterator[dict[str, Any]]:
    """Items as the application writes them, which no configuration of ours changes but by saying their names."""
    for line in (data / "log.jsonl").open():
        yield json.loads(line)


def build(spark: Any, settings: Any, *, work: Path, run_id: str) -> dict[str, Any]:
    """Runs the job build-datasets; answers the report's rows."""
    from config import inputs, layout
    from glue_jobs import build_datasets, session

    session.configured(spark)
    session.SCHEME = f"file://{work}/"
    log = settings.sources.application_log
    job = build_datasets.Job(
        spark=spark,
        raw_bucket="raw",
        datasets_bucket="datasets",
        results_bucket="results",
        datasets=settings.datasets.model_dump(mode="json", exclude_none=True),
        run_id=run_id,
        mode="full",
        export_prefix=layout.LOG_EXPORT.of(run_id=run_id),
        previous_run_id="none",
        batch_inputs=inputs.of_all(listed(settings)),
        log=build_datasets.LogTable(
            ttl=log.ttl_attribute,
            keep_expired_days=log.keep_expired_days,
            attributes=log.attributes.model_dump(exclude_none=True),
            timestamp_format=log.timestamp_format,
        ),
    )
    build_datasets.run(job, s3=Folders(work))
    report = json.loads((work / "datasets" / layout.REPORT.of(run_id=run_id)).read_text())
    return dict(report["datasets"])


def infer(settings: Any, *, work: Path, run_id: str) -> dict[str, dict[str, float]]:
    """Trains each solution and makes its lists, as batch inference does; answers the metrics of each."""
    from config import inputs, layout
    from osusume_engine import batch
    from osusume_engine.training import train

    data = training_data(settings, work=work, run_id=run_id)
    found: dict[str, dict[str, float]] = {}
    for solution in listed(settings):
        model = train(
            recipe=solution.recipe,
            data=_without(data, solution.excluded_fields),
            hyperparameters=solution.hyperparameters,
            events=_events(settings, solution),
            objective=_objective(solution),
        )
        folder = layout.BATCH_INPUT.of(run_id=run_id, audience=inputs.of(solution)["folder"])
        asked = _sorted_input(work / "datasets" / folder, work)
        folder = layout.BATCH_OUTPUT.of(run_id=run_id, solution=solution.name)
        target = work / "results" / folder / "lists.json.out"
        target.parent.mkdir(parents=True)
        batch.infer_files(model=model, pairs=[(asked, target)], num_results=solution.ranked)
        found[solution.name] = dict(model.metrics)
    return found


def _events(settings: Any, solution: Any) -> Any:
    """The solution's own events, or all that count as interactions with their weights, for recipes that take them."""
    from config.recipes import RECIPES
    from osusume_engine.data import EventParameters, EventsConfig

    if RECIPES[solution.recipe].event_weights:
        rules = solution.events or settings.datasets.interactions.events
        given = [(rule.type, rule.weight, rule.min_value if solution.events else None) for rule in rules]
        return EventsConfig(parameters=tuple(EventParameters(*one) for one in given))
    if not solution.events:
        return None
    [one] = solution.events
    return EventsConfig(event_type=one.type, event_value_threshold=one.min_value)


def _objective(solution: Any) -> Any:
    from osusume_engine.data import Objective

    given = solution.objective
    return Objective(given.item_field, given.sensitivity) if given else None


def _without(data: Any, excluded: Mapping[str, Any]) -> Any:
    """The datasets without fields that are not learned from."""
    changes: dict[str, Any] = {"categorical": dict(data.categorical), "textual": dict(data.textual)}
    for name, fields in excluded.items():
        changes[name] = getattr(data, name).drop(columns=list(fields), errors="ignore")
        for kind in ("categorical", "textual"):
            changes[kind][name.capitalize()] = changes[kind][name.capitalize()] - set(fields)
    return replace(data, **changes)


def _sorted_input(folder: Path, work: Path) -> Path:
    """One file whose order no shuffle decides."""
    lines = sorted(line for path in folder.glob("part-*") for line in _open(path) if line.strip())
    target = work / f"input-{folder.name}.json"
    target.write_text("".join(lines))
    return target


def _open(path: Path) -> Any:
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


def training_data(settings: Any, *, work: Path, run_id: str) -> Any:
    """The datasets through the engine's own import, rows in an order that no shuffle decides."""
    import pandas as pd

    from config import layout
    from config.avro import schemas
    from osusume_engine.data import TrainingData
    from osusume_engine.imports import import_files
    from osusume_engine.schemas import parse_schema

    frames, kinds = {}, {"categorical": {}, "textual": {}}  # type: ignore[var-annotated]
    for name, configured in schemas(settings.datasets).items():
        schema, target = parse_schema(configured.avro), work / f"{name}.parquet"
        folder = layout.DATASET.of(run_id=run_id, dataset=name)
        sources = sorted((work / "datasets" / folder).glob("part-*.csv"))
        import_files(schema=schema, sources=sources, target=target)
        frame = pd.read_parquet(target)
        frame = frame.sort_values(list(frame.columns), ignore_index=True)
        frames[name] = (
            frame if name == "interactions" else frame.drop_duplicates(frame.columns[0], keep="last")
        )
        kinds["categorical"][name.capitalize()] = schema.categorical
        kinds["textual"][name.capitalize()] = schema.textual
    given: dict[str, Any] = {**frames, **kinds}
    return TrainingData(**given)


def publish(spark: Any, settings: Any, *, work: Path, run_id: str) -> None:
    """Runs the job postprocess-recommendations."""
    from glue_jobs import postprocess_recommendations

    postprocess_recommendations.run(
        postprocess_recommendations.Job(
            spark=spark,
            results_bucket="results",
            run_id=run_id,
            solutions=[solution.model_dump() for solution in listed(settings)],
            publishing=settings.publishing.model_dump(mode="json"),
        )
    )


def read_lists(settings: Any, *, work: Path, run_id: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """(solution, key -> item ids, the best first) of what readers would get."""
    from config import layout

    for solution in listed(settings):
        folder = work / "results" / layout.PUBLISH.of(run_id=run_id, solution=solution.name)
        lines = (json.loads(line) for path in sorted(folder.glob("part-*")) for line in _open(path))
        found = {line["key"]: [item for item, _ in line["items"]] for line in lines}
        yield solution.name, dict(sorted(found.items()))


if __name__ == "__main__":
    # The folder of this file is no part of the tree.
    sys.path[:] = [
        path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent
    ]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(json.loads(Path(sys.argv[1]).read_text()))
