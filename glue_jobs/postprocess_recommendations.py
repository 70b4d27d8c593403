"""Personalize's batch output -> lists to publish and warehouse rows, by the rules after inference."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce
from typing import Any

from awsglue.utils import getResolvedOptions
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from glue_jobs import rules, session
from glue_jobs.columns import BATCH_OUTPUT, BATCH_SEGMENTS, LISTS, WAREHOUSE_ORDERS, WAREHOUSE_SEGMENTS
from glue_jobs.rules import Rule
from glue_jobs.run_id import started_at
from glue_jobs.transforms import recommendations, segments

ARGUMENTS = ["datasets_bucket", "results_bucket", "solutions", "publishing", "run_id", "versions"]
LISTS_A_FILE = 5000


class BatchOutputEmpty(RuntimeError):
    """A solution's batch inference answered nobody: publishing it would empty the lists."""


class SolutionVersionMissing(RuntimeError):
    """The run trained no version of a configured solution."""


@dataclass(frozen=True)
class Job:
    spark: SparkSession
    results_bucket: str
    run_id: str
    solutions: Sequence[Mapping[str, Any]]
    publishing: Mapping[str, Any]

    def folder(self, part: str) -> str:
        return session.run_folder(self.results_bucket, self.run_id, part)

    def batch_output(self, solution: str) -> str:
        return self.folder(f"batch/{solution}")

    def published(self, solution: str) -> str:
        return session.published(self.results_bucket, self.run_id, solution)

    def warehouse(self, table: str) -> str:
        return self.folder(f"warehouse/{table}")


def main() -> None:
    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    solutions = json.loads(arguments["solutions"])
    check_versions(solutions, json.loads(arguments["versions"]))
    run(
        Job(
            spark=session.start("postprocess-recommendations"),
            results_bucket=arguments["results_bucket"],
            run_id=arguments["run_id"],
            solutions=solutions,
            publishing=json.loads(arguments["publishing"]),
        )
    )


def run(job: Job) -> None:
    # Groups of rows that are in their order already are not hashed, which sorts them again from 128 groups on.
    job.spark.conf.set("spark.sql.execution.useObjectHashAggregateExec", "false")
    made = {
        kind: [one for one in job.solutions if publishes(one) == kind] for kind in (LISTS_OF_ITEMS, SEGMENTS)
    }
    none = recommendations.warehouse_recommendations(job.spark.createDataFrame([], LISTS), run_id=job.run_id)
    with ExitStack() as after:
        published = [publish(job, solution, after) for solution in made[LISTS_OF_ITEMS]]
        session.write_json(reduce(DataFrame.unionByName, published, none), job.warehouse("recommendations"))
    ranked = [publish_segments(job, solution) for solution in made[SEGMENTS]]
    nobody = job.spark.createDataFrame([], WAREHOUSE_SEGMENTS).drop("run_id")
    members = segments.warehouse_segments(reduce(DataFrame.unionByName, ranked, nobody), run_id=job.run_id)
    session.write_json(members, job.warehouse("segments"))


LISTS_OF_ITEMS, SEGMENTS = "lists", "segments"


def publishes(solution: Mapping[str, Any]) -> str:
    """Rankings are lists of items, too."""
    return SEGMENTS if solution.get("publishes") == SEGMENTS else LISTS_OF_ITEMS


def publish(job: Job, solution: Mapping[str, Any], after: ExitStack) -> DataFrame:
    """Write the solution's lists and answer the warehouse's rows of them, which can be read until `after`."""
    inferred, results = read_lists(job, solution["name"]), solution["results"]
    acted = after_rules(job, solution, inferred)
    if acted is None:
        lists = recommendations.first(inferred, results)
        write_lists(job, solution, lists)
        return recommendations.warehouse_recommendations(lists, run_id=job.run_id)
    kept = acted.kept(results)
    after.callback(kept.outcomes.unpersist)
    write_lists(job, solution, kept.lists)
    return recommendations.warehouse_changed(kept.outcomes, kept.rules, run_id=job.run_id)


def write_lists(job: Job, solution: Mapping[str, Any], lists: DataFrame) -> None:
    write_lines(job, solution["name"], recommendations.publish_lines(told(job, solution, lists)))


def publish_segments(job: Job, solution: Mapping[str, Any]) -> DataFrame:
    """Write the solution's segments, for readers and for a campaign tool, and answer their members."""
    name = solution["name"]
    output = read_output(job, name, BATCH_SEGMENTS)
    found = segments.segments(output, solution=name, queries=solution.get("queries") or {})
    check_answered(job, name, answered=found, output=output)
    write_lines(job, name, segments.publish_lines(found))
    members = segments.ranked(found)
    session.write_csv(members.drop("solution"), job.folder(f"segments/{name}"))
    return members


def write_lines(job: Job, solution: str, lines: DataFrame) -> None:
    writer = lines.write.mode("overwrite").option("maxRecordsPerFile", LISTS_A_FILE)
    writer.option("compression", "gzip").text(job.published(solution))


def told(job: Job, solution: Mapping[str, Any], lists: DataFrame) -> DataFrame:
    """The lists with what rules and readers may ask for beside them: fields of items, what the user bought."""
    if solution["for_each"] == "user" and job.publishing.get("with_bought"):
        lists = recommendations.with_bought(lists, bought(job))
    if solution["for_each"] == "user" and job.publishing.get("with_profile"):
        lists = recommendations.with_profile(lists, profiles(job))
    names = job.publishing.get("item_fields") or ()
    if not names:
        return lists
    schema = recommendations.items_schema(name.lower() for name in names)
    items = job.spark.read.schema(schema).json(job.warehouse("items"))
    return recommendations.with_facts(lists, items, names)


def read_lists(job: Job, solution: str) -> DataFrame:
    output = read_output(job, solution, BATCH_OUTPUT)
    lists = recommendations.lists(output, solution=solution)
    check_answered(job, solution, answered=lists, output=output)
    return lists


def read_output(job: Job, solution: str, schema: StructType) -> DataFrame:
    options = {"recursiveFileLookup": "true", "pathGlobFilter": "*.out"}  # `_CHECK` files are beside them
    return job.spark.read.schema(schema).options(**options).json(job.batch_output(solution))


def check_answered(job: Job, solution: str, *, answered: DataFrame, output: DataFrame) -> None:
    """Raises BatchOutputEmpty that quotes Personalize's first error."""
    if answered.isEmpty():
        errors = [row["error"] for row in recommendations.errors(output).take(1)]
        raise BatchOutputEmpty(
            f"{job.batch_output(solution)} has no answered line (first error: {errors[0] if errors else 'none'}): "
            f"look at the batch job of solution {solution!r}; nothing of it was published"
        )


@dataclass(frozen=True)
class Left:
    """What rules leave of lists: recommendations.outcome, a row for each list, and the names of the rules."""

    outcomes: DataFrame
    rules: Sequence[str]

    @property
    def lists(self) -> DataFrame:
        """One that would be empty is left out: popular stands in."""
        return recommendations.left(self.outcomes)

    def kept(self, results: int) -> Left:
        """The same, of which no list is longer than it is published, worked out once for all that is made of it."""
        outcomes = recommendations.first(self.outcomes, results)
        return Left(outcomes.persist(StorageLevel.MEMORY_AND_DISK), self.rules)


def after_rules(job: Job, solution: Mapping[str, Any], lists: DataFrame) -> Left | None:
    """None where no rule is on."""
    active = rules.active(job.publishing, for_each=solution["for_each"])
    if not active:
        return None
    known, given = _known(job, lists, active.values(), results=solution["results"])
    steps = rules.steps(recommendations.OnColumns(), rules=active, publishing=job.publishing, given=given)
    return Left(recommendations.outcome(known, steps, results=solution["results"]), list(active))


def _known(
    job: Job, lists: DataFrame, active: Iterable[Rule], *, results: int
) -> tuple[DataFrame, rules.Given]:
    """The lists beside what their rules ask for, each a column of its name."""
    wanted = list(active)
    user = {name: F.col(name) for rule in wanted for name in rule.user}
    items = {name: F.col(name) for rule in wanted for name in rule.items}
    for name in user:
        lists = lists.join(USER_STATE[name](job), "key", "left")
    if items:
        table = job.spark.read.schema(recommendations.items_schema(items)).json(job.warehouse("items"))
        lists = lists.crossJoin(F.broadcast(recommendations.item_facts(table, items)))
    return lists, rules.Given(user=user, items=items, now=started_at(job.run_id), results=results)


def bought(job: Job) -> DataFrame:
    orders = job.spark.read.schema(WAREHOUSE_ORDERS).json(job.warehouse("orders"))
    return recommendations.bought(orders)


def profiles(job: Job) -> DataFrame:
    """What the run knows of each user, for who is asked about where lists are read: (key, profile)."""
    orders = job.spark.read.schema(WAREHOUSE_ORDERS).json(job.warehouse("orders"))
    fields, values = job.publishing.get("user_fields") or (), job.publishing.get("bought_in") or ()
    parts = [recommendations.first_and_last(orders)]
    if fields:
        schema = recommendations.fields_schema("user_id", fields)
        parts.append(
            recommendations.attributes(job.spark.read.schema(schema).json(job.warehouse("users")), fields)
        )
    if values:
        schema = recommendations.items_schema(name.lower() for name in values)
        items = job.spark.read.schema(schema).json(job.warehouse("items"))
        parts.append(recommendations.bought_in(orders, items, values))
    return recommendations.profiles(parts)


# What is known of users, for rules: (key, a map from item id, named as here), a row for each user that has any.
USER_STATE: Mapping[str, Callable[[Job], DataFrame]] = {"bought": bought}


def check_versions(solutions: Sequence[Mapping[str, Any]], versions: Mapping[str, str]) -> None:
    missing = [solution["name"] for solution in solutions if solution["name"] not in versions]
    if missing:
        raise SolutionVersionMissing(
            f"--versions has no solution version for {missing}: the workflow `train` hands one over for each"
        )


if __name__ == "__main__":
    main()
