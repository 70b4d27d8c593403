"""Environments that do without a part, deployed and run: lists serve, rules know what was bought."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from config import files
from local.demo.generated import generate
from operations import destroy, forget, recommend, smoke
from operations.place import Place, Refused
from operations.queries import warehouse_rows
from tests.e2e.line import Line, place_of
from tests.e2e.test_examples import deployment, environment, keys

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]


@contextmanager
def ran(home: Path, file: str, **changes: Any) -> Iterator[tuple[Line, str]]:
    """An example's environment after its first run; sections among the changes are merged."""
    with environment(home):
        made = deployment(home, file)
        made.content = files.merged(made.content, changes)
        made.deploy(generate(now=pd.Timestamp.now("UTC") - pd.Timedelta(hours=1)))
        yield made.line, made.line.run()


def looked_at(place: Place) -> set[str]:
    """Looks that went well. Alarms are left out: no run succeeded for hours before this one."""
    found = {name: look for name, look in smoke.looks(place).items() if name != "alarms"}
    return {name for name, look in found.items() if look(place)}


def report(line: Line, run: str) -> dict[str, Any]:
    bucket = line.settings.names.datasets_bucket
    body = line.client("s3").get_object(Bucket=bucket, Key=f"runs/{run}/report.json")["Body"]
    found: dict[str, Any] = json.loads(body.read())
    return found


def bought_items(line: Line, user: str) -> set[str]:
    return set(line.shop.shop.orders.query("user_id == @user").item_id)


def _is_forgotten(line: Line, place: Place, user: str) -> dict[str, Any]:
    """The report of the deletion: where it removed what, and what stays."""
    assert forget.forget(place, user=user, given="dev") == 0
    assert user not in keys(line, "personal")
    bucket = line.settings.names.results_bucket
    [one] = line.client("s3").list_objects_v2(Bucket=bucket, Prefix="forget/")["Contents"]
    found: dict[str, Any] = json.loads(
        line.client("s3").get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
    )
    return found


def _older_version_recommends(line: Line, place: Place, named: str) -> None:
    """`make recommend`: lists of an older version serve, beside those of the others' newest; none is trained."""
    others = line.pointer("popular")["solution_version_arn"]
    versions = _count_versions(line)
    line.follow(recommend.start(place, solution="", version=named))
    assert line.pointer("personal")["solution_version_arn"] == named
    assert line.pointer("popular")["solution_version_arn"] == others
    assert line.pointer("personal")["current"] == line.pointer("popular")["current"]
    assert _count_versions(line) == versions


def _count_versions(line: Line) -> int:
    personalize = line.client("personalize")
    found = personalize.list_solutions(datasetGroupArn=line.settings.names.dataset_group_arn)["solutions"]
    return sum(
        len(personalize.list_solution_versions(solutionArn=one["solutionArn"])["solutionVersions"])
        for one in found
    )


def test_the_log_alone_is_learned_from_and_says_what_was_bought(tmp_path: Path) -> None:
    with ran(tmp_path, "log-only.yaml") as (line, run):
        orders = line.shop.shop.orders
        assert set(report(line, run)["datasets"]) == {"interactions"}
        assert set(orders.user_id) <= keys(line, "personal")
        assert set(line.published("personal", line.shop.held_out_user)[:10]) & line.shop.expected
        answer = line.api.get("/v1/users/u1-000/recommendations?placement=buy_again")
        shown = {one["itemId"] for one in answer["items"]}
        assert shown and shown <= bought_items(line, "u1-000")
        # Lines of one user, item and second are one purchase, as they are one interaction.
        [[lines, value]] = line.warehouse("select count(*), sum(sales_value) from landing.orders")
        apart = orders.groupby(["user_id", "item_id", "ordered_at"]).sales_value.max()
        assert (lines, round(float(value), 2)) == (len(apart), round(float(apart.sum()), 2))
        [[revenue]] = line.warehouse("select count(*) from marts.dim_users where orders > 0", reader=True)
        assert revenue == orders.user_id.nunique()
        jobs = [one["Name"] for one in line.client("glue").get_jobs()["Jobs"]]
        assert sorted(jobs) == ["osusume-dev-build-datasets", "osusume-dev-postprocess-recommendations"]
        with place_of(line) as place:
            assert "marts" in looked_at(place)
            removed = _is_forgotten(line, place, "u1-001")["removed"]
            assert removed["application log: rows"] > 0 and removed["warehouse: rows"] > 0


def test_without_a_warehouse_runs_end_when_lists_serve(tmp_path: Path) -> None:
    with ran(tmp_path, "without-warehouse.yaml") as (line, run):
        assert line.pointer("personal")["current"] == run
        machines = line.client("stepfunctions").list_state_machines()["stateMachines"]
        assert "osusume-dev-load" not in {one["name"] for one in machines}
        assert not line.client("redshift-serverless").list_workgroups()["workgroups"]
        control = line.client("dynamodb").scan(TableName=line.settings.names.control_table)["Items"]
        known = {item["pk"]["S"] for item in control}
        assert f"run#{run}" in known and not known & {"warehouse_pending", "lock"}
        with place_of(line) as place:
            assert looked_at(place) == {"stacks", "personal lists", "popular list", "lock"}
            with pytest.raises(Refused, match=r"analytics\.enabled is false"):
                warehouse_rows(place, "select 1")
            done = _is_forgotten(line, place, "u1-001")
            assert not [name for name in done["removed"] if "warehouse" in name]
            assert not [one for one in done["stays"] if "warehouse" in one["where"]]
            assert destroy.destroy(place, given="dev") == 0


def test_the_database_alone_is_learned_from(tmp_path: Path) -> None:
    with ran(tmp_path, "database-only.yaml") as (line, run):
        assert line.pointer("personal")["current"] == run
        assert set(line.published("personal", line.shop.held_out_user)[:10]) & line.shop.expected
        assert report(line, run)["event_runs"] == []
        tables = line.client("dynamodb").list_tables()["TableNames"]
        assert "osusume-dev-application-log" not in tables
        assert line.warehouse("select count(*) from landing.events") == [[0]]
        named = line.pointer("personal")["solution_version_arn"]
        second = line.run()
        assert line.pointer("personal")["current"] == second != run
        assert line.pointer("personal")["solution_version_arn"] != named
        with place_of(line) as place:
            _older_version_recommends(line, place, named)
            assert "marts" in looked_at(place)
            assert "application log: rows" not in _is_forgotten(line, place, "u1-001")["removed"]
