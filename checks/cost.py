"""`python -m checks.cost cdk.out [--before other.out]`: what the templates cost while nobody does anything.

Quantities are read off the templates; a price stands beside those that checks/prices.yaml knows for the region.
What depends on data and traffic (requests, storage, training, running queries) is in no template and not here.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from checks.assembly import Assembly
from checks.simulation import visits
from config.prices import PRICES, among
from osusume_endpoint.scheduler import expressions

HOURS = 730  # of a month, as AWS's own calculator counts
# Glue developer guide, "Worker types": DPU of one worker.
_DPU = {"G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16}
_DPU |= {"R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8}
_SOME_MONTH = datetime(2026, 1, 1, tzinfo=UTC)
_MONTH = timedelta(days=30)  # whole days, so that a daily run counts as often wherever its hour is


class WorkerUnknown(ValueError):
    """A Glue worker type whose size is not known here."""


@dataclass(frozen=True)
class Driver:
    """`unit` is of a month's quantity, such as "hours"; `factor` turns one thing into a month of it."""

    name: str
    unit: str
    factor: float = 1
    remark: str = ""


NAT = Driver("NAT gateways", "hours", HOURS)
ADDRESS = Driver("Public IPv4 addresses", "hours", HOURS, "elastic addresses")
ENDPOINT = Driver("Interface endpoints", "hours", HOURS, "one a zone")
AURORA = Driver("Aurora capacity", "ACU-hours", HOURS, "the minimum of every instance")
REDSHIFT = Driver("Redshift base capacity", "RPU", 1, "billed only while a statement runs")
GLUE = Driver("Glue jobs", "DPU-hours", 1, "at most: every scheduled run up to its jobs' time-outs")
LAMBDA = Driver("Provisioned concurrency", "GB-hours", HOURS)
CAMPAIGN = Driver("Personalize campaigns", "TPS-hours", HOURS, "the minimum that workflows provision")
KEY = Driver("KMS keys", "keys", 1)
SECRET = Driver("Secrets", "secrets", 1)
ALARM = Driver("CloudWatch alarms", "alarm metrics", 1)
DASHBOARD = Driver("CloudWatch dashboards", "dashboards", 1)
WEB_ACL = Driver("Web ACLs", "web ACLs", 1)
DRIVERS = (
    NAT,
    ADDRESS,
    ENDPOINT,
    AURORA,
    REDSHIFT,
    GLUE,
    LAMBDA,
    CAMPAIGN,
    KEY,
    SECRET,
    ALARM,
    DASHBOARD,
    WEB_ACL,
)

Count = Callable[[dict[str, Any]], float]
_COUNTED: Mapping[str, tuple[Driver, Count]] = {
    "AWS::EC2::NatGateway": (NAT, lambda _: 1),
    "AWS::EC2::EIP": (ADDRESS, lambda _: 1),
    "AWS::EC2::VPCEndpoint": (ENDPOINT, lambda p: _zones(p)),
    "AWS::RedshiftServerless::Workgroup": (REDSHIFT, lambda p: float(p.get("BaseCapacity", 128))),
    "AWS::KMS::Key": (KEY, lambda _: 1),
    "AWS::SecretsManager::Secret": (SECRET, lambda _: 1),
    "AWS::CloudWatch::Alarm": (ALARM, lambda p: _metrics(p)),
    "AWS::CloudWatch::Dashboard": (DASHBOARD, lambda _: 1),
    "AWS::WAFv2::WebACL": (WEB_ACL, lambda _: 1),
}


def quantities(assembly: Assembly) -> dict[Driver, float]:
    """A month's, in the drivers' units. Raises WorkerUnknown."""
    found: Counter[Driver] = Counter()
    for stack in assembly.stacks:
        for logical_id, resource in stack.resources.items():
            if resource["Type"] in _COUNTED:
                driver, count = _COUNTED[resource["Type"]]
                found[driver] += count(stack.resolved[logical_id]) * driver.factor  # type: ignore[assignment]
    for driver, amount in (*_aurora(assembly), *_glue(assembly), *_lambda(assembly), *_campaigns(assembly)):
        found[driver] += amount * driver.factor  # type: ignore[assignment]
    return {driver: found[driver] for driver in DRIVERS if found[driver]}


def _zones(endpoint: Mapping[str, Any]) -> float:
    return len(endpoint.get("SubnetIds", [])) if endpoint.get("VpcEndpointType") == "Interface" else 0


def _metrics(alarm: Mapping[str, Any]) -> float:
    """CloudWatch bills an alarm by the metrics that its expression reads."""
    return sum("MetricStat" in query for query in alarm.get("Metrics", [])) or 1


def _aurora(assembly: Assembly) -> Iterator[tuple[Driver, float]]:
    clusters = {
        stack.resolver.name(logical_id): cluster.get("ServerlessV2ScalingConfiguration", {})
        for stack, logical_id, cluster in assembly.each("AWS::RDS::DBCluster")
    }
    for _, _, instance in assembly.each("AWS::RDS::DBInstance"):
        scaling = clusters.get(str(instance.get("DBClusterIdentifier")), {})
        if instance.get("DBInstanceClass") == "db.serverless":
            yield AURORA, float(scaling.get("MinCapacity", 0))


def _glue(assembly: Assembly) -> Iterator[tuple[Driver, float]]:
    runs = pipeline_runs(assembly)
    for _, logical_id, job in assembly.each("AWS::Glue::Job"):
        hours = float(job.get("Timeout", 2880)) / 60
        yield GLUE, dpus(logical_id, job) * hours * runs


def dpus(logical_id: str, job: Mapping[str, Any]) -> float:
    """The DPUs of all workers of a job. Raises WorkerUnknown."""
    worker = str(job.get("WorkerType"))
    if worker not in _DPU:
        raise WorkerUnknown(f"{logical_id}: WorkerType {worker!r} is not one of {', '.join(_DPU)}")
    return _DPU[worker] * float(job["NumberOfWorkers"])


def pipeline_runs(assembly: Assembly) -> int:
    """A month's, by its schedules; those of other workflows, such as the clean-up, run none of its jobs."""
    return sum(
        runs_in_month(schedule)
        for _, _, schedule in assembly.each("AWS::Scheduler::Schedule")
        if str(schedule.get("Target", {}).get("Arn")).endswith(f":{assembly.prefix}-pipeline")
    )


def runs_in_month(schedule: Mapping[str, Any]) -> int:
    if schedule.get("State") == "DISABLED":
        return 0
    expression = expressions.parse(
        schedule["ScheduleExpression"], schedule.get("ScheduleExpressionTimezone", "UTC")
    )
    count, moment = 0, expression.next_after(_SOME_MONTH, anchor=_SOME_MONTH)
    while moment is not None and moment <= _SOME_MONTH + _MONTH:
        count, moment = count + 1, expression.next_after(moment, anchor=_SOME_MONTH)
    return count


def _lambda(assembly: Assembly) -> Iterator[tuple[Driver, float]]:
    functions = {
        stack.resolver.name(logical_id): float(function.get("MemorySize", 128)) / 1024
        for stack, logical_id, function in assembly.each("AWS::Lambda::Function")
    }
    for _, _, alias in assembly.each("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        kept = alias.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions", 0)
        if kept:
            yield LAMBDA, float(kept) * functions.get(str(alias.get("FunctionName")), 0.125)


def _campaigns(assembly: Assembly) -> Iterator[tuple[Driver, float]]:
    """Campaigns are made by workflows: what a scheduled run would ask for, each name once."""
    asked: dict[str, float] = {}
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        if str(visit.state.get("Resource", "")).endswith(":personalize:createCampaign"):
            least = arguments.get("MinProvisionedTPS", 1)
            asked[str(arguments.get("Name"))] = float(least) if isinstance(least, int | float) else 1.0
    yield CAMPAIGN, sum(asked.values())


@dataclass(frozen=True)
class Price:
    """`source` is a key of the file's sources; `note` says what other transcriptions have."""

    driver: str
    region: str
    price: float
    service: str
    usage_type: str
    read: Any
    source: str
    note: str = ""


@cache
def prices(file: Path = PRICES) -> dict[tuple[str, str], Price]:
    """Every price by driver and region."""
    content = yaml.safe_load(file.read_text())
    return {(row["driver"], row["region"]): Price(**row) for row in content["prices"]}


@cache
def sources(file: Path = PRICES) -> dict[str, str]:
    return dict(yaml.safe_load(file.read_text())["sources"])


def price(driver: str, region: str) -> Price | None:
    """The driver's price there, if one was read (config.prices.among)."""
    return among(prices(), driver, region)


def table(after: Assembly, before: Assembly | None = None) -> str:
    """Markdown; with `before` also what changes."""
    if before is None:
        return "\n".join([*_alone(after), "", *_notes(after, list(quantities(after)))]) + "\n"
    return "\n".join(_compared(after, before)) + "\n"


def _alone(assembly: Assembly) -> Iterator[str]:
    yield "| a month | quantity | unit | USD |"
    yield "|---|--:|---|--:|"
    known = quantities(assembly)
    for driver, amount in known.items():
        yield f"| {_title(driver)} | {amount:,.6g} | {driver.unit} | {_usd(_cost(driver, amount, assembly))} |"
    yield f"| **sum of the priced** | | | **{_usd(_sum(known, assembly))}** |"


def _compared(after: Assembly, before: Assembly) -> Iterator[str]:
    old, new = quantities(before), quantities(after)
    changed = [driver for driver in DRIVERS if old.get(driver, 0) != new.get(driver, 0)]
    if not changed:
        yield f"No fixed quantity changes (priced: {_usd(_sum(new, after))} USD a month)."
        return
    yield "| a month | before | after | unit | difference in USD |"
    yield "|---|--:|--:|---|--:|"
    for driver in changed:
        was, will = old.get(driver, 0), new.get(driver, 0)
        difference = _cost(driver, will - was, after)
        signed = "no price" if difference is None else f"{difference:+,.2f}"
        yield f"| {_title(driver)} | {was:,.6g} | {will:,.6g} | {driver.unit} | {signed} |"
    was_sum, will_sum = _sum(old, before), _sum(new, after)
    change = f"**{will_sum - was_sum:+,.2f}**"
    yield f"| **sum of the priced, all drivers** | {was_sum:,.2f} | {will_sum:,.2f} | USD | {change} |"
    yield ""
    yield from _notes(after, changed)


def _title(driver: Driver) -> str:
    return f"{driver.name} ({driver.remark})" if driver.remark else driver.name


def _usd(amount: float | None) -> str:
    return "no price" if amount is None else f"{amount:,.2f}"


def _cost(driver: Driver, amount: float, assembly: Assembly) -> float | None:
    known = price(driver.name, assembly.region)
    return None if known is None else known.price * amount


def _sum(known: Mapping[Driver, float], assembly: Assembly) -> float:
    return sum(_cost(driver, amount, assembly) or 0.0 for driver, amount in known.items())


def _notes(assembly: Assembly, shown: list[Driver]) -> Iterator[str]:
    known = {driver.name: price(driver.name, assembly.region) for driver in shown}
    without = [name for name, found in known.items() if found is None]
    read = sorted({str(found.read) for found in known.values() if found is not None})
    if without:
        yield f"In no sum, as checks/prices.yaml has no price for {assembly.region}: {', '.join(without)}."
    if read:
        yield f"Prices of {assembly.region} as read on {read[0]} to {read[-1]}."
    yield "Not here at all: requests, storage, data transfer, logs, queries and Personalize's training and batches."


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.cost", description=__doc__)
    parser.add_argument("assembly", type=Path, help="a synthesized cdk.out")
    parser.add_argument("--before", type=Path, help="another, to compare with")
    given = parser.parse_args()
    for folder in filter(None, (given.assembly, given.before)):
        if not (folder / "manifest.json").exists():
            parser.error(f"{folder} holds no manifest.json: synthesize first (make synth)")
    before = Assembly.read(given.before) if given.before else None
    sys.stdout.write(table(Assembly.read(given.assembly), before))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
