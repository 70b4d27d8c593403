"""Values of a wrong kind, ids and addresses that AWS refuses: told with key, value and cure before anything is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config.errors import ConfigError
from config.settings import load
from tests import example
from tests.config.test_refusals import COMPANY, IMPORTED, REMOVE, changed, refusal

FIXED = "schedule.time_zone"
LOG = "sources.application_log"
SECRET = str(IMPORTED["secret_arn"])
KEY = "arn:aws:kms:ap-northeast-1:111111111111:key/12345678-1234-1234-1234-123456789012"
OWNER = "arn:aws:quicksight:us-east-1:111111111111:user/default/me"
ITEMS: list[dict[str, Any]] = [
    {"name": "ITEM_ID", "column": "item_id"},
    {"name": "BRAND", "column": "brand", "categorical": True, "nullable": True},
    {"name": "CATEGORY_L1", "column": "l1", "categorical": True, "nullable": True},
    {"name": "CATEGORY_L2", "column": "l2", "categorical": True, "nullable": True},
]


def imported(**given: Any) -> dict[str, Any]:
    return {"network": COMPANY, "sources.aurora": {**IMPORTED, **given}}


def zones(first: str) -> dict[str, Any]:
    return {"network.availability_zones": [first, "ap-northeast-1c", "ap-northeast-1d"]}


def dashboards(**given: Any) -> dict[str, Any]:
    return {"analytics.quicksight": {"enabled": True, "principal_arn": OWNER, **given}}


def of_users(*fields: dict[str, Any]) -> dict[str, Any]:
    age = {"name": "AGE", "column": "age", "categorical": True}
    return {"datasets.users.fields": [{"name": "USER_ID", "column": "user_id"}, age, *fields]}


def of_items(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"datasets.items.fields": [*ITEMS, *fields]}


def bounds(name: str, **bound: float) -> dict[str, Any]:
    return {"datasets.quality.bounds": {name: bound or {"min": 1}}}


def cidr(given: str) -> dict[str, Any]:
    return {"network.cidr": given}


REFUSED: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"network.nat_gateways": True}, ("network.nat_gateways = True", "no number")),
    ({"etl.workers": "2"}, ("etl.workers = '2'", "without quotes")),
    ({"datasets.schema_version": True}, ("datasets.schema_version = True", "no number")),
    ({"log_retention_days": True}, ("log_retention_days = True", "no number")),
    ({"budget.alert_at_percent": ["80"]}, ("budget.alert_at_percent", "'80'", "no number")),
    ({"schedule.enabled": "off"}, ("schedule.enabled = 'off'", "without quotes")),
    ({f"{LOG}.create": 0}, (f"{LOG}.create = 0", "write one of them")),
    ({"analytics.training_hour_usd": float("inf")}, ("analytics.training_hour_usd = inf", "finite")),
    (bounds("users.distinct", min=float("nan")), ("datasets.quality.bounds.users.distinct.min", "finite")),
    ({"account": 111111111111}, ("account = 111111111111", "in quotes")),
    ({"network.availability_zones": "ap-northeast-1a"}, ("availability_zones", "write a list")),
    ({"network": None}, ("network = None", "write its keys and values beneath it")),
    (zones("ap-northeast-1"), ("'ap-northeast-1' is no availability zone", "ap-northeast-1a")),
    (zones("ap-northeast-1A"), ("'ap-northeast-1A' is no availability zone",)),
    (zones("ap-northeast-1-tpe-1a"), ("'ap-northeast-1-tpe-1a' is no availability zone",)),
    (cidr("10.999.0.0/16"), ("cidr is '10.999.0.0/16'", "from 0 to 255")),
    (cidr("10.20.3.7/16"), ("cidr is '10.20.3.7/16'", "10.20.0.0/16")),
    (cidr("169.254.0.0/16"), ("cidr is '169.254.0.0/16'", "no VPC may have")),
    (
        {**cidr("10.20.0.0/24"), "analytics.base_capacity_rpu": 128, "analytics.max_capacity_rpu": 128},
        ("network.cidr '10.20.0.0/24' leaves subnets of 27", "base_capacity_rpu 128 wants 37", "widen"),
    ),
    (
        {"network": {**COMPANY, "subnet_ids": [*COMPANY["subnet_ids"], COMPANY["subnet_ids"][0]]}},
        ("subnet_ids has 'subnet-0123456789abcdef0' twice", "keep one"),
    ),
    (
        {"network": {**COMPANY, "route_table_ids": ["rtb-01234567"] * 2}},
        ("route_table_ids has 'rtb-01234567' twice",),
    ),
    ({"network": {**COMPANY, "vpc_id": "vpc-012345678901"}}, ("network.vpc_id = 'vpc-012345678901'",)),
    (imported(secret_arn=SECRET.replace("ap-northeast-1", "eu-west-1")), ("secret_arn", "region eu-west-1")),
    (imported(secret_arn=SECRET.replace("111111111111", "222222222222")), ("secret_key_arn", "222222222222")),
    (
        imported(secret_key_arn=KEY.replace("ap-northeast-1", "eu-west-1")),
        ("secret_key_arn", "region eu-west-1"),
    ),
    (
        {"etl.bootstrap_key_arn": KEY.replace("ap-northeast-1", "us-east-1")},
        ("etl.bootstrap_key_arn", "us-east-1"),
    ),
    (imported(endpoint="10.0.0.5"), ("endpoint is '10.0.0.5'", "host name")),
    (imported(endpoint="shop.proxy-x.ap-northeast-1.rds.amazonaws.com"), ("a proxy's", "certificate_file")),
    (
        imported(endpoint="s.CLUSTER-RO-x.ap-northeast-1.rds.amazonaws.com"),
        ("CLUSTER-RO", "one reader instance"),
    ),
    (
        dashboards(principal_arn=OWNER.replace("111111111111", "222222222222")),
        ("principal_arn", "222222222222"),
    ),
    (
        dashboards(principal_arn="arn:aws:quicksight:us-east-1:111111111111:user/me"),
        ("principal_arn", "pattern"),
    ),
    (dashboards(viewer_arns=[OWNER]), ("viewer_arns has", "keep one")),
    ({"sources.aurora.database": "user"}, ("database is 'user'", "reserved word of PostgreSQL")),
    ({"sources.aurora.database": "rdsadmin"}, ("database is 'rdsadmin'", "for itself")),
    ({"analytics.database": "template1"}, ("database is 'template1'", "take another name")),
    ({"sources.aurora.tables.orders": "public." + "o" * 64}, ("tables.orders", "pattern")),
    (
        {"datasets.interactions.order_columns.ITEM_ID": "user_id"},
        ("ITEM_ID is 'user_id', as USER_ID is", "column of each"),
    ),
    ({"datasets.interactions.order_columns.ITEM_ID": "c" * 64}, ("order_columns.ITEM_ID", "at most 63")),
    ({f"{LOG}.ttl_attribute": "timestamp"}, ("ttl_attribute is 'timestamp'", "attributes.TIMESTAMP")),
    ({f"{LOG}.ttl_attribute": "event_key"}, ("ttl_attribute is 'event_key'", "name another")),
    ({f"{LOG}.attributes.SESSION_ID": "event_key"}, ("attributes.SESSION_ID is 'event_key'", "sort key")),
    ({f"{LOG}.attributes.SESSION_ID": "simulated"}, ("SESSION_ID is 'simulated'", "name another attribute")),
    ({"datasets.interactions.events.1.type": " "}, ("events.1.type = ' '", "is blank")),
    ({"datasets.interactions.events.1.type": "cl\nick"}, ("events.1.type", "line break")),
    ({"api.default_items": ["a\x00b"]}, ("api.default_items.0", "control character")),
    ({"api.may_explain": ["arn:aws:iam::111111111111:role/x"]}, ("api.may_explain.0", "pattern")),
    ({"api.may_explain": ["{app}-storefront"]}, ("api.may_explain.0", "pattern")),
    (
        {"api.may_explain": ["{prefix}" + "s" * 60]},
        ("api.may_explain has '{prefix}ss", "64 characters at most"),
    ),
    (
        {"api.service_callers": ["osusume-dev-m", "{prefix}-m"]},
        ("api.service_callers has '{prefix}-m'", "twice"),
    ),
    ({"api.service_callers": ["a", "a"]}, ("api.service_callers", "'a' is listed twice")),
    ({"alerts.email": "Me<me@b.co>"}, ("alerts.email = 'Me<me@b.co>'",)),
    ({"alerts.email": "me..x@b.co"}, ("alerts.email = 'me..x@b.co'",)),
    ({"budget.email": "a" * 250 + "@b.co"}, ("budget.email", "254")),
    ({"analytics.click_event": "impression"}, ("click_event and impression_event are both 'impression'",)),
    (of_users({"name": "BIO", "column": "bio", "textual": True}), ("BIO is textual", "only fields of items")),
    (of_users({"name": "NAME", "column": "n", "item_name": True}), ("NAME is the item's name",)),
    (
        of_items(*({"name": n, "column": n, "textual": True} for n in ("D1", "D2"))),
        ("D1 and D2 are both textual",),
    ),
    (of_items(*({"name": n, "column": n, "item_name": True} for n in ("N1", "N2"))), ("N1 and N2 are both",)),
    (
        of_items({"name": "N", "column": "n", "item_name": True, "categorical": True}),
        ("N is the item's name and categorical", "keep one"),
    ),
    (of_items({"name": "INSERTXID", "column": "n"}), ("INSERTXID is a system column of Redshift",)),
    (
        {"datasets.items.fields": [{**ITEMS[0], "categorical": True}, *ITEMS[1:]]},
        ("ITEM_ID is a key", "remove that"),
    ),
    (
        bounds("rows.application_log.clicks"),
        ("rows.application_log.clicks", "did you mean 'rows.application_log.click'?"),
    ),
    (bounds("null_share.users.USER_ID"), ("'null_share.users.USER_ID', which no run measures",)),
    ({**bounds("rows.items"), "datasets.items": None}, ("'rows.items', which no run measures",)),
    (bounds("null_share.users.AGE", min=2), ("null_share.users.AGE.min is 2", "lower it")),
    (
        {"solutions.0.theme_generation": {"item_name": "TITLE"}},
        ("theme_generation", "bills by item", "remove it"),
    ),
    ({"solutions.0.auto_ml": True}, ("auto_ml = True", "name a recipe")),
    ({"solutions.0.batch": {"mode": "THEME_GENERATION"}}, ("solutions.0.batch", "write true or false")),
    ({"solutions.0.name": "u"}, ("name = 'u'", "a small letter, then 1 to 29 of small letters, digits, -")),
    (
        {"solutions.0.excluded_fields": {"actions": ["VALUE"]}},
        ("excluded_fields.actions =", "'interactions'"),
    ),
    ({"solutions.0.events": [{"type": "click"}] * 11}, ("events: 11 are given, at most 10", "remove 1")),
    ({FIXED: "localtime"}, ("time_zone is 'localtime'", "Asia/Tokyo")),
    ({FIXED: "JST"}, ("time_zone is 'JST'", "such as Asia/Tokyo")),
    ({FIXED: "UTC+9"}, ("time_zone is 'UTC+9'", "region and city")),
    ({"app": "awsshop"}, ("app is 'awsshop'", "take another")),
    ({"app": "ssm"}, ("app is 'ssm'", "take another")),
    ({"app": "sthree"}, ("app is 'sthree'", "take another")),
]


def flat(change: dict[str, Any]) -> dict[str, Any]:
    """Elements of lists are no keys of maps: the list is given whole."""
    given = dict(change)
    for path in [one for one in given if ".events.1." in one]:
        events = example.content()["datasets"]["interactions"]["events"]
        events[1] |= {path.rpartition(".")[2]: given.pop(path)}
        given["datasets.interactions.events"] = events
    return given


@pytest.mark.parametrize(("change", "told"), REFUSED, ids=lambda part: str(part)[:60])
def test_refused_with_key_value_and_cure(
    change: dict[str, Any], told: tuple[str, ...], tmp_path: Path
) -> None:
    message = refusal(tmp_path, flat(change))
    for part in told:
        assert part in message, message


@pytest.mark.parametrize(
    "change",
    [
        imported(),
        imported(
            endpoint="shop.proxy-x.ap-northeast-1.rds.amazonaws.com", certificate_file="/etc/ssl/bundle.pem"
        ),
        imported(secret_arn=SECRET.replace("111111111111", "222222222222"), secret_key_arn=KEY),
        cidr("10.20.0.0/24"),
        {"etl.bootstrap_key_arn": f"{KEY.rpartition('/')[0]}/mrk-12345678123412341234123456789012"},
        {"api.default_items": ["りんご　1", "a b", "/a"]},
        {"api.may_explain": ["*"], "api.service_callers": ["Some.Role@x", "b"]},
        {"api.may_explain": ["{prefix}-storefront"]},
        {f"{LOG}.ttl_attribute": "expires"},
        {FIXED: "America/Argentina/Buenos_Aires"},
        {FIXED: "Etc/GMT-9"},
        {"alerts.email": "a.b+c@mail.example.co.jp"},
        bounds("age_hours.application_log.click", max=48),
        bounds("null_share.interactions.purchase.EVENT_VALUE", max=0.1),
        {"app": "saws"},
    ],
    ids=lambda change: str(change)[:60],
)
def test_what_is_right_is_taken(change: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(changed(example.content(), change)))
    assert load("dev", tmp_path).environment == "dev"


def test_a_list_of_wrong_elements_is_not_called_empty_besides(tmp_path: Path) -> None:
    message = refusal(tmp_path, {"api.default_items": [123]})
    assert "api.default_items.0 = 123" in message and "at least 1 item" not in message


def test_a_list_as_a_key_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(example.FILE.read_text() + "\n? [a]\n: 2\n")
    with pytest.raises(ConfigError, match="a key is a list or a map: write a text"):
        load("dev", tmp_path)


def test_metadata_of_a_campaign_need_items(tmp_path: Path) -> None:
    change = {
        "datasets.items": REMOVE,
        "sources.aurora.tables.items": REMOVE,
        "publishing.item_fields": [],
        "placements": {},
        "rules": {},
        "solutions": [
            {
                "name": "personal",
                "recipe": "aws-user-personalization-v2",
                "for_each": "user",
                "candidates": 100,
                "campaign": {"metadata": True},
            }
        ],
    }
    assert "'personal' has campaign.metadata, but there is no datasets.items" in refusal(tmp_path, change)
