"""Parts that an environment may do without: what was recorded of a part, or is kept for it, is asked where it is.

A part is known by the resource that only it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks import existing
from checks.assembly import Assembly, once
from config import layout


@dataclass(frozen=True)
class Part:
    """The resource `kind` whose `key` is `name`; `calls` is an expression over `<role> <action> <resource>`.

    `stores` are those of checks/rules/stores.py that nobody writes or reads without the part, `variables` those of
    functions that are given with it only. `name` and `calls` may hold {prefix}.
    """

    kind: str
    key: str
    name: str
    calls: str
    stores: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


PARTS = (
    Part(
        "AWS::DynamoDB::Table",
        "TableName",
        "{prefix}-application-log",
        r"\S+ dynamodb:\S+ \S+:table/{prefix}-application-log(/\S*)?"
        rf"|\S+ s3:\S+ \S+-raw-[^/]+/({layout.LOG_EXPORT.top}|{layout.RAW_EVENTS.top})/\S*"
        r"|Preparation/BuildDatasets\S+ s3:ListBucketMultipartUploads \S+-raw-[^/]+",
        (f"prefix:raw/{layout.LOG_EXPORT.anything}", f"prefix:raw/{layout.RAW_EVENTS.anything}"),
    ),
    Part(
        "AWS::Glue::Job",
        "Name",
        "{prefix}-extract-aurora",
        r"\S+ glue:\S+ \S+:job/{prefix}-extract-aurora"
        rf"|\S+ s3:\S+ \S+-raw-[^/]+/{layout.RAW_TABLE.top}/\S*",
        (f"prefix:raw/{layout.RAW_TABLE.anything}",),
    ),
    Part(
        "AWS::RedshiftServerless::Workgroup",
        "WorkgroupName",
        "{prefix}-warehouse",
        r"\S+ redshift-\S+ \S+|\S+ states:\S+ \S+:{prefix}-load(:\S*)?"
        r"|\S+ secretsmanager:\S+ \S+:secret:{prefix}/warehouse-\S+",
        (f"prefix:results/{layout.WAREHOUSE.objects()}",),
    ),
    Part(
        "AWS::Lambda::Function",
        "FunctionName",
        "{prefix}-run-dbt",
        r"\S+ lambda:InvokeFunction \S+:function:{prefix}-run-dbt",
    ),
    Part(
        "AWS::SQS::Queue",
        "QueueName",
        "{prefix}-impressions",
        r"\S+ sqs:\S+ \S+:{prefix}-impressions",
        variables=("IMPRESSIONS_QUEUE_URL",),
    ),
    Part(
        "AWS::AppConfig::Application",
        "Name",
        "{prefix}",
        r"\S+ appconfig:\S+ \S+",
        variables=tuple(
            f"EXPERIMENTS_{name}" for name in ("APPLICATION", "ENVIRONMENT", "PROFILE", "POLL_SECONDS")
        ),
    ),
    Part("AWS::Personalize::Dataset", "DatasetType", "Users", r"\S+ personalize:\S+ \S+:dataset/[^/]+/USERS"),
    Part("AWS::Personalize::Dataset", "DatasetType", "Items", r"\S+ personalize:\S+ \S+:dataset/[^/]+/ITEMS"),
)


@once
def absent(assembly: Assembly) -> tuple[Part, ...]:
    """The parts that the templates do not have."""
    return tuple(part for part in PARTS if not _there(assembly, part))


def _there(assembly: Assembly, part: Part) -> bool:
    """Whether the templates make the part's resource, or another's stands for it."""
    name = part.name.replace("{prefix}", assembly.prefix)
    return existing.stands_for(assembly, name) or any(
        str(properties.get(part.key)) == name for _, _, properties in assembly.each(part.kind)
    )


def is_asked(assembly: Assembly, role: str, action: str, resource: str) -> bool:
    """Whether a call is of a part that is there, or of none."""
    prefix = re.escape(assembly.prefix)
    call = f"{role} {action} {resource}"
    return not any(re.fullmatch(part.calls.replace("{prefix}", prefix), call) for part in absent(assembly))


def stores(assembly: Assembly) -> Iterator[str]:
    """Patterns of stores that are left empty or unread."""
    return (store for part in absent(assembly) for store in part.stores)


def variables(assembly: Assembly) -> frozenset[str]:
    """Variables of functions that are not given."""
    return frozenset(name for part in absent(assembly) for name in part.variables)
