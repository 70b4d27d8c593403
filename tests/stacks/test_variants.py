"""Stacks that the variations of the example do not have: imported sources, dashboards, one solution."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from dashboards.pages import PAGES
from dashboards.spec import data_sets
from tests import example
from tests.stacks.conftest import ROOT, Assembly
from tests.stacks.test_security import listed
from tests.stacks.test_snapshots import SNAPSHOTS, normalised
from warehouse.load.tables import READER_USER

IMPORTED = {
    "aurora": {
        "create": False,
        "endpoint": "shop-reader-1.x.ap-northeast-1.rds.amazonaws.com",
        "port": 5433,
        "secret_arn": "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:rds!cluster-0a1b2c-AbCdEf",
        "secret_key_arn": "arn:aws:kms:ap-northeast-1:111111111111:key/0a1b2c3d-0000-4000-8000-000000000000",
        "security_group_id": "sg-0123456789abcdef0",
        "database": "shop",
        "tables": {"users": "app.users", "items": "app.items", "orders": "app.orders"},
    },
    "application_log": {"create": False, "table_name": "shop-events"},
}
COMPANY = {
    "availability_zones": ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"],
    "vpc_id": "vpc-0123456789abcdef0",
    "subnet_ids": [f"subnet-0123456789abcdef{n}" for n in range(3)],
    "route_table_ids": ["rtb-0123456789abcdef0"],
}
QUICKSIGHT = {
    "enabled": True,
    "principal_arn": "arn:aws:quicksight:ap-northeast-1:111111111111:user/default/analyst",
    "secret_arn": "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:osusume/reader-AbCdEf",
}


def variant(**changes: Any) -> Settings:
    return Settings.model_validate(example.settings().model_dump() | changes)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    settings = variant(
        network=COMPANY,
        sources=IMPORTED,
        solutions=[example.settings().solutions[1].model_dump()],
        placements={},
    )
    return Assembly("dev", tmp_path_factory.mktemp("imported"), settings)


@pytest.fixture(scope="module")
def dashboards(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    analytics = example.settings().analytics.model_dump() | {"quicksight": QUICKSIGHT}
    return Assembly("dev", tmp_path_factory.mktemp("dashboards"), variant(analytics=analytics))


def test_imported_sources_are_not_created_but_opened_to_the_extraction(imported: Assembly) -> None:
    ((_, rule),) = imported.properties("AWS::EC2::SecurityGroupIngress")[-1:]
    kinds = [resource["Type"] for resource in imported.templates["sources"]["Resources"].values()]
    assert kinds == ["AWS::EC2::SecurityGroupIngress"]
    assert rule["GroupId"] == "sg-0123456789abcdef0"
    assert (rule["FromPort"], rule["ToPort"]) == (5433, 5433)


def test_the_extraction_is_let_out_to_an_imported_database(imported: Assembly) -> None:
    """Groups keep state, so the other side's rule is not enough: what no rule lets out times out."""
    groups = imported.properties("AWS::EC2::SecurityGroup")
    [extraction] = [group for key, group in groups if "Extraction" in key]
    rules = extraction["SecurityGroupEgress"]
    ways = {(rule.get("DestinationSecurityGroupId"), rule["FromPort"], rule["ToPort"]) for rule in rules}
    assert ("sg-0123456789abcdef0", 5433, 5433) in ways
    assert not [key for key, _ in groups if "Database" in key], "groups of a cluster that isn't made"


def test_imported_sources_are_read_by_the_names_they_have(imported: Assembly) -> None:
    text = json.dumps(imported.templates["preparation"])
    assert IMPORTED["aurora"]["secret_key_arn"] in text
    assert "table/shop-events" in text
    assert "osusume-dev-application-log" not in text
    jobs = {job["Name"]: job for _, job in imported.properties("AWS::Glue::Job")}
    arguments = jobs["osusume-dev-extract-aurora"]["DefaultArguments"]
    assert arguments["--secret_name"] == IMPORTED["aurora"]["secret_arn"]
    address = {"host": IMPORTED["aurora"]["endpoint"], "port": "5433", "dbname": "shop"}
    assert json.loads(arguments["--address"]) == address
    assert json.loads(arguments["--tables"])["users"] == "app.users"


def test_a_companys_vpc_is_used_and_none_is_made(imported: Assembly) -> None:
    kinds = {r["Type"] for r in imported.templates["network"]["Resources"].values()}
    assert not kinds & {f"AWS::EC2::{kind}" for kind in ("VPC", "Subnet", "RouteTable", "NatGateway", "EIP")}
    for _, group in imported.properties("AWS::EC2::SecurityGroup"):
        assert group["VpcId"] == COMPANY["vpc_id"]
    endpoints = [e["ServiceName"].rpartition(".")[2] for _, e in imported.properties("AWS::EC2::VPCEndpoint")]
    assert sorted(endpoints) == ["dynamodb", "s3"]
    written = {p["Name"]: p["Value"] for _, p in imported.properties("AWS::SSM::Parameter")}
    given = [written[f"/osusume/dev/network/private-subnet/{n}"] for n in range(3)]
    assert given == COMPANY["subnet_ids"]


def test_the_reader_is_told_of_the_lists_that_there_are(imported: Assembly) -> None:
    [code] = [
        function["Code"]
        for _, function in imported.properties("AWS::Lambda::Function")
        if function["FunctionName"] == "osusume-dev-get-recommendations"
    ]
    asset = imported.folder / f"asset.{code['S3Key'].removesuffix('.zip')}"
    told = json.loads((asset / "lambdas/get_recommendations/serving.json").read_text())
    assert told["lists"] == [{"name": "related", "for_each": "item", "trending": False}]
    assert told["placements"] == {}


@pytest.fixture(scope="module")
def experimenting(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    settings = example.settings(experiments=example.experiments())
    return Assembly("dev", tmp_path_factory.mktemp("experimenting"), settings)


def _function(assembly: Assembly, name: str) -> list[dict[str, Any]]:
    found = [one for _, one in assembly.properties("AWS::Lambda::Function")]
    return [one for one in found if one["FunctionName"] == f"osusume-dev-{name}"]


def test_a_function_builds_datasets_with_the_rights_of_the_job_only_where_it_is_configured(
    tmp_path: Path,
) -> None:
    made = Assembly("dev", tmp_path, example.settings(etl={"engine": "auto", "function_memory": 4000}))
    [function] = _function(made, "build-datasets")
    assert (function["MemorySize"], function["Timeout"], len(function["Layers"])) == (4000, 900, 2)
    folder = made.folder / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"
    assert (folder / "on_duckdb/pyspark/sql/functions.py").is_file(), "what the script imports as pyspark"
    [job] = [one for _, one in made.properties("AWS::Glue::Job") if one["Name"].endswith("build-datasets")]
    fixed = json.loads((folder / "arguments.json").read_text())
    assert fixed.items() <= job["DefaultArguments"].items()
    # What Hadoop's client asks besides, and what a job or a function needs to write its log.
    spark = {"s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads", "cloudwatch:PutMetricData"}
    logs = {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"}
    ours = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert (
        _actions(made, "BuildSmallDatasets") - ours - logs == _actions(made, "BuildDatasets") - spark - logs
    )
    assert "`BuildSmallDatasets`" in (ROOT / "docs" / "security.md").read_text()


def _actions(made: Assembly, role: str) -> set[str]:
    return {
        action
        for name, found in made.properties("AWS::IAM::Role")
        if name.rpartition("/")[2].startswith(f"{role}Role")
        for policy in found["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }


def test_experiments_are_analysed_only_where_one_is_configured(
    experimenting: Assembly, assembly: Assembly
) -> None:
    """A fork without experiments ships no statistics and pays for none."""
    [function] = _function(experimenting, "analyse-experiments")
    folder = experimenting.folder / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"
    told = json.loads((folder / "lambdas/analyse_experiments/designs.json").read_text())
    assert [one["name"] for one in told] == ["popular-home", "holdout"]
    assert (folder / "analysis/report.py").is_file() and (folder / "warehouse/load/tables.py").is_file()
    assert "AnalyseExperiments" in experimenting.definition("load")["States"]
    assert "analyse-experiments" not in json.dumps(assembly.templates)
    page = (ROOT / "docs" / "security.md").read_text()
    assert "`AnalyseExperiments`" in page


def test_what_an_experiment_adds_has_no_finding(experimenting: Assembly) -> None:
    """Permissions, calls, stores and states, by the same checks as everything else."""
    from checks.assembly import Assembly as Checked
    from checks.rules import iam, stores, workflows

    read = Checked.read(experimenting.folder)
    plain = [finding for rule in (iam, stores, workflows) for finding in rule.check(read)]
    assert plain == []


def test_dashboards_exist_only_when_enabled(dashboards: Assembly, assembly: Assembly) -> None:
    kinds = [r["Type"] for _, r in dashboards.resources() if r["Type"].startswith("AWS::QuickSight::")]
    count = len(data_sets(PAGES))
    assert count > 8
    assert Counter(kind.rpartition(":")[2] for kind in kinds) == {
        **dict.fromkeys(("Analysis", "Dashboard", "DataSource", "Folder", "Theme", "VPCConnection"), 1),
        **dict.fromkeys(("DataSet", "RefreshSchedule"), count),
    }
    assert "AWS::QuickSight" not in json.dumps(assembly.templates)


def test_dashboards_are_a_stack_that_no_other_depends_on(dashboards: Assembly, assembly: Assembly) -> None:
    """A data source that QuickSight refuses must not roll the warehouse back."""
    stacks = {key.split("/")[0] for key, _ in dashboards.resources() if "AWS::QuickSight" in str(_["Type"])}
    assert stacks == {"dashboards"} and "dashboards" not in assembly.templates
    artifacts = dashboards.manifest["artifacts"]
    needed = {name for one in artifacts.values() for name in one.get("dependencies", [])}
    assert "Dashboards" not in needed
    assert {"Analytics", "Network"} <= set(artifacts["Dashboards"]["dependencies"])


@pytest.mark.nightly
def test_without_a_secret_of_their_own_dashboards_read_as_the_user_that_the_stacks_make(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    without = {name: value for name, value in QUICKSIGHT.items() if name != "secret_arn"}
    analytics = example.settings().analytics.model_dump() | {"quicksight": without}
    assembly = Assembly("dev", tmp_path_factory.mktemp("reader"), variant(analytics=analytics))
    ((_, source),) = assembly.properties("AWS::QuickSight::DataSource")
    parameter = source["Credentials"]["SecretArn"]["Ref"]
    name = assembly.templates["dashboards"]["Parameters"][parameter]["Default"]
    assert name == "/osusume/dev/analytics/reader-secret-arn"
    written = {p["Name"]: p["Value"] for _, p in assembly.properties("AWS::SSM::Parameter")}
    secret = assembly.templates["analytics"]["Resources"][written[name]["Ref"]]["Properties"]
    assert json.loads(secret["GenerateSecretString"]["SecretStringTemplate"]) == {"username": READER_USER}
    ((_, loader),) = [
        (key, p)
        for key, p in assembly.properties("AWS::Lambda::Function")
        if p["FunctionName"] == "osusume-dev-load-warehouse"
    ]
    assert loader["Environment"]["Variables"]["READER_SECRET_ARN"] == written[name]


def test_a_dashboards_columns_are_columns_of_its_data_sets(dashboards: Assembly) -> None:
    sets = {
        properties["Name"]: {
            column["Name"]
            for table in properties["PhysicalTableMap"].values()
            for column in table["RelationalTable"]["InputColumns"]
        }
        for _, properties in dashboards.properties("AWS::QuickSight::DataSet")
    }
    ((_, dashboard),) = dashboards.properties("AWS::QuickSight::Dashboard")
    for field in dashboard["Definition"].get("CalculatedFields", []):
        sets[field["DataSetIdentifier"]].add(field["Name"])
    used = list(columns(dashboard["Definition"]["Sheets"]))
    assert used
    for column in used:
        assert column["ColumnName"] in sets[column["DataSetIdentifier"]]


def columns(value: Any) -> Any:
    if isinstance(value, dict):
        if "ColumnName" in value:
            yield value
        for inner in value.values():
            yield from columns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from columns(inner)


def test_a_data_sets_columns_are_columns_of_its_mart(dashboards: Assembly) -> None:
    for data in data_sets(PAGES):
        model = (ROOT / "warehouse" / "models" / "marts" / f"{data.mart}.sql").read_text()
        selected = re.findall(r"\b\w+\b(?=,?\n)", model[model.index("final as (") :])
        # mart_runs makes some of its names in a loop over the datasets.
        made = {f"{name}_rows" for name in ("interactions", "users", "items")}
        made |= {*re.findall(r"\('(minutes_\w+)', ", model)}
        for column in data.columns:
            assert column.name in {*selected, *made}, (data.mart, column.name)


def test_dashboards_belong_to_the_configured_principal(dashboards: Assembly) -> None:
    for kind in ("DataSource", "DataSet", "Theme", "Folder", "Analysis", "Dashboard"):
        for key, properties in dashboards.properties(f"AWS::QuickSight::{kind}"):
            principals = {permission["Principal"] for permission in properties["Permissions"]}
            assert principals == {QUICKSIGHT["principal_arn"]}, key


JWT = {
    "issuer": "https://issuer.example/pool",
    "audience": "shop",
    "user_claim": "sub",
    "jwks_uri": "https://issuer.example/keys",
    "leeway_seconds": 5,
}


@pytest.fixture(scope="module")
def tokened(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    api = example.settings().api.model_dump() | {"jwt": JWT}
    return Assembly("dev", tmp_path_factory.mktemp("tokened"), variant(api=api))


def _methods(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """`METHOD /path` -> the method's properties."""
    resources = dict(assembly.properties("AWS::ApiGateway::Resource"))
    resources = {name.rpartition("/")[2]: one for name, one in resources.items()}

    def path(reference: dict[str, Any]) -> str:
        if "Ref" not in reference:
            return ""
        one = resources[reference["Ref"]]
        return f"{path(one['ParentId'])}/{one['PathPart']}"

    methods = [one for _, one in assembly.properties("AWS::ApiGateway::Method")]
    return {f"{one['HttpMethod']} {path(one['ResourceId'])}": one for one in methods}


def test_tokens_open_the_routes_of_readers_and_no_other(tokened: Assembly) -> None:
    kinds = {name: one["AuthorizationType"] for name, one in _methods(tokened).items()}
    assert sorted(name for name, kind in kinds.items() if kind == "CUSTOM") == [
        "GET /v1/items/{itemId}/related",
        "GET /v1/popular",
        "GET /v1/trending",
        "GET /v1/users/{userId}/actions",
        "GET /v1/users/{userId}/recommendations",
        "POST /v1/events",
        "POST /v1/users/{userId}/rankings",
    ]
    assert {kind for kind in kinds.values() if kind != "CUSTOM"} == {"AWS_IAM"}
    for name in (
        "GET /v1/segments/{segment}",
        "DELETE /v1/users/{userId}",
        "GET /v1/health",
        "ANY /{proxy+}",
    ):
        assert kinds[name] == "AWS_IAM"


def test_the_authorizer_is_told_what_it_opens_and_its_answers_are_not_kept(tokened: Assembly) -> None:
    [(_, authorizer)] = tokened.properties("AWS::ApiGateway::Authorizer")
    assert authorizer["Type"] == "REQUEST"
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    [function] = _function(tokened, "authorize-reader")
    told = function["Environment"]["Variables"]
    opened = {name for name, one in _methods(tokened).items() if one["AuthorizationType"] == "CUSTOM"}
    assert set(json.loads(told["ROUTES"])) == opened
    assert {name: told[name.upper()] for name in JWT} == {name: str(value) for name, value in JWT.items()}


def test_the_authorizer_may_write_its_log_and_nothing_else(tokened: Assembly) -> None:
    name = next(name for name, _ in tokened.resources("AWS::IAM::Role") if "AuthorizeReaderRole" in name)
    role = dict(tokened.properties("AWS::IAM::Role"))[name]
    text = json.dumps(
        [
            role,
            *[
                one
                for _, one in tokened.properties("AWS::IAM::Policy")
                if name.rpartition("/")[2] in json.dumps(one)
            ],
        ]
    )
    actions = set(re.findall(r"\b(?:logs|xray|dynamodb|s3|kms|execute-api|lambda|sqs):\w+", text))
    assert actions == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_a_signature_is_let_to_no_route_of_readers(tokened: Assembly) -> None:
    policies = {one["ManagedPolicyName"]: one for _, one in tokened.properties("AWS::IAM::ManagedPolicy")}
    text = json.dumps(policies[tokened.settings.names.caller_policy])
    assert "/GET/v1/health" in text
    assert not [part for part in ("/v1/users", "/v1/popular", "/v1/events", "/v1/items") if part in text]


def test_the_alarm_of_the_authorizer_counts_no_token_that_is_refused(tokened: Assembly) -> None:
    alarms = {one["AlarmName"]: one for _, one in tokened.properties("AWS::CloudWatch::Alarm")}
    alarm = alarms["osusume-dev-authorize-reader-errors"]
    assert (alarm["MetricName"], alarm["Dimensions"]) == (
        "Failed",
        [{"Name": "Service", "Value": "authorize_reader"}],
    )


def test_glue_6_is_the_version_of_every_job_and_changes_nothing_else(tmp_path: Path) -> None:
    """It reaches S3 as 5.1 does, so rights and settings of 5.1 stay."""
    made = Assembly("dev", tmp_path, example.settings(etl={"glue_version": "6.0"}))
    jobs = [job for _, job in made.properties("AWS::Glue::Job")]
    assert [job["GlueVersion"] for job in jobs] == ["6.0"] * 3
    region = "spark.hadoop.fs.s3a.endpoint.region=ap-northeast-1"
    assert {job["DefaultArguments"]["--conf"] for job in jobs} == {region}
    for stack in ("preparation", "publishing"):
        on_5_1 = normalised(made, stack).replace('"GlueVersion": "6.0"', '"GlueVersion": "5.1"')
        assert on_5_1 == (SNAPSHOTS / "dev" / f"{stack}.json").read_text()
