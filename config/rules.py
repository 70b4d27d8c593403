"""Rules of AWS that a configuration must keep, checked before anything is synthesized.

Sources: Personalize developer guide ("Recipes", "Schemas", "Quotas", "Supported Regions"), EventBridge
Scheduler user guide ("Schedule types"), CloudWatch Logs API (PutRetentionPolicy), Redshift developer guide ("Names
and identifiers", "Reserved words").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from config.errors import check_distinct, did_you_mean
from config.limits import MAX_CAMPAIGNS, MAX_METADATA
from config.limits import MAX_EVENT_TYPES as MAX_EVENT_TYPES
from config.schedules import check_schedule as check_schedule
from warehouse.load import tables

if TYPE_CHECKING:
    from config.settings import (
        ApplicationLog,
        Aurora,
        DatasetField,
        Datasets,
        InteractionsDataset,
        LogAttributes,
        Network,
        SourceTables,
    )
    from config.solution import Solution

Value = TypeVar("Value", str, int)

PERSONALIZE_REGIONS = frozenset(
    "ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 "
    "eu-central-1 eu-west-1 us-east-1 us-east-2 us-west-2".split()
)
LOG_RETENTION_DAYS = frozenset(
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
)
BUILD_MINUTES = 480  # what is left of a night for marts; CodeBuild itself takes 2,160 (user guide, "Quotas")
FUNCTION_MINUTES = 15  # Lambda developer guide, "Lambda quotas": function timeout
RESERVED_TYPES: Mapping[str, str] = {
    "CREATION_TIMESTAMP": "long",
    "USER_ID": "string",
    "ITEM_ID": "string",
    "ACTION_ID": "string",
}
# Of actions, Personalize knows these itself.
ACTION_TYPES: Mapping[str, str] = {
    "VALUE": "long",
    "TYPE": "string",
    "EXPIRATION_TIMESTAMP": "long",
    "REPEAT_FREQUENCY": "long",
}


def one_of(key: str, value: Value, known: Iterable[Value], what: str | None = None) -> Value:
    known = frozenset(known)
    if value not in known:
        raise ValueError(f"{key} is {value!r}, not {what or 'a known value'}: {did_you_mean(value, known)}")
    return value


def check_solutions(solutions: Iterable[Solution]) -> None:
    listed = list(solutions)
    names = [solution.name for solution in listed]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"solutions: name {name!r} is used twice: rename one")
    campaigns = [solution.name for solution in listed if solution.campaign]
    if len(campaigns) > MAX_CAMPAIGNS:
        raise ValueError(
            f"solutions: {len(campaigns)} have a campaign ({', '.join(campaigns)}), and a dataset group has "
            f"{MAX_CAMPAIGNS}: remove campaign of {campaigns[-1]!r}, or deploy it in an environment of its own"
        )


def check_vpc(network: Network) -> None:
    """A VPC is made of an address range, or exists and has subnets: never half of each."""
    made = {"cidr": network.cidr, "nat_gateways": network.nat_gateways}
    existing = {"subnet_ids": network.subnet_ids, "route_table_ids": network.route_table_ids}
    zones = len(network.availability_zones)
    if network.vpc_id is None:
        given = [name for name, value in existing.items() if value]
        if given:
            raise ValueError(f"{given[0]} is of a VPC that exists: name it in vpc_id, or remove {given[0]}")
        if network.cidr is None:
            raise ValueError(
                "cidr is missing: give the VPC an address range, or name one that exists in vpc_id"
            )
        if (network.nat_gateways or 1) > zones:
            raise ValueError(
                f"nat_gateways is {network.nat_gateways} but availability_zones has {zones}: "
                "give at most one gateway a zone"
            )
        return
    given = [name for name, value in made.items() if value is not None]
    if given:
        raise ValueError(f"{given[0]} is of a VPC that is made, but vpc_id names one that exists: remove one")
    check_distinct("route_table_ids", network.route_table_ids)
    if len(set(network.subnet_ids)) != zones:
        raise ValueError(
            f"subnet_ids has {len(set(network.subnet_ids))} subnets for {zones} availability_zones: "
            "give one private subnet for each zone, in their order"
        )
    check_distinct("subnet_ids", network.subnet_ids)


_IMPORTED = ("endpoint", "port", "secret_arn", "secret_key_arn", "security_group_id")
_BALANCED = (".cluster-ro-", ".cluster-custom-")
_NUMBERS = re.compile(r"[0-9.]+")
# Aurora user guide, "Using TLS/SSL with RDS Proxy": its certificates are ACM's, which RDS's bundle does not have.
_PROXY = ".proxy-"


def check_cluster(aurora: Aurora) -> None:
    """What an existing cluster is reached by, and nothing of it where one is created."""
    given = [key for key in _IMPORTED if getattr(aurora, key) is not None]
    if aurora.create:
        if given:
            raise ValueError(
                f"{given[0]} is of an existing cluster, but create is true: remove it or set create: false"
            )
        return
    missing = [key for key in ("endpoint", "secret_arn", "security_group_id") if key not in given]
    if missing:
        raise ValueError(
            f"create is false, so the existing cluster must be described: set {', '.join(missing)}"
        )
    endpoint = str(aurora.endpoint).lower()
    if _NUMBERS.fullmatch(endpoint):
        raise ValueError(
            f"endpoint is {aurora.endpoint!r}, and a server's certificate holds its name, which is verified: give the "
            "host name"
        )
    if _PROXY in endpoint and aurora.certificate_file is None:
        raise ValueError(
            f"endpoint {aurora.endpoint!r} is a proxy's, whose certificate isn't of RDS's authorities: give the "
            "cluster's endpoint, or certificate_file, such as /etc/pki/tls/certs/ca-bundle.crt"
        )
    # Aurora user guide, "Aurora endpoint connections": each connection may come to another instance, and a snapshot
    # that was exported belongs to one.
    if any(part in endpoint for part in _BALANCED):
        raise ValueError(
            f"endpoint {aurora.endpoint!r} spreads connections over several instances, and all tables are read of one "
            "snapshot of one instance: give the endpoint of one reader instance, or the cluster's (writer's)"
        )


def check_tables(source: SourceTables, datasets: Datasets) -> None:
    """Users and items are read where there is a dataset for them, and nowhere else."""
    for name in ("users", "items", "actions"):
        has_table, configured = getattr(source, name) is not None, datasets.configured(name)
        if configured and not has_table:
            raise ValueError(
                f"datasets.{name} is configured but sources.aurora.tables.{name} isn't: name the table that fills it"
            )
        if has_table and not configured:
            raise ValueError(
                f"sources.aurora.tables.{name} is {getattr(source, name)!r} but there is no datasets.{name}, so "
                "nothing reads it: remove it or add the dataset"
            )


def check_more_of_the_log(interactions: InteractionsDataset, attributes: LogAttributes) -> None:
    """What is sent of the log is an attribute of it."""
    wanted = {"impressions": "IMPRESSION", "recommendation_ids": "RECOMMENDATION_ID"}
    for key, attribute in wanted.items():
        if getattr(interactions, key) and getattr(attributes, attribute) is None:
            raise ValueError(
                f"datasets.interactions.{key} is true, but the log has no attribute of it: set "
                f"sources.application_log.attributes.{attribute}, or remove {key}"
            )


SERVED_EVENT = "impression"  # a copy of lambdas/record_events/served.py's, which a test compares


def lacks_for_impressions(log: ApplicationLog | None, *, event: str) -> str | None:
    """What keeps the API from logging what it shows, with its cure; None where nothing does."""
    if log is None:
        return "sources.application_log is null, so nothing would be kept: configure the log"
    if not log.create:
        return (
            "sources.application_log.create is false, and nothing is written into a table of the application's: let "
            "the table be created"
        )
    for name in ("EVENT_ID", "RECOMMENDATION_ID", "IMPRESSION"):
        if getattr(log.attributes, name) is None:
            return f"the log has no attribute of it: set sources.application_log.attributes.{name}"
    if event != SERVED_EVENT:
        return (
            f"events of type {SERVED_EVENT!r} would be written and analytics.impression_event is {event!r}, so no mart "
            f"would count them: write {SERVED_EVENT!r}"
        )
    return None


def check_action_events(datasets: Datasets, attribute: str | None) -> None:
    """Action interactions are events about actions that are known."""
    if datasets.action_interactions is None:
        return
    if datasets.actions is None:
        raise ValueError(
            "datasets.action_interactions is configured but datasets.actions isn't: add it, or remove the first"
        )
    if attribute is None:
        raise ValueError(
            "datasets.action_interactions needs the log's attribute of the action: set "
            "sources.application_log.attributes.ACTION_ID, such as ACTION_ID: action_id"
        )


# Attributes that the log has by themselves (glue_jobs/transforms/log_attributes.py), and the created table's sort key.
_OURS = {"simulated": "the mark of simulated events", "served_as": "how an answer came about"}
_SORT_KEY = "event_key"


def check_own_attributes(log: ApplicationLog) -> None:
    """Neither what a created table adds to an event, nor its time to live, stands where the event's own stands."""
    if not log.create:
        return
    for key, name in log.attributes.model_dump(exclude_none=True).items():
        if name == _SORT_KEY:
            raise ValueError(
                f"attributes.{key} is {name!r}, the sort key that the created table has itself: name another attribute"
            )
        if name == log.ttl_attribute:
            raise ValueError(
                f"ttl_attribute is {name!r}, which attributes.{key} is too, and an event would expire by it: name an "
                "attribute that only says when an event expires"
            )
    if log.ttl_attribute in (_SORT_KEY, *_OURS):
        raise ValueError(
            f"ttl_attribute is {log.ttl_attribute!r}, which an event has for itself: name another"
        )


def check_columns(names: Mapping[str, str]) -> None:
    """Each says something else, so each has a column of its own."""
    seen: dict[str, str] = {}
    for key, name in names.items():
        other = seen.setdefault(name, key)
        if other != key:
            raise ValueError(f"{key} is {name!r}, as {other} is: name the column of each")


def check_principals(owner: str | None, viewers: Iterable[str]) -> None:
    """QuickSight takes one set of permissions for each."""
    named = [*([owner] if owner else []), *viewers]
    for one in viewers:
        if named.count(one) > 1:
            raise ValueError(
                f"viewer_arns has {one!r} twice, or it is principal_arn, who may look too: keep one"
            )


# Systems Manager API reference, PutParameter: names don't begin with "aws" or "ssm"; S3 user guide, "General purpose
# bucket naming rules": not with "sthree-" either.
_AWS_S_OWN = ("aws", "ssm")


def check_app(app: str) -> str:
    if app.startswith(_AWS_S_OWN) or app == "sthree":
        raise ValueError(
            f"app is {app!r}, and AWS keeps names that begin so to itself (parameters, buckets): take another"
        )
    return app


def check_attributes(names: Mapping[str, str | None]) -> None:
    """Spark reads names of JSON in any case, so two that differ by case are one."""
    seen = {name: f"an attribute of ours, {what}," for name, what in _OURS.items()}
    for key, name in names.items():
        if name is None:
            continue
        if name.lower() in seen:
            raise ValueError(f"{key} is {name!r}, as {seen[name.lower()]} is: name another attribute")
        seen[name.lower()] = key


def check_never_bought(wanted: int, solutions: Iterable[Solution]) -> None:
    """A list can hold no more such items than it is long, and gets them from candidates behind its end."""
    if wanted == 0:
        return
    for solution in solutions:
        if solution.for_each != "user" or solution.publishes != "lists":
            continue
        if wanted > solution.results:
            raise ValueError(
                f"publishing.min_never_bought is {wanted}, but solution {solution.name!r} has results "
                f"{solution.results}: lower the first or raise the second"
            )
        if solution.ranked == solution.results:
            raise ValueError(
                f"publishing.min_never_bought is {wanted}, but solution {solution.name!r} ranks no more than the "
                f"{solution.results} items that it publishes: give it candidates, such as candidates: "
                f"{min(4 * solution.results, 500)}"
            )


def check_item_fields(wanted: Iterable[str], datasets: Datasets) -> None:
    """What is published with lists is known of items."""
    known = frozenset(field.name for field in datasets.fields("items"))
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"publishing.item_fields has {name!r}, no field of datasets.items: {did_you_mean(name, known)}"
            )


def check_user_fields(wanted: Iterable[str], datasets: Datasets, solutions: Iterable[Solution]) -> None:
    """What is published of users is known of them, and lies with a list of theirs."""
    known = frozenset(field.name for field in datasets.fields("users") if field.categorical)
    for name in wanted:
        if name not in known:
            cure = did_you_mean(name, known) if known else "there is none"
            raise ValueError(
                f"publishing.user_fields has {name!r}, no categorical field of datasets.users: {cure}"
            )
        if not any(one.for_each == "user" and one.publishes == "lists" for one in solutions):
            raise ValueError(
                f"publishing.user_fields has {name!r}, but no solution publishes a list for each user, with which it "
                "would lie: add one, or remove publishing.user_fields"
            )


BUCKET_NAME_LENGTH = 63
JOB_NAME_LENGTH = 63
RUN_ID_LENGTH = len("20261124T030000Z")
SECOND_ATTEMPT = "-2"


def check_job_names(prefix: str, solutions: Iterable[Solution]) -> None:
    """Jobs are named `<prefix>-<solution>-<run id>`, a second attempt `…-2`; Personalize accepts 63 characters."""
    longest = JOB_NAME_LENGTH - RUN_ID_LENGTH - len(prefix) - 2 - len(SECOND_ATTEMPT)
    for solution in solutions:
        if len(solution.name) > longest:
            raise ValueError(
                f"solutions: name {solution.name!r} has {len(solution.name)} characters, but job names "
                f"{prefix}-<name>-<run id> leave {longest}: shorten it, or app or environment"
            )


def check_bucket_name(name: str) -> None:
    if len(name) > BUCKET_NAME_LENGTH:
        raise ValueError(
            f"app and environment make the bucket name {name!r} of {len(name)} characters, S3 accepts "
            f"{BUCKET_NAME_LENGTH}: shorten app or environment by {len(name) - BUCKET_NAME_LENGTH}"
        )


def check_fields(key: str, fields: Iterable[DatasetField]) -> None:
    """Personalize's rules for a Users or Items schema (developer guide, "Schemas")."""
    fields = tuple(fields)
    names = [field.name for field in fields]
    if key not in names:
        raise ValueError(f"fields: {key} is missing: add {{name: {key}, column: ...}}")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"fields: {name} is listed twice: remove one")
    for field in fields:
        check_field(field)
        if key == "ACTION_ID":
            check_action_field(field)
        else:
            check_column_name(key, field.name)
    check_texts(key, fields)
    metadata = [name for name in names if name not in RESERVED_TYPES]
    if not metadata:
        raise ValueError("fields: at least one metadata field is required: add one")
    if not any(field.name in metadata and not field.added for field in fields):
        raise ValueError(
            "fields: every metadata field is added, but a dataset is created with one at least: remove `added` "
            "from those with which it was created"
        )
    if len(metadata) > MAX_METADATA[key]:
        raise ValueError(f"fields: {len(metadata)} metadata fields, at most {MAX_METADATA[key]}: remove some")


def check_texts(key: str, fields: Iterable[DatasetField]) -> None:
    """Developer guide, "Custom dataset and schema requirements": only items have textual fields; one is their name."""
    named = [field.name for field in fields if field.item_name]
    if len(named) > 1:
        raise ValueError(f"fields: {named[0]} and {named[1]} are both the item's name: keep one")
    texts = [field.name for field in fields if field.textual]
    if len(texts) > 1:
        raise ValueError(
            f"fields: {texts[0]} and {texts[1]} are both textual, and Personalize reads one: keep one"
        )
    for field in fields:
        if key == "USER_ID" and (field.textual or field.item_name):
            which = "textual" if field.textual else "the item's name"
            raise ValueError(
                f"fields: {field.name} is {which}, which only fields of items may be: remove that"
            )
        if field.item_name and (field.categorical or field.textual):
            raise ValueError(f"fields: {field.name} is the item's name and categorical or textual: keep one")


def check_action_field(field: DatasetField) -> None:
    """An Actions schema can't be replaced, and has no texts (developer guide, "Actions dataset requirements")."""
    expected = ACTION_TYPES.get(field.name)
    if expected is not None and field.type != expected:
        raise ValueError(f"fields: {field.name} has type {field.type!r}: Personalize wants {expected!r}")
    if field.name == "TYPE" and not field.categorical:
        raise ValueError("fields: TYPE of actions must be categorical: set categorical: true")
    if field.textual or field.item_name:
        raise ValueError(
            f"fields: {field.name} is textual or the item's name, which actions have not: remove it"
        )
    if field.added:
        raise ValueError(
            f"fields: {field.name} is added, but an Actions schema can't change: remove `added` and raise "
            "datasets.schema_version"
        )


def check_column_name(key: str, name: str) -> None:
    """A field is a column of the warehouse; reserved words are quoted there, so only these are out."""
    column = name.lower()
    table = next(table for table, its_key in tables.SNAPSHOTS.items() if its_key == key.lower())
    if column in tables.SYSTEM_COLUMNS:
        raise ValueError(
            f"fields: {name} is a system column of Redshift, which no table may have: give the field another "
            "name; `column` may stay"
        )
    if column in tables.MADE_COLUMNS[table]:
        raise ValueError(
            f"fields: {name} is a column that the warehouse adds to {table} itself: give the field another "
            "name; `column` may stay"
        )


# PostgreSQL manual, "SQL Key Words": reserved ones, as RDS refuses a database's name that is one ("CreateDBCluster").
_POSTGRESQL_RESERVED = frozenset(
    "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create "
    "current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc "
    "distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral "
    "leading limit localtime localtimestamp not null offset on only or order placing primary references returning "
    "select session_user some symmetric system_user table then to trailing true union unique user using variadic when "
    "where window with".split()
)
_DATABASES_OF_RDS = frozenset({"rdsadmin", "template0", "template1"})


def check_created_database(name: str) -> None:
    if name in _POSTGRESQL_RESERVED:
        raise ValueError(
            f"database is {name!r}, a reserved word of PostgreSQL: take another name, such as shop"
        )
    if name in _DATABASES_OF_RDS:
        raise ValueError(
            f"database is {name!r}, which each cluster has for itself: take another name, such as shop"
        )


# Databases of Redshift's own (Redshift database developer guide, "CREATE DATABASE", "PG_DATABASE"; `awsdatacatalog` is
# how it names Glue's Data Catalog).
_DATABASES_THERE = frozenset({"template0", "template1", "padb_harvest", "awsdatacatalog"})


def check_database_name(key: str, name: str) -> str:
    """Quotes don't help: Redshift refuses a reserved word as a database's name."""
    if name.upper() in tables.reserved_words():
        raise ValueError(f"{key} is {name!r}, a reserved word of Redshift: take another name")
    if name in _DATABASES_THERE:
        raise ValueError(f"{key} is {name!r}, a database that Redshift has itself: take another name")
    return name


def check_field(field: DatasetField) -> None:
    expected = RESERVED_TYPES.get(field.name)
    if expected is not None and field.type != expected:
        raise ValueError(f"fields: {field.name} has type {field.type!r}: Personalize wants {expected!r}")
    if (
        field.name.endswith("_ID")
        and expected is not None
        and (field.categorical or field.textual or field.item_name)
    ):
        raise ValueError(f"fields: {field.name} is a key, so no category, text or name: remove that")
    if expected is not None and field.nullable and field.name != "CREATION_TIMESTAMP":
        raise ValueError(f"fields: {field.name} can't be nullable: remove nullable")
    if field.added and not field.nullable:
        raise ValueError(
            f"fields: {field.name} is added, so records lack it: set nullable: true. A field that must not be empty "
            "needs a new dataset group: remove `added` and raise datasets.schema_version"
        )
    if field.categorical and field.textual:
        raise ValueError(f"fields: {field.name} is categorical and textual: keep one")
    if (field.categorical or field.textual) and field.type != "string":
        raise ValueError(f"fields: {field.name} is categorical or textual, so its type must be string")
    if field.item_name and field.type != "string":
        raise ValueError(f"fields: {field.name} is the item's name, so its type must be string")
