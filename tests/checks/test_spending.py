"""A month's bill: AWS's own worked examples, what has no price, choices, and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from assess.words import Words
from checks import cost, docs
from checks.assembly import Assembly
from checks.spending import __main__ as command
from checks.spending import choices, measured, scale, units, use
from checks.spending.month import UNKNOWN, Month, Sum, table
from checks.spending.shop import Measured, Shop, ShopRefused, Volumes, assumed
from checks.spending.use import Case, Fixed
from config import layout
from config.solution import Users
from operations.place import Place
from tests import example
from tests.checks.conftest import _assembly

SHOP = Shop(users=100_000, items=20_000, events_per_day=50_000)


def case(assembly: Assembly, **changes: Any) -> Case:
    variation = "prod" if "prod" in assembly.prefix else "dev"
    given = {"settings": example.settings(variation), "fixed": Fixed.of(assembly), "shop": SHOP}
    return Case(**{**given, **changes})


def line(found: Case, what: str) -> use.Line:
    [one] = [line for line in use.lines(found) if line.what.startswith(what)]
    return one


# AWS Glue pricing: 15 minutes of 6 DPU at 0.44 are 0.66 ("ETL job"), 24 of 5 are 0.88 ("interactive sessions").
@pytest.mark.parametrize(("dpus", "minutes", "usd"), [(6, 15, 0.66), (5, 24, 0.88)])
def test_glue_bills_as_in_awss_examples(dpus: float, minutes: float, usd: float) -> None:
    assert units.glue_dpu_hours(dpus=dpus, minutes=minutes) * 0.44 == pytest.approx(usd)


def test_what_only_templates_tell_is_named_by_the_assessment(assembly: Assembly) -> None:
    """Its sum has none of it: other pages show a month that is dearer."""
    told = set(Fixed.of_settings(example.settings()).quantities) | {cost.REDSHIFT, cost.GLUE}  # by their use
    left = {
        driver.name.removeprefix("CloudWatch ")
        for driver in Fixed.of(assembly).quantities
        if driver not in told
    }
    words = Words.of("en").sentences["cost_left"]
    assert {name for name in left if name.lower() not in words.lower()} == set()
    assert len(left) == 6


def test_glue_bills_a_minute_at_least() -> None:
    assert units.glue_dpu_hours(dpus=60, minutes=0.2) == 1


def test_lambda_bills_as_in_awss_example() -> None:
    """AWS Lambda pricing: 3 million requests of 120 ms at 1,536 MB are 540,000 GB-s, 2.33 after 400,000 free."""
    used = units.lambda_gb_seconds(requests=3_000_000, milliseconds=120, memory_mb=1536)
    assert used == pytest.approx(540_000)
    assert round((used - 400_000) * 0.0000166667, 2) == 2.33
    assert pytest.approx(0.40) == (3_000_000 - 1_000_000) * 0.0000002


@pytest.mark.parametrize(
    ("size", "written", "read"),
    # DynamoDB guide, "DynamoDB on-demand capacity mode": 1 KB a write unit, 4 KB a read unit, half eventually.
    [(1, 1, 0.5), (1024, 1, 0.5), (1025, 2, 0.5), (4096, 4, 0.5), (4097, 5, 1), (8192, 8, 1)],
)
def test_dynamodb_counts_units_as_its_guide_says(size: int, written: float, read: float) -> None:
    assert (units.write_units(size), units.read_units(size)) == (written, read)


def test_transitions_bill_as_in_an_example_of_others(dev: Assembly) -> None:
    """10 transitions of 100,000 executions, one retry of a tenth, 0.025 a thousand: 25.25 (serverless.com)."""
    a_run = (10 * 100_000 + 1 * 100_000 * 0.1) / 30
    known = line(case(dev, measured=Measured(transitions=a_run)), "transitions")
    assert round(known.amount / 1000 * 0.025, 2) == 25.25


def test_training_hours_go_through_the_figures_that_aws_gives() -> None:
    assert units.training_hours(100_000) == pytest.approx(2.135)
    assert units.training_hours(25_000_000) == pytest.approx(53.9)
    assert 2.135 < units.training_hours(1_000_000) < 53.9


def test_an_idle_campaign_costs_what_awss_knowledge_centre_says() -> None:
    """1 TPS for a day are 86,400 recommendations, at 0.0556 a thousand: about 144 dollars a month of 30 days."""
    price = cost.price("Personalize campaigns", "ap-northeast-1")
    assert price is not None
    assert price.price * 24 == pytest.approx(86_400 * 0.0556 / 1000, rel=1e-4)
    assert round(price.price * 24 * 30) == 144


def test_training_and_lists_of_v2_are_billed_by_interactions_and_lists(dev: Assembly) -> None:
    """0.002 dollars a thousand interactions and training, 0.15 a thousand lists."""
    found, month = case(dev), Month.of(case(dev))
    trained, listed = line(found, "training personal"), line(found, "batch inference personal")
    assert trained.amount == 50_000 * 365 * 30
    assert month.usd(trained) == pytest.approx(50_000 * 365 * 30 / 1000 * 0.002)
    assert month.usd(listed) == pytest.approx(100_000 * 30 / 1000 * 0.15)


def test_other_recipes_are_billed_by_the_hour(dev: Assembly) -> None:
    related = line(case(dev), "training related")
    assert related.unit == "training hours"
    assert related.amount == pytest.approx(units.training_hours(50_000 * 365) * 30)


def test_a_missing_price_is_unknown_and_the_sums_say_at_least(dev: Assembly) -> None:
    text = table(Month.of(case(dev)))
    assert f"| answers queued | 1,800,000 | requests | assumed | {UNKNOWN} |" in text
    assert f"| **SQS** | | | | **{UNKNOWN}** |" in text
    assert "| **all** | | | | **at least " in text
    assert "has no price for ap-northeast-1: CloudWatch dashboards, DynamoDB exports, " in text


def test_no_price_of_one_region_stands_in_for_anothers(dev: Assembly) -> None:
    elsewhere = example.settings(
        "dev",
        region="eu-west-1",
        network={"availability_zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]},
    )
    month = Month.of(case(dev, settings=elsewhere))
    assert str(month.sum("API Gateway")) == str(month.sum("Network")) == UNKNOWN
    assert month.sum("Personalize").missing == 0  # its page names no region


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], "0.00"),
        ([1.5, 2], "3.50"),
        ([1.5, None], "at least 1.50"),
        ([None], UNKNOWN),
        ([0.001], "under 0.01"),
    ],
)
def test_a_sum_says_what_it_lacks(parts: list[float | None], text: str) -> None:
    assert str(Sum.of(parts)) == text


@pytest.mark.parametrize("figures", [{"users": 0}, {"items": -1}, {"events_per_day": 0}])
def test_a_shop_of_nothing_is_refused(figures: dict[str, int]) -> None:
    [key] = figures
    with pytest.raises(ShopRefused, match=f"{key.upper()}={figures[key]}: write a figure above 0"):
        Shop(**{"users": 1, "items": 1, "events_per_day": 1, **figures})  # type: ignore[arg-type]


def test_what_was_measured_goes_before_what_is_assumed(dev: Assembly) -> None:
    known = Measured(
        interactions=1_000, users=50, items=7, dpu_hours=2, training_hours={"related": 3.0}, transitions=9
    )
    found = case(dev, measured=known)
    assert Volumes.of(SHOP, known) == Volumes(interactions=1_000, users=50, items=7)
    amounts = {
        what: line(found, what)
        for what in ("jobs", "training related", "transitions", "batch inference related")
    }
    assert {what: one.amount for what, one in amounts.items()} == {
        "jobs": 60,
        "training related": 90,
        "transitions": 270,
        "batch inference related": 210,
    }
    assert {one.basis for one in amounts.values()} == {"measured"}
    assert line(found, "logs ingested").basis == "assumed"


def test_choices_that_are_not_there_to_make_are_not_offered(dev: Assembly) -> None:
    titles = {saving.choice.title for saving in choices.savings(case(dev))}
    assert "run once a week" in titles
    assert not {"one NAT gateway", "base capacity of 8 RPU"} & titles  # dev has them so already


def test_trainings_are_counted_by_their_own_schedule(dev: Assembly) -> None:
    weekly = case(dev, settings=example.settings(schedule={"training": "cron(0 2 ? * SUN *)"}))
    trained, listed = line(weekly, "training personal"), line(weekly, "batch inference personal")
    assert trained.amount * 30 == pytest.approx(line(case(dev), "training personal").amount * 4)  # Sundays
    assert listed.amount == line(case(dev), "batch inference personal").amount
    titles = {saving.choice.title for saving in choices.savings(weekly)}
    assert "train once a week, infer daily" not in titles


def test_a_choice_saves_what_its_quantity_costs() -> None:
    prod = case(_assembly("prod"))
    saved = {saving.choice.title: saving.saved for saving in choices.savings(prod)}
    assert saved["one NAT gateway"].usd == pytest.approx(2 * 730 * (0.062 + 0.005))
    assert saved["Aurora pauses"].usd == pytest.approx(0.5 * 730 * 0.2)
    jobs = line(prod, "jobs")
    assert saved["Lambda in place of Glue"].usd == pytest.approx(jobs.amount * 0.44)


def test_a_weekly_run_costs_a_seventh_of_what_every_run_costs(dev: Assembly) -> None:
    [weekly] = [s for s in choices.savings(case(dev)) if s.choice.title == "run once a week"]
    training = Month.of(case(dev)).usd(line(case(dev), "training personal"))
    assert training is not None
    assert weekly.saved.usd > training * 26 / 30
    assert weekly.saved.missing == 0  # what has no price is of use, not of runs


@pytest.mark.parametrize(
    "offered", [choice for choice in choices.CHOICES if choice.offered], ids=lambda c: c.title
)
def test_what_is_offered_names_a_key_of_the_configuration(offered: choices.Choice) -> None:
    [key] = offered.how.strip("`").split(":")[:1]
    settings = example.settings(schedule={"training": "cron(0 2 ? * SUN *)"})
    asking = settings.solutions[0].model_copy(update={"users": Users(active_within_days=1)})
    value: Any = settings.model_copy(update={"solutions": (asking, *settings.solutions[1:])})
    for part in key.split("."):
        value = value[0] if isinstance(value, tuple) else value
        part = part.removesuffix("[]")
        assert part in type(value).model_fields
        value = getattr(value, part)
    assert value is not None


def test_a_choice_that_no_key_expresses_says_so(dev: Assembly) -> None:
    rows = choices.table(case(dev)).splitlines()
    [row] = [row for row in rows if row.startswith("| Lambda in place of Glue")]
    assert "| not offered yet: the jobs are Spark's" in row


def test_the_pages_are_current() -> None:
    for name, made in docs.pages_of(example.settings("prod"), _assembly("prod")).items():
        assert (docs.DOCS / name).read_text() == made, "run `make docs`"


MEASURED = scale.Measurement("rows", (1_000_000, 3_000_000), (50.0, 110.0))


def test_what_rows_cost_is_told_from_what_a_start_costs() -> None:
    assert (MEASURED.per_million, MEASURED.start, MEASURED.seconds(10_000_000)) == (30.0, 20.0, 320.0)


def test_a_job_has_as_many_workers_as_end_within_the_hour() -> None:
    # 30 s a million rows: 10 billion rows are 83.3 hours of a core, 34.7 of a worker whose 4 cores are busy to 60%.
    one = scale.job("build-datasets", 10_000_000_000, MEASURED)
    assert (one.workers, round(one.hours, 2)) == (35, 0.99)
    assert scale.job("build-datasets", 1000, MEASURED).workers == 2
    assert scale.job("build-datasets", 1_000_000_000_000, MEASURED).workers == scale.MOST_WORKERS


def test_the_limit_that_is_exceeded_most_comes_first(dev: Assembly) -> None:
    settings = example.settings()
    size = scale.Size(settings, Fixed.of(dev), users=100_000_000, items=1_000_000, events=1_000_000_000)
    found = {limit.what: limit.share for limit in scale.limits(size, settings)}
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert (
        found["records of a solution's batch inference, in 10 jobs of 50,000,000 (`etl.batch_records`)"]
        == 0.2
    )
    assert round(found["items that other recipes know"], 2) == 1.33


def test_measured_seconds_replace_what_is_assumed_of_the_jobs(dev: Assembly) -> None:
    size = scale.Size(example.settings(), Fixed.of(dev), users=1_000_000, items=1000, events=10_000_000)
    [line] = [line for line in size.month.lines if line.service == "Glue"]
    assert (line.basis, line.amount) == ("measured", sum(one.dpu_hours for one in size.jobs) * size.case.runs)


class Control:
    """The control table as a run leaves it, and the histories of its executions."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self._items = {item[layout.PK]["S"]: item for item in items}

    def get_item(self, *, TableName: str, Key: dict[str, Any]) -> dict[str, Any]:
        found = self._items.get(Key[layout.PK]["S"])
        return {"Item": found} if found else {}

    def get_paginator(self, operation: str) -> Control:
        assert operation == "get_execution_history"
        return self

    def paginate(self, *, executionArn: str) -> list[dict[str, Any]]:
        child = {"output": json.dumps({"ExecutionArn": "child"})}
        own = (
            [{"type": "TaskSubmitted", "taskSubmittedEventDetails": child}]
            if executionArn == "parent"
            else []
        )
        return [{"events": [*own, {"type": "TaskStateEntered"}, {"type": "TaskStateExited"}]}]


def place(monkeypatch: pytest.MonkeyPatch, items: list[dict[str, Any]]) -> None:
    client = Control(items)
    monkeypatch.setattr(Place, "client", lambda self, service: client)
    monkeypatch.setattr(measured, "reached", lambda environment: Place(example.settings(environment)))
    monkeypatch.setattr(measured, "_point_at_endpoint", lambda: None)


def test_rows_are_those_of_the_last_runs_record(monkeypatch: pytest.MonkeyPatch) -> None:
    run = {
        layout.PK: {"S": "run#20261127T030000Z"},
        "rows": {"S": '{"interactions": 12, "users": 3, "items": 4}'},
        "execution": {"S": "parent"},
    }
    place(monkeypatch, [{layout.PK: {"S": layout.WATERMARK}, "run_id": {"S": "20261127T030000Z"}}, run])
    found = measured.read("dev", "endpoint")
    assert (found.interactions, found.users, found.items, found.transitions) == (12, 3, 4, 2)
    assert found.source == "run 20261127T030000Z on endpoint"
    assert found.dpu_hours is None  # a laptop's hours are no Glue's


def test_where_no_run_succeeded_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, [])
    with pytest.raises(
        measured.NothingMeasured, match="No run of dev has succeeded there: `make run ENV=dev`"
    ):
        measured.read("dev", "endpoint")


def test_the_command_prints_the_month_and_the_choices(
    dev: Assembly, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([str(dev.folder), "--users", "10", "--items", "5", "--events-per-day", "20"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("dev in ap-northeast-1, 30 runs a month: 10 users, 5 items, 20 events a day")
    assert "| **all** |" in told and "| cheaper choice |" in told


def test_the_command_refuses_a_shop_of_nothing(dev: Assembly, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(dev.folder), "--users", "0"]) == 1
    assert "USERS=0: write a figure above 0" in capsys.readouterr().err


def test_more_users_cost_more_lists_and_no_more_training(dev: Assembly) -> None:
    few, many = case(dev), case(dev, shop=replace(SHOP, users=SHOP.users * 2))
    assert line(many, "batch inference personal").amount == 2 * line(few, "batch inference personal").amount
    assert line(many, "training personal") == line(few, "training personal")
    assert assumed("history_days") == 365
