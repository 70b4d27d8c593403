"""What an account still holds of an environment, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from operations import stacks
from operations.pages import each
from operations.place import Place, say

PRICES = Path(__file__).parents[1] / "checks" / "prices.yaml"
FREE = "nothing"
BY_SIZE = "by its size"
BY_USE = "by use"
BY_HOUR = "by the hour"
_GROUPS = (FREE, BY_SIZE, BY_USE, BY_HOUR)
LOGS = ("/aws/lambda/", "/aws/vendedlogs/states/", "/aws-glue/jobs/", "/aws/vpc/", "/aws/apigateway/")


@dataclass(frozen=True)
class Left:
    """`cost` is a month's, in words."""

    kind: str
    name: str
    cost: str

    def __str__(self) -> str:
        return f"{self.kind:<28} {self.name:<64} {self.cost}"


def left(place: Place) -> list[Left]:
    return [found for look in LOOKS for found in look(place)]


def is_of(place: Place, name: str, before: str = "") -> bool:
    """Whether a name is the environment's: `osusume-dev` and `osusume-dev-...` are, `osusume-dev2` is not."""
    prefix = f"{before}{place.names.prefix}"
    return name == prefix or name.startswith((f"{prefix}-", f"{prefix}/"))


def _named(
    kind: str, service: str, operation: str, members: str, field: str = "", *, cost: str = FREE
) -> Callable[[Place], Iterator[Left]]:
    """A look at what a service lists by name."""

    def look(place: Place) -> Iterator[Left]:
        for one in each(place, service, operation, members):
            name = str(one[field]) if field else str(one)
            if is_of(place, name):
                yield Left(kind, name, cost)

    return look


def log_groups(place: Place) -> Iterator[Left]:
    """The stacks', and those that services make beside them."""
    for group in each(place, "logs", "describe_log_groups", "logGroups"):
        if any(is_of(place, group["logGroupName"], before) for before in LOGS):
            yield Left(
                "log group", group["logGroupName"], f"{_bytes(group.get('storedBytes', 0))} of storage"
            )


def _stacks(place: Place) -> Iterator[Left]:
    for stack in stacks.deployed(place):
        yield Left("stack", f"{stack.name} ({stack.status})", FREE)


def _buckets(place: Place) -> Iterator[Left]:
    for bucket in place.client("s3").list_buckets()["Buckets"]:
        if is_of(place, bucket["Name"]):
            versions = each(place, "s3", "list_object_versions", "Versions", Bucket=bucket["Name"])
            size = sum(version["Size"] for version in versions)
            yield Left("bucket", bucket["Name"], f"{_bytes(size)} of storage")


def _bytes(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _keys(place: Place) -> Iterator[Left]:
    for alias in each(place, "kms", "list_aliases", "Aliases"):
        if is_of(place, alias["AliasName"], "alias/"):
            yield Left("KMS key", alias["AliasName"], _price(place, "KMS keys"))


def _secrets(place: Place) -> Iterator[Left]:
    for secret in each(place, "secretsmanager", "list_secrets", "SecretList"):
        if is_of(place, secret["Name"]) and "DeletedDate" not in secret:
            yield Left("secret", secret["Name"], _price(place, "Secrets"))


@cache
def _prices() -> list[dict[str, Any]]:
    return list(yaml.safe_load(PRICES.read_text())["prices"]) if PRICES.exists() else []


def _price(place: Place, driver: str) -> str:
    found = [
        price["price"]
        for price in _prices()
        if (price["driver"], price["region"]) == (driver, place.settings.region)
    ]
    return f"{found[0]:.2f} USD" if found else "a fixed sum"


def _counted(kind: str, operation: str, members: str, *, cost: str) -> Callable[[Place], Iterator[Left]]:
    """A look at what is listed for each solution, or each dataset: how many there are, by its name."""

    def look(place: Place) -> Iterator[Left]:
        for argument, arn in _owners(place, operation):
            count = sum(1 for _ in each(place, "personalize", operation, members, **{argument: arn}))
            if count:
                yield Left(kind, f"{count} of {arn.rpartition(':')[2].partition('/')[2]}", cost)

    return look


def _owners(place: Place, operation: str) -> Iterator[tuple[str, str]]:
    """(argument, ARN) of what the operation lists by."""
    member, argument = ("datasets", "datasetArn") if "dataset" in operation else ("solutions", "solutionArn")
    for arn in place.names.dataset_group_arns:
        for one in each(place, "personalize", f"list_{member}", member, datasetGroupArn=arn):
            yield argument, one[argument]


LOOKS: tuple[Callable[[Place], Iterator[Left]], ...] = (
    _stacks,
    _buckets,
    _keys,
    _secrets,
    log_groups,
    _named("table", "dynamodb", "list_tables", "TableNames", cost=BY_SIZE),
    _named("database", "rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier", cost=BY_HOUR),
    _named(
        "snapshot",
        "rds",
        "describe_db_cluster_snapshots",
        "DBClusterSnapshots",
        "DBClusterIdentifier",
        cost=BY_SIZE,
    ),
    _named("workgroup", "redshift-serverless", "list_workgroups", "workgroups", "workgroupName", cost=BY_USE),
    _named(
        "warehouse", "redshift-serverless", "list_namespaces", "namespaces", "namespaceName", cost=BY_SIZE
    ),
    _named("dataset group", "personalize", "list_dataset_groups", "datasetGroups", "name"),
    _named("schema", "personalize", "list_schemas", "schemas", "name"),
    _named("solution", "personalize", "list_solutions", "solutions", "name", cost=BY_USE),
    _named("filter", "personalize", "list_filters", "Filters", "name"),
    _named("event tracker", "personalize", "list_event_trackers", "eventTrackers", "name"),
    _named("campaign", "personalize", "list_campaigns", "campaigns", "name", cost=BY_HOUR),
    _named("function", "lambda", "list_functions", "Functions", "FunctionName", cost=BY_USE),
    _named("workflow", "stepfunctions", "list_state_machines", "stateMachines", "name", cost=BY_USE),
    _named("Glue job", "glue", "get_jobs", "Jobs", "Name", cost=BY_USE),
    _named("schedule", "scheduler", "list_schedules", "Schedules", "Name"),
)


# Of what is left, these go with their solution or dataset, or by themselves; Personalize deletes none of them singly.
DETAILS: tuple[Callable[[Place], Iterator[Left]], ...] = (
    _counted("solution versions", "list_solution_versions", "solutionVersions", cost=FREE),
    _counted("dataset import jobs", "list_dataset_import_jobs", "datasetImportJobs", cost=FREE),
    _named(
        "batch inference job", "personalize", "list_batch_inference_jobs", "batchInferenceJobs", "jobName"
    ),
)


def show(place: Place) -> int:
    """`make inventory`: all that exists of the environment, what costs by the hour first."""
    details = [found for look in DETAILS for found in look(place)]
    found = sorted([*left(place), *details], key=lambda one: (_rank(one), one.kind, one.name))
    for one in found:
        say(f"  {one}")
    counts = Counter(one.cost if one.cost in _GROUPS else "a fixed sum or by its size" for one in found)
    said = ", ".join(f"{count} that cost {cost}" for cost, count in counts.items())
    say(f"{len(found)} thing(s) exist: {said}." if found else "Nothing of the environment exists.")
    return 0


def _rank(one: Left) -> int:
    """Prices and sizes stand between what costs by the hour and what costs by use."""
    return {BY_HOUR: 0, BY_USE: 2, BY_SIZE: 3, FREE: 4}.get(one.cost, 3 if "storage" in one.cost else 1)


def tell(found: list[Left], *, retains: bool) -> Iterator[str]:
    """The inventory in words, ending with what to do about it."""
    if not found:
        yield "Nothing of the environment is left."
        return
    yield f"{len(found)} thing(s) are left, with what each costs a month:"
    yield from (f"  {one}" for one in found)
    if retains:
        yield "They stay because of `removal: retain`; the next `make deploy` adopts them."
    else:
        yield "`removal: destroy` keeps none of them: see above what failed, and repeat the command."
