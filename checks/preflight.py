"""`python -m checks.preflight [environment]`: what an account must have before the first deployment.

Prints the checklist of the features that the configuration uses. With credentials each item is looked at,
read-only; without, it says how to look.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from checks import ready
from config.avro import DatasetSchema, schemas
from config.settings import Settings, load
from operations import fields

Clients = Callable[[str], Any]
_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
_LEAST_BOOTSTRAP = 6
_ADDRESSES = "L-0263D0A3"  # quota "EC2-VPC Elastic IPs"
_LEAST_CONCURRENCY = 50


class Wrong(Exception):
    """The account is not as it must be; the message says how it is."""


@dataclass(frozen=True)
class Item:
    """`look` returns what it saw, and raises Wrong when that is not enough."""

    title: str
    why: str
    how: str
    look: Callable[[Clients], str]


def items(settings: Settings) -> list[Item]:
    """The items of the features that the configuration uses, in the order in which a deployment meets them."""
    return [
        *_account(settings),
        *_network(settings),
        *_sources(settings),
        *_personalize(settings),
        *_serving(settings),
        *_analytics(settings),
        *_alerts(settings),
    ]


def _account(settings: Settings) -> Iterator[Item]:
    yield Item(
        f"credentials of account {settings.account}",
        "the configuration names the account; CDK refuses another",
        "aws sts get-caller-identity",
        lambda clients: _equal(clients("sts").get_caller_identity()["Account"], settings.account),
    )
    yield Item(
        f"CDK bootstrap of {settings.region}, version {_LEAST_BOOTSTRAP} or newer",
        "assets go to the bootstrap bucket, by the bootstrap roles",
        f"cdk bootstrap aws://{settings.account}/{settings.region}",
        _bootstrap,
    )
    for bucket in (settings.names.raw_bucket, settings.names.datasets_bucket, settings.names.results_bucket):
        yield Item(
            f"bucket name {bucket} free, or ours",
            "bucket names are global",
            f"aws s3api head-bucket --bucket {bucket}",
            partial(_bucket, name=bucket),
        )


def _network(settings: Settings) -> Iterator[Item]:
    if settings.sources.aurora is None and not settings.analytics.enabled:
        return
    zones = list(settings.network.availability_zones)
    yield Item(
        f"availability zones {', '.join(zones)}",
        "zones are given by config, and differ between accounts",
        "aws ec2 describe-availability-zones",
        lambda clients: _contains(
            {z["ZoneName"] for z in clients("ec2").describe_availability_zones()["AvailabilityZones"]}, zones
        ),
    )
    gateways = settings.network.nat_gateways or 1
    if settings.network.vpc_id:
        yield from _existing_network(settings)
    else:
        yield Item(
            f"{gateways} Elastic IP(s) below the quota",
            "each NAT gateway takes one, of five by default",
            f"aws service-quotas get-service-quota --service-code ec2 --quota-code {_ADDRESSES}",
            lambda clients: _addresses(clients, gateways),
        )


def _existing_network(settings: Settings) -> Iterator[Item]:
    """A company's subnets: they are there, in the zones that are said, with a way out."""
    network = settings.network
    names = " ".join(network.subnet_ids)
    yield Item(
        f"subnets {names} in {network.vpc_id}",
        "Glue, Redshift and dbt get their interfaces there, and EC2 refuses groups of another VPC",
        f"aws ec2 describe-subnets --subnet-ids {names}",
        lambda clients: _contains(
            {
                f"{subnet['SubnetId']} {subnet['VpcId']} {subnet['AvailabilityZone']}"
                for subnet in clients("ec2").describe_subnets(SubnetIds=list(network.subnet_ids))["Subnets"]
            },
            [
                f"{subnet} {network.vpc_id} {zone}"
                for subnet, zone in zip(network.subnet_ids, network.availability_zones, strict=True)
            ],
        ),
    )


def _sources(settings: Settings) -> Iterator[Item]:
    if settings.creates_aurora:
        yield _linked_role("rds.amazonaws.com", "AWSServiceRoleForRDS", "the database cluster")
    elif settings.sources.aurora is not None:
        yield Item(
            f"secret {settings.aurora_secret}",
            "the extraction reads user name and password from it",
            f"aws secretsmanager describe-secret --secret-id {settings.aurora_secret}",
            lambda clients: str(
                clients("secretsmanager").describe_secret(SecretId=settings.aurora_secret)["ARN"]
            ),
        )
    if settings.sources.application_log is not None and not settings.creates_log:
        yield Item(
            f"point-in-time recovery of table {settings.application_log_table}",
            "the log is exported from it",
            f"aws dynamodb describe-continuous-backups --table-name {settings.application_log_table}",
            lambda clients: _recovery(clients, settings.application_log_table),
        )


def _personalize(settings: Settings) -> Iterator[Item]:
    yield Item(
        f"Amazon Personalize in {settings.region}, with room for a dataset group",
        "not every region has it, and the number of dataset groups has a quota (Service Quotas)",
        "aws personalize list-dataset-groups",
        lambda clients: (
            f"{len(clients('personalize').list_dataset_groups()['datasetGroups'])} dataset group(s)"
        ),
    )

    for schema in schemas(settings.datasets).values():
        arn = settings.names.dataset_arn(schema.dataset)
        yield Item(
            f"fields of dataset {schema.dataset}: as configured, or ready to gain what was added",
            "users and items gain nullable fields; whatever else changes needs datasets.schema_version raised",
            f"aws personalize describe-dataset --dataset-arn {arn}",
            partial(_fields, settings=settings, schema=schema),
        )


def _serving(settings: Settings) -> Iterator[Item]:
    yield Item(
        "API Gateway's CloudWatch role is not another product's",
        "it is one an account and region; the stack sets its own, and others log with that from then on",
        "aws apigateway get-account",
        lambda clients: str(clients("apigateway").get_account().get("cloudwatchRoleArn", "none yet")),
    )
    yield Item(
        f"{_LEAST_CONCURRENCY} concurrent Lambda executions",
        "new accounts may start with 10; publishing and the API run beside each other",
        "aws lambda get-account-settings",
        _concurrency,
    )


def _analytics(settings: Settings) -> Iterator[Item]:
    if not settings.analytics.enabled:
        return
    yield _linked_role("redshift.amazonaws.com", "AWSServiceRoleForRedshift", "the warehouse")
    quicksight = settings.analytics.quicksight
    if quicksight.enabled:
        yield Item(
            "QuickSight subscription (Enterprise)",
            "dashboards need an account that signed up, which no template can do",
            f"aws quicksight describe-account-subscription --aws-account-id {settings.account}",
            lambda clients: _subscribed(clients, settings.account),
        )
    if quicksight.enabled and quicksight.secret_arn:
        yield Item(
            f"secret {quicksight.secret_arn}",
            "QuickSight signs in to the warehouse with it",
            f"aws secretsmanager describe-secret --secret-id {quicksight.secret_arn}",
            lambda clients: str(
                clients("secretsmanager").describe_secret(SecretId=quicksight.secret_arn)["Name"]
            ),
        )


def _alerts(settings: Settings) -> Iterator[Item]:
    if settings.alerts.email:
        yield Item(
            f"{settings.alerts.email} confirms the subscription to {settings.names.topic}",
            "SNS sends nothing to an address that did not confirm; the mail comes with the first deployment",
            f"aws sns list-subscriptions-by-topic --topic-arn {settings.names.topic_arn}",
            lambda clients: _confirmed(clients, settings.names.topic_arn),
        )


def _linked_role(service: str, role: str, what: str) -> Item:
    return Item(
        f"service-linked role {role}",
        f"{what} needs it; AWS makes it with the first one, if the deployer may iam:CreateServiceLinkedRole",
        f"aws iam create-service-linked-role --aws-service-name {service}",
        lambda clients: str(clients("iam").get_role(RoleName=role)["Role"]["Arn"]),
    )


def _equal(seen: str, wanted: str) -> str:
    if seen != wanted:
        raise Wrong(f"it is {seen}")
    return seen


def _contains(seen: set[str], wanted: list[str]) -> str:
    missing = sorted(set(wanted) - seen)
    if missing:
        raise Wrong(f"there is no {', '.join(missing)}; there are {', '.join(sorted(seen))}")
    return "all there"


def _bootstrap(clients: Clients) -> str:
    version = int(clients("ssm").get_parameter(Name=_BOOTSTRAP)["Parameter"]["Value"])
    if version < _LEAST_BOOTSTRAP:
        raise Wrong(f"version {version}")
    return f"version {version}"


def _fields(clients: Clients, *, settings: Settings, schema: DatasetSchema) -> str:
    try:
        gained = fields.gained(clients("personalize"), settings.names, schema)
    except fields.Unfit as error:
        raise Wrong(str(error)) from error
    if gained is None:
        return "not there yet"
    return f"the next run adds {', '.join(gained)}" if gained else "as configured"


def _bucket(clients: Clients, name: str) -> str:
    try:
        clients("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket", "NotFound"):
            return "free"
        raise Wrong(f"another account has it ({error.response['Error']['Code']})") from error
    return "there already"


def _addresses(clients: Clients, wanted: int) -> str:
    quota = clients("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=_ADDRESSES)
    free = int(quota["Quota"]["Value"]) - len(clients("ec2").describe_addresses()["Addresses"])
    if free < wanted:
        raise Wrong(f"{free} left (those of this environment count too)")
    return f"{free} left"


def _recovery(clients: Clients, table: str) -> str:
    described = clients("dynamodb").describe_continuous_backups(TableName=table)
    recovery = described["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return _equal(str(recovery["PointInTimeRecoveryStatus"]), "ENABLED")


def _concurrency(clients: Clients) -> str:
    limit = int(clients("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    if limit < _LEAST_CONCURRENCY:
        raise Wrong(f"the limit is {limit}: ask for more in Service Quotas")
    return str(limit)


def _subscribed(clients: Clients, account: str) -> str:
    described = clients("quicksight").describe_account_subscription(AwsAccountId=account)
    status = str(described["AccountInfo"]["AccountSubscriptionStatus"])
    if not status.startswith("ACCOUNT_CREATED"):
        raise Wrong(status)
    return status


def _confirmed(clients: Clients, topic: str) -> str:
    subscriptions = clients("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    if not subscriptions or any(s["SubscriptionArn"] == "PendingConfirmation" for s in subscriptions):
        raise Wrong("not confirmed yet")
    return "confirmed"


def line(item: Item, clients: Clients | None) -> tuple[bool, str]:
    """(whether it is known to be wrong, what to print). `clients` None looks at nothing."""
    wrong, mark, seen = _looked(item, clients)
    return wrong, f"[{mark}] {item.title}{seen}\n      {item.why}\n      {item.how}"


def _looked(item: Item, clients: Clients | None) -> tuple[bool, str, str]:
    if clients is None:
        return False, " ", ""
    try:
        return False, "x", f": {item.look(clients)}"
    except Wrong as wrong:
        return True, "!", f": {wrong}"
    except (BotoCoreError, ClientError) as error:
        return True, "?", f": {error}"


def _client(session: boto3.Session, service: str) -> Any:
    return session.client(service)  # type: ignore[call-overload]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.preflight", description=__doc__)
    parser.add_argument("environment", nargs="?", default=os.environ.get("OSUSUME_ENV", "dev"))
    environment = parser.parse_args().environment
    settings, examples = load(environment), ready.refusals(environment)
    session = boto3.Session(region_name=settings.region)
    signed = session.get_credentials() is not None
    clients: Clients | None = partial(_client, session) if signed else None
    found = [line(item, clients) for item in items(settings)]
    print(f"{settings.names.prefix}: account {settings.account}, {settings.region}\n")
    print("\n".join([*(f"[!] {line}" for line in examples), *(text for _, text in found)]))
    if not signed:
        print("\nNo credentials: nothing was looked at.")
    return 1 if examples or any(wrong for wrong, _ in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
