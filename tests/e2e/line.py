"""The whole line on the embedded endpoint, as the tests drive it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from local import cli
from local.demo import loader, progress, story
from local.demo.deployed import EXPORTED_AFTER_SECONDS, Deployed
from local.demo.generated import GeneratedShop
from operations import place as places
from operations.place import Place, Refused
from osusume_endpoint import state
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.guard import calls


@dataclass
class Line(Deployed):
    """A deployed endpoint with the application's data loaded."""

    endpoint: Endpoint
    settings: Settings
    shop: GeneratedShop
    output: str = field(default="")

    def follow(self, arn: str) -> progress.Run:
        out = StringIO()
        try:
            return progress.follow(
                self.client("stepfunctions"), arn, logs=self.endpoint.home / "log", out=out
            )
        finally:
            self.output = out.getvalue()

    def run(self) -> str:
        """Runs the pipeline; the run's id. Raises RunFailed."""
        run = self.follow(self.fire())
        return story.run_id_of(run.execution.description["output"])

    def start(self, workflow: str, payload: dict[str, Any]) -> progress.Run:
        """Runs one workflow of the line alone. Raises RunFailed."""
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=self.settings.names.workflow_arn(workflow), input=json.dumps(payload)
        )
        return self.follow(started["executionArn"])

    def pointer(self, name: str) -> dict[str, str]:
        item = self.item(f"pointer#{name}", "pointer") or {}
        return {key: str(next(iter(value.values()))) for key, value in item.items()}

    def published(self, name: str, key: str) -> list[str]:
        """Item ids of a list, as its pointer says which version serves."""
        item = self.item(f"{name}#{key}", self.pointer(name)["current"])
        assert item is not None, f"the list {name}#{key} is not published"
        return [entry[0] for entry in json.loads(item["items"]["S"])]

    def warehouse(self, statement: str, *, reader: bool = False) -> list[list[Any]]:
        """As the owner of the tables, or as the user that reads the marts."""
        names = self.settings.names
        return story.query(
            self.client("redshift-data"),
            statement,
            workgroup=names.warehouse,
            database=self.settings.analytics.database,
            secret=names.warehouse_reader_secret if reader else names.warehouse_secret,
        )

    def application(self, statement: str) -> list[tuple[Any, ...]]:
        with (
            closing(loader.connect(self.client, secret=self.settings.aurora_secret)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def calls(self) -> list[dict[str, Any]]:
        return list(calls.read(self.endpoint.home / "calls.jsonl"))

    @contextmanager
    def without_statement(self, workflow: str, action: str) -> Iterator[str]:
        """Takes the statements that allow `action` away from a workflow's role; yields the role's name."""
        iam = self.client("iam")
        arn = self.settings.names.workflow_arn(workflow)
        described = self.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
        role = described["roleArn"].rsplit("/", 1)[-1]
        changed = {}
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            kept = [s for s in document["Statement"] if action not in _actions(s)]
            if len(kept) < len(document["Statement"]):
                changed[name] = document
                self._put(role, name, {**document, "Statement": kept})
        assert changed, f"no statement of {role} allows {action}"
        try:
            yield role
        finally:
            for name, document in changed.items():
                self._put(role, name, document)

    def _put(self, role: str, name: str, document: dict[str, Any]) -> None:
        self.client("iam").put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document)
        )


def _actions(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return actions if isinstance(actions, list) else [actions]


def deployed(*, home: Path, cdk_out: Path, settings: Settings, shop: GeneratedShop) -> Line:
    """Starts an endpoint in `home`, deploys `cdk_out` and loads the shop."""
    import argparse

    code = cli.run_up(argparse.Namespace(no_deploy=False, cdk_out=cdk_out, port=None))
    assert code == 0
    line = Line(endpoint=cli.endpoint_of(state.running(home), home), settings=settings, shop=shop)
    line_store(line, shop)
    return line


def line_store(line: Line, shop: GeneratedShop) -> None:
    """Loads the shop into the application's database and log, or whole into the log where there is no database."""
    if line.settings.sources.aurora is None:
        _log_all(line, shop)
    else:
        _store_all(line, shop)
    # An export shows the table at a whole second before the run started: let what was written be older.
    time.sleep(EXPORTED_AFTER_SECONDS)


def _store_all(line: Line, shop: GeneratedShop) -> None:
    from local.demo import tables

    with closing(loader.connect(line.client, secret=line.settings.aurora_secret)) as connection:
        tables.create(connection, tables=line.settings.sources.aurora.tables, datasets=line.settings.datasets)
        loader.store(
            shop.shop,
            previous=tables.previous(connection),
            connection=connection,
            clients=line.client,
            settings=line.settings,
        )


def _log_all(line: Line, shop: GeneratedShop) -> None:
    """Purchases as events, as an application without orders would log them."""
    import pandas as pd

    from local.demo import log
    from local.demo.shop import EVENT_COLUMNS

    orders = shop.shop.orders
    bought = pd.DataFrame(
        {
            "event_id": orders.order_id + "-" + orders.item_id,
            "event_type": "purchase",
            "user_id": orders.user_id,
            "item_id": orders.item_id,
            "occurred_at": orders.ordered_at,
            "session_id": orders.order_id,
            "value": orders.sales_value,
            "simulated": False,
        }
    ).reindex(columns=EVENT_COLUMNS)
    bought["simulated"] = False
    for events in (bought, shop.shop.events):
        log.write(
            line.client("dynamodb"),
            table=line.settings.application_log_table,
            events=events,
            log=line.settings.log,
        )


def wait_for(condition: Any, *, seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s")


@contextmanager
def place_of(line: Line) -> Iterator[Place]:
    """The endpoint as `operations` reaches an account, its administrator acting."""
    given = {
        **line.endpoint.administrator.environment(),
        "AWS_ENDPOINT_URL": line.endpoint.url,
        "OSUSUME_API_URL": line.api.url,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        yield places.reached(line.settings.environment)


def let_go(line: Line, refusal: Refused) -> set[str]:
    """Does what the refusal of a destruction tells: its commands. Returns the roles that held a caller policy."""
    holders = set()
    for told in str(refusal).splitlines()[1:]:
        *command, _, holder, _, policy = told.split()
        assert command == ["aws", "iam", "detach-role-policy"]
        line.client("iam").detach_role_policy(RoleName=holder, PolicyArn=policy)
        holders.add(holder)
    return holders
