from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checks import cost
from checks.assembly import Assembly
from checks.spending import use as spending
from tests.mutations.mutation import with_template

Resources = dict[str, Any]


def changed(assembly: Assembly, stack: str, change: Callable[[Resources], Any]) -> Assembly:
    template = copy.deepcopy(assembly.templates[stack])
    change(template["Resources"])
    return with_template(assembly, stack, template)


def of_type(resources: Resources, kind: str) -> list[tuple[str, Resources]]:
    return [(name, r) for name, r in resources.items() if r["Type"] == kind]


def properties(kind: str, **given: Any) -> Callable[[Resources], None]:
    """Gives the first resource of the type other properties."""
    return lambda resources: of_type(resources, kind)[0][1]["Properties"].update(given)


def second_gateway(resources: Resources) -> None:
    [(_, gateway)] = of_type(resources, "AWS::EC2::NatGateway")
    resources["Another"] = copy.deepcopy(gateway)


@pytest.mark.parametrize(
    ("stack", "change", "row"),
    [
        ("Network", second_gateway, "| NAT gateways | 730 | 1,460 | hours | +45.26 |"),
        (
            "Network",
            lambda resources: [
                r["Properties"].update(SubnetIds=["subnet-1"])
                for _, r in of_type(resources, "AWS::EC2::VPCEndpoint")
                if r["Properties"]["VpcEndpointType"] == "Interface"
            ],
            "| Interface endpoints (one a zone) | 2,190 | 730 | hours | -20.44 |",
        ),
        (
            "Sources",
            properties("AWS::RDS::DBCluster", ServerlessV2ScalingConfiguration={"MinCapacity": 2}),
            "| Aurora capacity (the minimum of every instance) | 365 | 1,460 | ACU-hours | +219.00 |",
        ),
        (
            "Preparation",
            properties("AWS::Glue::Job", NumberOfWorkers=4, WorkerType="G.2X"),
            "(at most: every scheduled run up to its jobs' time-outs) | 180 | 360 | DPU-hours | no price |",
        ),
        (
            "Pipeline",
            properties("AWS::Scheduler::Schedule", ScheduleExpression="rate(12 hours)"),
            "(at most: every scheduled run up to its jobs' time-outs) | 180 | 360 | DPU-hours | no price |",
        ),
        (
            "Pipeline",
            properties("AWS::Scheduler::Schedule", State="DISABLED"),
            "(at most: every scheduled run up to its jobs' time-outs) | 180 | 0 | DPU-hours | no price |",
        ),
        (
            "Analytics",
            properties("AWS::RedshiftServerless::Workgroup", BaseCapacity=16),
            "| Redshift base capacity (billed only while a statement runs) | 8 | 16 | RPU | no price |",
        ),
        (
            "Storage",
            lambda resources: resources.pop(of_type(resources, "AWS::KMS::Key")[0][0]),
            "| KMS keys | 1 | 0 | keys | -1.00 |",
        ),
    ],
)
def test_a_change_of_a_template_is_a_row_with_its_difference(
    dev: Assembly, stack: str, change: Callable[[Resources], Any], row: str
) -> None:
    text = cost.table(changed(dev, stack, change), dev)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "**" not in line]
    assert len(rows) == 2, text  # the head, and the one that changed
    assert row in rows[1]


def test_the_sum_of_a_comparison_counts_only_what_has_a_price(dev: Assembly) -> None:
    text = cost.table(changed(dev, "Network", second_gateway), dev)
    assert "| **sum of the priced, all drivers** | 160.57 | 205.83 | USD | **+45.26** |" in text


def test_nothing_changed_says_so(dev: Assembly) -> None:
    assert cost.table(dev, dev).startswith("No fixed quantity changes (priced: 160.57 USD a month)")


def test_a_region_without_prices_has_quantities_only_and_says_so(dev: Assembly) -> None:
    text = cost.table(replace(dev, region="eu-north-1"))
    assert "| NAT gateways | 730 | hours | no price |" in text
    assert "no price for eu-north-1: NAT gateways, " in text
    assert "Prices of" not in text


def test_a_worker_type_that_is_not_known_is_refused(dev: Assembly) -> None:
    unknown = changed(dev, "Preparation", properties("AWS::Glue::Job", WorkerType="X.1X"))
    with pytest.raises(cost.WorkerUnknown, match=r"'X\.1X' is not one of"):
        cost.table(unknown)


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("cron(0 3 * * ? *)", 30),
        ("rate(1 day)", 30),
        ("cron(0 3 ? * MON *)", 4),
        ("at(2026-01-05T00:00:00)", 1),
    ],
)
def test_runs_in_a_month_follow_the_schedule(expression: str, runs: int) -> None:
    assert cost.runs_in_month({"ScheduleExpression": expression}) == runs


def test_every_price_is_of_a_driver_and_says_where_and_when_it_was_read() -> None:
    known = {driver.name for driver in cost.DRIVERS} | set(spending.DRIVERS)
    for price in cost.prices().values():
        assert price.driver in known
        assert price.price > 0
        assert price.usage_type and price.service and price.read
        assert price.source in cost.sources()
    assert {price.source for price in cost.prices().values()} == set(cost.sources())


def test_a_folder_that_was_not_synthesized_is_refused_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["checks.cost", str(tmp_path)])
    with pytest.raises(SystemExit):
        cost.main()
    assert f"{tmp_path} holds no manifest.json: synthesize first (make synth)" in capsys.readouterr().err
