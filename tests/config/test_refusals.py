"""Every wrong configuration is refused with a message that names the key, the value and the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from config.errors import ConfigError
from config.files import environments
from config.settings import load
from tests import example

REMOVE = object()


class Refused(NamedTuple):
    """`change` sets (or removes) one key of the example; the message holds every part of `told`."""

    fault: str
    change: dict[str, Any]
    told: tuple[str, ...]


SOLUTION = {"name": "personal", "recipe": "aws-user-personalization-v2", "for_each": "user"}
FIELD = {"name": "AGE", "column": "age"}
KEY = {"name": "USER_ID", "column": "user_id"}
BORN = {"name": "BORN", "column": "born", "type": "int"}
PLAN: dict[str, Any] = {"partner": {"rate_per_second": 5, "burst": 10}}
AURORA = {"create": False, "database": "shop"}
TABLES = {"users": "public.users", "items": "public.items", "orders": "public.orders"}


COMPANY = {
    "availability_zones": ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"],
    "vpc_id": "vpc-0123456789abcdef0",
    "subnet_ids": [f"subnet-0123456789abcdef{n}" for n in range(3)],
}
IMPORTED = {
    **AURORA,
    "endpoint": "shop.cluster-x.ap-northeast-1.rds.amazonaws.com",
    "secret_arn": "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:rds!cluster-0a1b2c-AbCdEf",
    "security_group_id": "sg-0123456789abcdef0",
    "tables": TABLES,
}


def solution(**changes: Any) -> dict[str, Any]:
    return {"solutions": [{**SOLUTION, **changes}]}


def user_fields(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"datasets.users.fields": list(fields)}


def cron(expression: str) -> dict[str, Any]:
    return {"schedule.expression": expression}


CASES = [
    Refused("an unknown key", {"colour": "red"}, ("colour", "not known", "remove it")),
    Refused("an unknown key inside a section", {"etl.worker": 3}, ("etl.worker = 3", "not known")),
    Refused(
        "an engine that nobody knows", {"etl.engine": "polars"}, ("etl.engine = 'polars'", "'glue'", "'auto'")
    ),
    Refused(
        "more sources than a function's memory holds",
        {"etl": {"engine": "auto", "small_megabytes": 400}},
        ("small_megabytes is 400", "function_memory 3008", "at most 200", "6000"),
    ),
    Refused("too little memory", {"etl.function_memory": 512}, ("etl.function_memory = 512", "1769")),
    Refused("a required key that is missing", {"region": REMOVE}, ("region", "required", "add it")),
    Refused("an account that is a number", {"account": 111111111111}, ("account", "111111111111", "string")),
    Refused("a short account", {"account": "123"}, ("account = '123'", r"\d{12}")),
    Refused(
        "a region without Personalize",
        {"region": "ap-northeast-3"},
        ("region", "'ap-northeast-3'", "Amazon Personalize", "use one of ap-northeast-1, "),
    ),
    Refused(
        "an app name in capitals",
        {"app": "Osusume"},
        ("app = 'Osusume'", "a small letter, then 1 to 15 of small letters, digits"),
    ),
    Refused("a removal that is neither", {"removal": "keep"}, ("removal = 'keep'", "'destroy' or 'retain'")),
    Refused(
        "a zone of another region",
        {"network.availability_zones": ["ap-northeast-1a", "ap-northeast-1c", "us-east-1a"]},
        ("network.availability_zones", "'us-east-1a'", "ap-northeast-1"),
    ),
    Refused(
        "two zones, too few for the warehouse",
        {"network.availability_zones": ["ap-northeast-1a", "ap-northeast-1c"]},
        ("network.availability_zones", "at least 3"),
    ),
    Refused(
        "more NAT gateways than zones",
        {"network.nat_gateways": 4},
        ("nat_gateways is 4", "availability_zones has 3", "at most one gateway a zone"),
    ),
    Refused("a network that is too small", {"network.cidr": "10.0.0.0/28"}, ("network.cidr", "10.0.0.0/28")),
    Refused(
        "an imported database without its names",
        {"sources.aurora": {**AURORA, "tables": TABLES}},
        ("sources.aurora", "create is false", "set endpoint, secret_arn, security_group_id"),
    ),
    Refused(
        "a minimum above the maximum",
        {"sources.aurora.min_capacity": 4, "sources.aurora.max_capacity": 2},
        ("min_capacity 4", "max_capacity 2", "lower the first"),
    ),
    Refused("half of a half unit", {"sources.aurora.min_capacity": 0.7}, ("min_capacity = 0.7", "0.5")),
    Refused(
        "a table without its schema",
        {"sources.aurora.tables.users": "users"},
        ("sources.aurora.tables.users = 'users'", "pattern"),
    ),
    Refused(
        "an imported log without its name",
        {"sources.application_log": {"create": False}},
        ("sources.application_log", "create is false", "table_name"),
    ),
    Refused(
        "an existing log whose time to live is said here",
        {
            "sources.application_log": {
                "create": False,
                "table_name": "their-log",
                "ttl_attribute": "until",
            }
        },
        ("sources.application_log", "an existing table says itself", "remove ttl_attribute"),
    ),
    Refused(
        "a bound of a figure that doesn't exist",
        {"datasets.quality.bounds": {"clicks": {"min": 1}}},
        ("datasets.quality.bounds", "clicks"),
    ),
    Refused(
        "a bound that nothing passes",
        {"datasets.quality.bounds": {"users.distinct": {"min": 2, "max": 1}}},
        ("min 2 is above max 1", "nothing could pass"),
    ),
    Refused(
        "a bound without a side",
        {"datasets.quality.bounds": {"rows.orders.purchase": {}}},
        ("a bound needs min, max or both",),
    ),
    Refused(
        "an alias in place of the bootstrap bucket's key",
        {"etl.bootstrap_key_arn": "alias/bootstrap"},
        ("etl.bootstrap_key_arn = 'alias/bootstrap'",),
    ),
    Refused(
        "an event type listed twice",
        {"datasets.interactions.events": [{"type": "click", "source": "orders"}] * 2},
        ("datasets.interactions.events", "'click'", "keep one"),
    ),
    Refused(
        "an event weight above one",
        {"datasets.interactions.events": [{"type": "click", "source": "orders", "weight": 2}]},
        ("events.0.weight = 2", "write 1 or less"),
    ),
    Refused(
        "an event source that does not exist",
        {"datasets.interactions.events": [{"type": "click", "source": "logs"}]},
        ("events.0.source = 'logs'", "'orders' or 'application_log'"),
    ),
    Refused(
        "more events than Personalize weighs",
        {"datasets.interactions.events": [{"type": f"t{n}", "source": "orders"} for n in range(11)]},
        ("datasets.interactions.events", "at most 10"),
    ),
    Refused(
        "users without their key",
        user_fields({**FIELD, "categorical": True}, {"name": "SEX", "column": "sex", "categorical": True}),
        ("datasets.users.fields", "USER_ID is missing", "add {name: USER_ID"),
    ),
    Refused(
        "a VPC without an address range",
        {"network.cidr": REMOVE},
        ("network", "cidr is missing", "name one that exists in vpc_id"),
    ),
    Refused(
        "subnets of a VPC that isn't named",
        {"network.subnet_ids": ["subnet-0123456789abcdef0"]},
        ("subnet_ids is of a VPC that exists", "name it in vpc_id"),
    ),
    Refused(
        "a VPC that exists and an address range",
        {"network.vpc_id": "vpc-0123456789abcdef0"},
        ("cidr is of a VPC that is made", "remove one"),
    ),
    Refused(
        "a VPC that exists with a subnet too few",
        {"network": {**COMPANY, "subnet_ids": COMPANY["subnet_ids"][:2]}},
        ("subnet_ids has 2 subnets for 3 availability_zones", "one private subnet for each zone"),
    ),
    Refused(
        "an imported cluster in a VPC that is made",
        {"sources.aurora": IMPORTED},
        ("sources.aurora.create is false", "network.vpc_id must name the VPC"),
    ),
    Refused(
        "a created cluster with a secret of another",
        {"sources.aurora.secret_arn": IMPORTED["secret_arn"]},
        ("secret_arn is of an existing cluster", "remove it or set create: false"),
    ),
    Refused(
        "a reader endpoint, which spreads connections",
        {"sources.aurora": IMPORTED | {"endpoint": "shop.cluster-ro-x.ap-northeast-1.rds.amazonaws.com"}},
        ("cluster-ro-x", "one snapshot of one instance", "the endpoint of one reader instance"),
    ),
    Refused(
        "a custom endpoint, which does too",
        {"sources.aurora": IMPORTED | {"endpoint": "all.cluster-custom-x.ap-northeast-1.rds.amazonaws.com"}},
        ("cluster-custom-x", "one instance"),
    ),
    Refused(
        "a dataset without its table",
        {"sources.aurora.tables.users": REMOVE},
        ("datasets.users is configured", "sources.aurora.tables.users isn't", "name the table"),
    ),
    Refused(
        "a table that no dataset reads",
        {"datasets.items": REMOVE},
        ("sources.aurora.tables.items is 'public.items'", "nothing reads it", "remove it or add the dataset"),
    ),
    Refused(
        "two attributes of the log that differ by case",
        {"sources.application_log.attributes.ITEM_ID": "USER_id"},
        ("ITEM_ID is 'USER_id', as USER_ID is", "name another attribute"),
    ),
    Refused(
        "a time format that isn't one",
        {"sources.application_log.timestamp_format": "nanoseconds"},
        ("timestamp_format = 'nanoseconds'", "'milliseconds', 'seconds' or 'iso'"),
    ),
    Refused(
        "a field that is categorical and textual",
        user_fields(KEY, {**FIELD, "categorical": True, "textual": True}),
        ("AGE is categorical and textual", "keep one"),
    ),
    Refused(
        "a categorical number",
        user_fields(KEY, {**FIELD, "categorical": True, "type": "int"}),
        ("AGE is categorical or textual", "must be string"),
    ),
    Refused(
        "a key that may be null",
        user_fields({**KEY, "nullable": True}, {**FIELD, "categorical": True}),
        ("USER_ID can't be nullable", "remove nullable"),
    ),
    Refused(
        "a field listed twice",
        user_fields(KEY, {**FIELD, "categorical": True}, {**FIELD, "categorical": True}),
        ("AGE is listed twice", "remove one"),
    ),
    Refused(
        "a field name in small letters",
        user_fields(KEY, {"name": "age", "column": "age", "categorical": True}),
        ("fields.1.name = 'age'", "write a capital letter, then"),
    ),
    Refused(
        "a creation time that is a text",
        {
            "datasets.items.fields": [
                {"name": "ITEM_ID", "column": "item_id"},
                {"name": "CREATION_TIMESTAMP", "column": "created_at"},
                {"name": "BRAND", "column": "brand", "categorical": True},
            ]
        },
        ("CREATION_TIMESTAMP has type 'string'", "wants 'long'"),
    ),
    Refused(
        "more fields than Personalize takes",
        user_fields(KEY, *({"name": f"F{n}", "column": "f", "categorical": True} for n in range(26))),
        ("26 metadata fields", "at most 25"),
    ),
    Refused(
        "an added field that must not be empty",
        user_fields(KEY, BORN, {"name": "PLAN", "column": "plan", "categorical": True, "added": True}),
        ("PLAN is added", "set nullable: true", "raise datasets.schema_version"),
    ),
    Refused(
        "a dataset without a field of its own",
        user_fields(KEY, {**BORN, "nullable": True, "added": True}),
        ("every metadata field is added", "remove `added`"),
    ),
    Refused(
        "a generation that no name has room for",
        {"datasets.schema_version": 1000},
        ("schema_version = 1000", "999"),
    ),
    Refused("Glue 5.0", {"etl.glue_version": "5.0"}, ("etl.glue_version = '5.0'", "'5.1' or '6.0'")),
    Refused("a version without quotes", {"etl.glue_version": 6.0}, ("etl.glue_version = 6.0", "'6.0'")),
    Refused("a worker type that Glue does not have", {"etl.worker_type": "G.1Y"}, ("G.1Y", "'G.1X'")),
    Refused("one worker", {"etl.workers": 1}, ("etl.workers = 1", "write 2 or more")),
    Refused(
        "an unknown recipe",
        solution(recipe="aws-user-personalisation-v2"),
        ("recipe is 'aws-user-personalisation-v2'", "did you mean 'aws-user-personalization-v2'?"),
    ),
    Refused(
        "a recipe for the wrong audience",
        solution(for_each="item"),
        ("for_each is 'item'", "aws-user-personalization-v2 lists for each user"),
    ),
    Refused(
        "a hyperparameter of another recipe",
        solution(hyperparameters={"bptt": "8"}),
        ("'bptt' is not one of aws-user-personalization-v2", "apply_recency_bias"),
    ),
    Refused(
        "a hyperparameter out of its range",
        solution(recipe="aws-user-personalization", hyperparameters={"bptt": "64"}),
        ("bptt is 64", "2 to 32"),
    ),
    Refused(
        "a hyperparameter that is no number",
        solution(recipe="aws-user-personalization", hyperparameters={"bptt": "many"}),
        ("bptt is 'many'", "write a number"),
    ),
    Refused(
        "two solutions of one name",
        {"solutions": [SOLUTION, SOLUTION]},
        ("'personal' is used twice", "rename one"),
    ),
    Refused(
        "a solution name that makes job names too long",
        {"app": "recommendations", **solution(name="personal-recommendations-v2")},
        ("'personal-recommendations-v2' has 27 characters", "leave 24", "shorten it"),
    ),
    Refused("more results than Personalize gives", solution(results=501), ("results is 501", "500")),
    Refused(
        "fewer candidates than results",
        solution(candidates=24),
        ("candidates is 24", "results 25", "raise it, or leave it out"),
    ),
    Refused("more candidates than Personalize ranks", solution(candidates=501), ("candidates = 501", "500")),
    Refused(
        "more items that were never bought than a list holds",
        {"publishing.min_never_bought": 26, **solution(candidates=100)},
        ("publishing.min_never_bought is 26", "'personal' has results 25", "lower the first"),
    ),
    Refused(
        "items that were never bought, and no candidates to take them from",
        {"publishing.min_never_bought": 10, **solution(candidates=None)},
        ("publishing.min_never_bought is 10", "'personal' ranks no more than the 25", "candidates: 100"),
    ),
    Refused("no solution at all", {"solutions": []}, ("solutions", "at least 1")),
    Refused(
        "a placement that no solution fills",
        {"placements.home.lists": ["personnal"]},
        (
            "placements.home.lists names 'personnal', no solution that publishes lists",
            "did you mean 'personal'?",
        ),
    ),
    Refused(
        "a fallback that is not for everyone",
        {"placements.home.fallback": ["related"]},
        ("placements.home.fallback names 'related', a solution for each item", "name one for everyone"),
    ),
    Refused(
        "a placement with a rule that is not there",
        {"placements.home.rules": ["not-interestd"]},
        ("placements.home.rules names 'not-interestd'", "did you mean 'not-interested'?"),
    ),
    Refused(
        "a rule on a field that no list has",
        {"rules.variety.field": "CATEGORY_L9"},
        ("rules.variety looks at the item field CATEGORY_L9", "add it to publishing.item_fields"),
    ),
    Refused(
        "a rule on the age of items whose time is not published",
        {"rules.fresh": {"kind": "boost_new"}},
        ("rules.fresh looks at the item field CREATION_TIMESTAMP", "publishing.item_fields"),
    ),
    Refused(
        "a published field that items don't have",
        {"publishing.item_fields": ["CATEGORY_L1", "BRANDS"]},
        ("publishing.item_fields has 'BRANDS'", "did you mean 'BRAND'?"),
    ),
    Refused(
        "keys that no route asks for",
        {"api.usage_plans": PLAN},
        ("usage_plans is given without key_routes", "no route would ask", "give both, or neither"),
    ),
    Refused(
        "routes that ask for keys that nobody has",
        {"api.key_routes": ["getPopularItems"]},
        ("key_routes is given without usage_plans", "nobody would have a key"),
    ),
    Refused(
        "two plans that a template can't tell apart",
        {
            "api.usage_plans": {"x-1": PLAN["partner"], "x1": PLAN["partner"]},
            "api.key_routes": ["getPopularItems"],
        },
        ("usage_plans has 'x-1' and 'x1'", "one name to a template", "rename one"),
    ),
    Refused(
        "a key for a route that isn't there",
        {"api.usage_plans": PLAN, "api.key_routes": ["getPopularItem"]},
        ("key_routes has 'getPopularItem'", "did you mean 'getPopularItems'?"),
    ),
    Refused(
        "a key for a route twice",
        {"api.usage_plans": PLAN, "api.key_routes": ["getHealth", "getHealth"]},
        ("key_routes has 'getHealth' twice",),
    ),
    Refused(
        "a plan beyond the stage",
        {
            "api.usage_plans": {"partner": {"rate_per_second": 51, "burst": 10}},
            "api.key_routes": ["getHealth"],
        },
        ("usage_plans.partner.rate_per_second is 51", "the stage lets 50 through", "api.rate_per_second"),
    ),
    Refused(
        "a burst beyond the stage",
        {
            "api.usage_plans": {"partner": {"rate_per_second": 5, "burst": 101}},
            "api.key_routes": ["getHealth"],
        },
        ("usage_plans.partner.burst is 101", "the stage lets 100 through"),
    ),
    Refused(
        "a period of no quota",
        {"api.usage_plans": {"partner": {**PLAN["partner"], "per": "day"}}, "api.key_routes": ["getHealth"]},
        ("quota is None and per 'day'", "give both, or neither"),
    ),
    Refused(
        "a plan that no resource can be called by",
        {"api.usage_plans": {"Partner": PLAN["partner"]}, "api.key_routes": ["getHealth"]},
        ("api.usage_plans.Partner",),
    ),
    Refused(
        "an account of AWS's examples",
        {"api.caller_accounts": ["123456789012"]},
        ("caller_accounts has '123456789012', an example's number",),
    ),
    Refused(
        "an account that nobody has", {"api.caller_accounts": ["000000000000"]}, ("an example's number",)
    ),
    Refused(
        "an account twice",
        {"api.caller_accounts": ["210987654321"] * 2},
        ("caller_accounts has '210987654321' twice",),
    ),
    Refused(
        "an account that is a number", {"api.caller_accounts": [210987654321]}, ("api.caller_accounts.0",)
    ),
    Refused("everybody's account", {"api.caller_accounts": ["*"]}, ("api.caller_accounts.0 = '*'",)),
    Refused(
        "the environment's own account",
        {"account": "210987654321", "api.caller_accounts": ["210987654321"]},
        ("api.caller_accounts has '210987654321', the environment's own account", "CallerPolicyArn"),
    ),
    Refused(
        "a rule by state that is not there",
        {"placements.home.rules_by_state": {"lapsed": ["varity"]}},
        ("placements.home.rules_by_state.lapsed names 'varity'", "did you mean 'variety'?"),
    ),
    Refused(
        "rules of a state that nobody is in",
        {"placements.home.rules_by_state": {"asleep": ["variety"]}},
        ("placements.home.rules_by_state.asleep", "'just_bought'"),
    ),
    Refused(
        "states that leave no one active",
        {"user_states.just_bought_days": 60},
        ("user_states", "just_bought_days 60 is not below lapsed_days 60", "raise the second"),
    ),
    Refused(
        "a state of longer ago than anything is kept",
        {"user_states.lapsed_days": 181},
        ("lapsed_days = 181", "180"),
    ),
    Refused(
        "a published field that users don't have",
        {"publishing.user_fields": ["AGES"]},
        ("publishing.user_fields has 'AGES'", "did you mean 'AGE'?"),
    ),
    Refused(
        "a published field of users that is no category",
        {"publishing.user_fields": ["USER_ID"]},
        ("publishing.user_fields has 'USER_ID', no categorical field of datasets.users",),
    ),
    Refused(
        "a price cut whose time is a text",
        {"rules.not-interested.again_when_price_falls": "BRAND"},
        ("rules.not-interested.again_when_price_falls is 'BRAND', whose type is 'string'", "of type long"),
    ),
    Refused(
        "new stock of which nothing is published",
        {"rules.not-interested.again_when_new_stock": "CREATION_TIMESTAMP"},
        (
            "rules.not-interested looks at the item field CREATION_TIMESTAMP",
            "add it to publishing.item_fields",
        ),
    ),
    Refused(
        "something related by a field that isn't there",
        {"rules.not-interested.again_when_related_bought": "CATEGORY_L9"},
        ("rules.not-interested looks at the item field CATEGORY_L9", "publishing.item_fields"),
    ),
    Refused(
        "a rule of an unknown kind", {"rules.variety.kind": "caps"}, ("rules.variety", "'caps'", "'cap'")
    ),
    Refused("a key of another kind", {"rules.variety.days": 3}, ("rules.variety.cap.days", "not known")),
    Refused(
        "a promotion that ends before it starts",
        {
            "rules.sale": {
                "kind": "pin",
                "items": ["a"],
                "starts": "2026-12-02T00:00:00Z",
                "ends": "2026-12-01T00:00:00Z",
            }
        },
        ("is not after starts", "it would never act"),
    ),
    Refused(
        "a promotion without a time zone",
        {"rules.sale": {"kind": "pin", "items": ["a"], "starts": "2026-12-02T00:00:00"}},
        ("rules.sale.pin.starts", "timezone"),
    ),
    Refused("an exclusion of nothing", {"rules.gone": {"kind": "exclude"}}, ("say what is left out",)),
    Refused(
        "days by value without the field",
        {"rules.just-bought.days_of": {"A": 3}},
        ("field is None and days_of {'A': 3}", "give both or neither"),
    ),
    Refused(
        "a range without a side", {"rules.band": {"kind": "between", "field": "BRAND"}}, ("min, max or both",)
    ),
    Refused(
        "a name that no URL should hold", {"placements.Home": {"lists": ["personal"]}}, ("placements.Home",)
    ),
    Refused(
        "an unknown metric",
        {"quality_gate.metric": "ndcg_at_25"},
        ("metric is 'ndcg_at_25'", "normalized_discounted_cumulative_gain_at_25"),
    ),
    Refused("a share above one", {"quality_gate.min_against_serving": 1.2}, ("= 1.2", "write 1 or less")),
    Refused(
        "a cron of five fields", cron("cron(0 3 * * ?)"), ("schedule.expression", "has 5 fields", "has 6")
    ),
    Refused("a cron without ?", cron("cron(0 3 * * * *)"), ("exactly one of day of month", "must be ?")),
    Refused("an hour 25", cron("cron(0 25 * * ? *)"), ("hours '25'", "0-23")),
    Refused("a month that is no month", cron("cron(0 3 1 FOO ? *)"), ("month 'FOO'", "1-12")),
    Refused("a bare cron", cron("0 3 * * *"), ("'0 3 * * *'", "write cron(")),
    Refused("a rate of nothing", cron("rate(0 days)"), ("'rate(0 days)'", "rate(1 day)")),
    Refused(
        "an unknown time zone",
        {"schedule.time_zone": "Asia/Tokio"},
        ("time_zone is 'Asia/Tokio'", "did you mean 'Asia/Tokyo'?"),
    ),
    Refused(
        "lateness beyond CloudWatch's seven days",
        {"schedule.late_after_hours": 200},
        ("schedule.late_after_hours = 200", "168"),
    ),
    Refused(
        "days that CloudWatch Logs does not know",
        {"log_retention_days": 45},
        ("log_retention_days is 45", "use one of 1, "),
    ),
    Refused("an API without IAM", {"api.authorization": "none"}, ("api.authorization = 'none'", "'iam'")),
    Refused(
        "capacity that is no multiple of 8", {"analytics.base_capacity_rpu": 12}, ("= 12", "multiple of 8")
    ),
    Refused(
        "dashboards without an owner",
        {"analytics.quicksight": {"enabled": True}},
        ("analytics.quicksight", "enabled is true", "principal_arn"),
    ),
    Refused(
        "a database of a reserved word",
        {"analytics.database": "snapshot"},
        ("analytics.database", "'snapshot'", "reserved word of Redshift", "take another name"),
    ),
    Refused(
        "a default list without items",
        {"api.default_items": []},
        ("api.default_items", "at least 1 item"),
    ),
    Refused(
        "no default list",
        {"api.default_items": REMOVE},
        ("api.default_items", "this key is required"),
    ),
    Refused(
        "a default item twice",
        {"api.default_items": ["b", "a", "b"]},
        ("api.default_items", "'b' is listed twice", "keep one"),
    ),
    Refused(
        "a default item that Personalize has no room for",
        {"api.default_items": ["i" * 257]},
        ("api.default_items.0", "at most 256 characters"),
    ),
    Refused(
        "less capacity than the base",
        {"analytics.base_capacity_rpu": 64, "analytics.max_capacity_rpu": 32},
        ("base_capacity_rpu 64 is above max_capacity_rpu 32", "raise the second"),
    ),
    Refused("queries without an end", {"analytics.max_query_seconds": 86400}, ("= 86400", "86399")),
    Refused(
        "a budget that nobody hears of",
        {"budget.email": None, "alerts.email": None},
        ("budget.monthly_usd is 300 and nobody would be told", "write budget.email or alerts.email"),
    ),
    Refused("a budget of nothing", {"budget.monthly_usd": 0}, ("budget.monthly_usd = 0",)),
    Refused(
        "shares of a budget that fall",
        {"budget.alert_at_percent": [100, 80]},
        ("[100, 80] must rise, each once: write [80, 100]",),
    ),
    Refused(
        "impressions into a table of the application's",
        {"api.log_impressions": True, "sources.application_log": {"create": False, "table_name": "theirs"}},
        ("log_impressions is true, but sources.application_log.create is false", "remove log_impressions"),
    ),
    Refused(
        "impressions of one placement into a log without lists",
        {
            "placements.home.log_impressions": True,
            "sources.application_log.attributes": {"IMPRESSION": None},
        },
        ("log_impressions is true", "set sources.application_log.attributes.IMPRESSION"),
    ),
    Refused(
        "impressions that no mart counts",
        {"api.log_impressions": True, "analytics.impression_event": "seen"},
        ("analytics.impression_event is 'seen'", "write 'impression'"),
    ),
    Refused("an address that is none", {"alerts.email": "me at home"}, ("alerts.email = 'me at home'",)),
]


def changed(content: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    for path, value in change.items():
        *parents, key = path.split(".")
        section = content
        for parent in parents:
            section = section[int(parent) if isinstance(section, list) else parent]
        if value is REMOVE:
            del section[key]
        else:
            section[key] = value
    return content


def refusal(place: Path, change: dict[str, Any]) -> str:
    content = example.content()
    (place / "dev.yaml").write_text(yaml.safe_dump(changed(content, change), sort_keys=False))
    with pytest.raises(ConfigError) as refused:
        load("dev", place)
    return str(refused.value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_refused_with_key_value_and_cure(case: Refused, tmp_path: Path) -> None:
    message = refusal(tmp_path, case.change)
    for part in case.told:
        assert part in message, message


def test_all_problems_are_told_at_once_with_the_file(tmp_path: Path) -> None:
    message = refusal(tmp_path, {"removal": "keep", "etl.workers": 1, "colour": "red"})
    assert message.startswith("dev.yaml: 3 problem(s), nothing was changed")
    assert len(message.splitlines()) == 4


def test_the_longest_names_that_fit_are_accepted_and_one_more_is_not(tmp_path: Path) -> None:
    longest = {"app": "a" * 16, "environment": "dev"}
    content = example.content()
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(changed(content, longest)))
    assert load("dev", tmp_path).names.prefix == "a" * 16 + "-dev"
    message = refusal(tmp_path, {"app": "a" * 17})
    assert "app" in message


def test_a_bucket_name_of_64_characters_is_refused(tmp_path: Path) -> None:
    content = example.content()
    content |= {"app": "a" * 16, "environment": "e" * 10}
    (tmp_path / f"{'e' * 10}.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="of 64 characters, S3 accepts 63: shorten app or environment by 1"):
        load("e" * 10, tmp_path)


def test_an_environment_without_a_file_names_the_ones_that_have_one() -> None:
    with pytest.raises(ConfigError, match=r"'stage' has no stage.yaml: use one of \['dev', 'prod'\]"):
        load("stage", example.folder())


def test_the_variable_names_another_folder_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trial.yaml").write_text(
        yaml.safe_dump(example.content(environment="trial", app="elsewhere"))
    )
    monkeypatch.setenv("OSUSUME_CONFIG", str(tmp_path))
    assert load("trial").names.prefix == "elsewhere-trial"


def test_a_file_of_another_environment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test.yaml").write_text(example.FILE.read_text())
    with pytest.raises(ConfigError, match="environment is 'dev': write 'test'"):
        load("test", tmp_path)


def test_a_file_that_is_no_yaml_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text("app: [")
    with pytest.raises(ConfigError, match=r"dev\.yaml is not YAML"):
        load("dev", tmp_path)


@pytest.mark.parametrize("environment", environments(example.CONFIG))
def test_the_committed_files_are_accepted(environment: str) -> None:
    assert load(environment, example.CONFIG).environment == environment


@pytest.mark.parametrize(
    "expression",
    ["rate(1 day)", "rate(12 hours)", "cron(0/15 * * * ? *)", "cron(0 3 ? * MON-FRI *)", "cron(0 3 L * ? *)"],
)
def test_schedules_that_eventbridge_accepts_are_accepted(expression: str, tmp_path: Path) -> None:
    content = example.content()
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(changed(content, cron(expression))))
    assert load("dev", tmp_path).schedule.expression == expression
