"""Analyses every experiment of the configuration from the marts, and stores what was found.

Who is told of a decision is the workflow's (stacks/workflows/decisions.py): this function knows no topic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.analyse_experiments.environment import Environment
from lambdas.analyse_experiments.store import Store
from lambdas.shared import environment, events
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger

DESIGNS = Path(__file__).parent / "designs.json"  # put there by the stack, from the configuration


@cache
def settings() -> Environment:
    return environment.read(Environment)


@cache
def designs() -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads(DESIGNS.read_text())
    return content


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = run(event, clients=client, settings=settings(), designs=designs())
    logger().info("analysed", extra={"run_id": event["run_id"], **answer})
    return answer


def run(
    event: Mapping[str, Any],
    *,
    clients: Callable[[str], Any],
    settings: Environment,
    designs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """{experiments, rows, decisions: [{experiment, version, variant, decision, stops, words_en, words_ja}]}.

    Raises AnalysisNotStored.
    """
    from analysis import stored  # numpy and scipy take a second
    from analysis.panel import simulated_ones

    run_id = events.text(event, "run_id")
    store = Store(redshift_data=clients("redshift-data"), s3=clients("s3"), settings=settings, run_id=run_id)
    reports = [_report(store, design) for design in designs]
    simulated = {(str(name), str(version)) for name, version in store.rows(simulated_ones())}
    rows = [row for report in reports for row in stored.rows(report, simulated=simulated)]
    store.keep(rows)
    decided = [one for report in reports for one in stored.decisions(report)]
    return {"experiments": len(reports), "rows": len(rows), "decisions": decided}


def _report(store: Store, document: Mapping[str, Any]) -> Any:
    from analysis.design import Design
    from analysis.panel import Rows, moments_of
    from analysis.report import analyse

    design = Design.read(document)
    return analyse(design, Rows(store.rows(moments_of(design)), until=design.ends))
