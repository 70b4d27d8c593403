"""Stops a run whose lists are all alike, or that leaves too many without one, before readers see any of them."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from lambdas.judge_lists import figures
from lambdas.judge_lists.environment import Environment
from lambdas.shared import environment, events, times
from lambdas.shared.clients import client
from lambdas.shared.telemetry import count, logger


class ListsRefused(RuntimeError):
    """Lists are not as `quality_gate` wants them; none of the run's was published."""


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = run(event, s3=client("s3"), settings=settings())
    logger().info("lists judged", extra=answer)
    return answer


def run(event: dict[str, Any], *, s3: Any, settings: Environment) -> dict[str, Any]:
    """{solution: {lists, asked, sameness, without}}. Raises ListsRefused."""
    run_id = events.text(event, "run_id")
    times.started_at(run_id)
    refused: list[str] = []
    found = {}
    for name, rules in settings.rules.items():
        sample = sampled(s3, settings.results_bucket, run_id=run_id, solution=name)
        asked = lines_in(
            s3, settings.datasets_bucket, prefix=f"runs/{run_id}/batch_input/{rules['audience']}/"
        )
        same = figures.sameness([ids(line) for line in sample.kept])
        refused += figures.wrong(
            name,
            lists=sample.seen,
            asked=asked,
            same=same,
            max_sameness=rules["max_sameness"],
            max_without_list=rules["max_without_list"],
        )
        found[name] = {
            "lists": sample.seen,
            "asked": asked,
            "sameness": same,
            "without_list": figures.missing(lists=sample.seen, asked=asked),
        }
        measured = {key: found[name][key] for key in ("sameness", "without_list")}
        count(measured, namespace=settings.powertools_metrics_namespace, dimensions={"Solution": name})
    if refused:
        raise ListsRefused(
            f"{'; '.join(refused)}: the lists before serve on. Raise the limit if this is as you want it"
        )
    return found


def sampled(s3: Any, bucket: str, *, run_id: str, solution: str) -> figures.Sample:
    """The same run gives the same sample."""
    sample = figures.Sample(random.Random(f"{run_id}{solution}"))
    for key in keys(s3, bucket, prefix=f"publish/{run_id}/{solution}/part-"):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        sample.add(line for line in gzip.decompress(body).splitlines() if line.strip())
    sample.random.shuffle(sample.kept)
    return sample


def ids(line: bytes) -> frozenset[str]:
    return frozenset(str(item[0]) for item in json.loads(line)["items"])


def lines_in(s3: Any, bucket: str, *, prefix: str) -> int:
    bodies = (s3.get_object(Bucket=bucket, Key=key)["Body"] for key in keys(s3, bucket, prefix=prefix))
    return sum(line.strip() != b"" for body in bodies for line in body.read().splitlines())


def keys(s3: Any, bucket: str, *, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            if found["Size"]:
                yield found["Key"]
