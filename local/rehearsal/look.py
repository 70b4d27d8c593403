"""`python -m local.rehearsal.look <environment>`: whether what runs is what is configured, asked of each service."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from config import layout
from config.recipes import RECIPES
from config.solution import Solution
from operations import place as places
from operations import queries
from operations.place import Place, say


class Differs(RuntimeError):
    """The message says what is deployed and what is configured."""


def schedule(place: Place) -> str:
    found = place.client("scheduler").get_schedule(Name=place.names.schedule)["ScheduleExpression"]
    return _same(found, place.settings.schedule.expression)


def requests(place: Place) -> str:
    """Limits of the API's stage."""
    stages = [
        stage
        for api in place.client("apigateway").get_rest_apis()["items"]
        for stage in place.client("apigateway").get_stages(restApiId=api["id"])["item"]
    ]
    settings = [one for stage in stages for one in stage.get("methodSettings", {}).values()]
    found = {(one["throttlingRateLimit"], one["throttlingBurstLimit"]) for one in settings}
    return _same(found, {(place.settings.api.rate_per_second, place.settings.api.burst)})


def jobs(place: Place) -> str:
    found = place.client("glue").get_job(JobName=place.names.job("build-datasets"))["Job"]["NumberOfWorkers"]
    return _same(found, place.settings.etl.workers)


def fields(place: Place) -> str:
    """Fields of the datasets as Personalize has them, and of their marts."""
    wanted = {
        name: {field.name for field in place.settings.datasets.fields(name)} for name in ("users", "items")
    }
    found = {name: _of_dataset(place, name) for name in wanted}
    _same(found, wanted)
    for name, names in wanted.items():
        missing = {column.lower() for column in names} - _of_mart(place, f"dim_{name}")
        if missing:
            raise Differs(f"marts.dim_{name} has no {', '.join(sorted(missing))}")
    return ", ".join(f"{len(names)} of {name}" for name, names in wanted.items())


def _of_dataset(place: Place, name: str) -> set[str]:
    client = place.client("personalize")
    dataset = client.describe_dataset(datasetArn=place.names.dataset_arn(name))["dataset"]
    schema = client.describe_schema(schemaArn=dataset["schemaArn"])["schema"]["schema"]
    return {field["name"] for field in json.loads(schema)["fields"]}


def _of_mart(place: Place, table: str) -> set[str]:
    statement = (
        "select column_name from information_schema.columns "
        f"where table_schema = 'marts' and table_name = '{table}'"
    )
    return {str(row[0]) for row in queries.warehouse_rows(place, statement)}


def solutions(place: Place) -> str:
    """Recipe, hyperparameters and weights of the version that serves each configured solution."""
    serving = _serving(place)
    for solution in place.settings.solutions:
        described = _version(place, serving[solution.name])
        config = described.get("solutionConfig", {})
        recipe = RECIPES[solution.recipe]
        algorithm, _ = recipe.split(solution.hyperparameters)
        _same(described["recipeArn"], recipe.arn)
        _same(config.get("algorithmHyperParameters", {}), algorithm)
        if recipe.event_weights:
            _same(_weights(config), _configured_weights(place, solution))
    return ", ".join(sorted(solution.name for solution in place.settings.solutions))


def _serving(place: Place) -> dict[str, str]:
    """Version ARNs by the solution's name, as the newest run recorded them."""
    client, table = place.client("dynamodb"), place.names.control_table
    key = {layout.PK: {"S": layout.WATERMARK}}
    run_id = client.get_item(TableName=table, Key=key)["Item"]["run_id"]["S"]
    run = client.get_item(TableName=table, Key={layout.PK: {"S": layout.RUN.of(run_id=run_id)}})["Item"]
    return dict(json.loads(run["versions"]["S"]))


def _version(place: Place, arn: str) -> Mapping[str, Any]:
    answer = place.client("personalize").describe_solution_version(solutionVersionArn=arn)
    return dict(answer["solutionVersion"])


def _weights(config: Mapping[str, Any]) -> dict[str, float]:
    rows = config.get("eventsConfig", {}).get("eventParametersList", [])
    return {row["eventType"]: row["weight"] for row in rows}


def _configured_weights(place: Place, solution: Solution) -> dict[str, float]:
    events = solution.events or place.settings.datasets.interactions.events
    return {event.type: event.weight for event in events}


def log(place: Place) -> str:
    """The table that is configured was exported, and no other is the environment's."""
    client, name = place.client("dynamodb"), place.settings.application_log_table
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    exports = client.list_exports(TableArn=arn)["ExportSummaries"]
    if not any(one["ExportStatus"] == "COMPLETED" for one in exports):
        raise Differs(f"{name} is the log, and no run has exported it")
    return f"{name}, {len(exports)} exports"


def dashboards(place: Place) -> str:
    client, account = place.client("quicksight"), place.settings.account
    found = client.list_dashboards(AwsAccountId=account)["DashboardSummaryList"]
    return _same(bool(found), place.settings.analytics.quicksight.enabled)


def _same(found: Any, wanted: Any) -> str:
    if found != wanted:
        raise Differs(f"{found!r} is deployed, {wanted!r} is configured")
    return str(wanted)


LOOKS: tuple[Callable[[Place], str], ...] = (schedule, requests, jobs, fields, solutions, log, dashboards)


def main(environment: str) -> int:
    place = places.reached(environment)
    wrong = 0
    for one in LOOKS:
        try:
            say(f"  ok      {one.__name__}: {one(place)}")
        except Differs as differs:
            wrong += 1
            say(f"  WRONG   {one.__name__}: {differs}")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
