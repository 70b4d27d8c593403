"""How the stacks hang together: no exports, no look-ups, no hidden functions; names, assets, environments."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from lambdas.get_recommendations import fallback
from stacks.parts import alarms
from stacks.workflows import definitions, pipeline
from tests import example
from tests.stacks.conftest import ROOT, Assembly
from tests.stacks.test_security import identity_statements, listed

FUNCTIONS = [
    "clean_up",
    "forget_users",
    "get_recommendations",
    "grant_reader",
    "judge_lists",
    "judge_solution_version",
    "load_warehouse",
    "plan_run",
    "publish_recommendations",
    "record_events",
    "request_forgetting",
    "run_dbt",
    "validate_datasets",
    "validate_experiments",
]
JOBS = {
    "extract-aurora": {"--run_id"},
    "build-datasets": {
        *("--run_id", "--run_mode", "--export_prefix", "--previous_run_id", "--accept", "--streamed")
    },
    "postprocess-recommendations": {"--run_id", "--versions"},
}
READ_BY_LIBRARIES = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
# Arguments that Glue itself reads, not the script.
GLUE_ARGUMENTS = re.compile(r"^--(job-language|extra-py-files|enable-.*|continuous-log-.*|conf)$")


def test_no_stack_exports_or_imports(assembly: Assembly) -> None:
    for name, template in assembly.templates.items():
        outputs = template.get("Outputs", {})
        assert not [key for key, output in outputs.items() if "Export" in output], name
        text = json.dumps(template)
        assert "Fn::ImportValue" not in text, name
        assert "Fn::GetStackOutput" not in text, name


def test_synthesis_asked_for_no_look_up(assembly: Assembly) -> None:
    assert assembly.manifest.get("missing", []) == []
    assert "dummy1" not in json.dumps(assembly.templates)


def test_no_custom_resource_hides_a_function(assembly: Assembly) -> None:
    kinds = {resource["Type"] for _, resource in assembly.resources()}
    hidden = {k for k in kinds if k.startswith("Custom::") or k == "AWS::CloudFormation::CustomResource"}
    assert hidden == set()
    functions = [properties["FunctionName"] for _, properties in assembly.properties("AWS::Lambda::Function")]
    assert sorted(functions) == sorted(assembly.settings.names.function(name) for name in FUNCTIONS)


def test_every_parameter_that_is_read_is_published_by_an_earlier_stack(assembly: Assembly) -> None:
    published: dict[str, str] = {}
    for key, parameter in assembly.properties("AWS::SSM::Parameter"):
        published[parameter["Name"]] = key.split("/")[0]
    read = {
        (name, parameter["Default"])
        for name, template in assembly.templates.items()
        for parameter in template.get("Parameters", {}).values()
        if parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
        and "cdk-bootstrap" not in parameter["Default"]
    }
    assert len(read) > 10
    for stack, parameter in read:
        assert published[parameter] in dependencies(assembly, stack), (stack, parameter)


def test_stacks_wait_for_what_they_reach_by_name(assembly: Assembly) -> None:
    assert dependencies(assembly, "preparation") == {"storage", "network", "sources"}
    assert dependencies(assembly, "publishing") == {"storage", "preparation"}
    assert dependencies(assembly, "storage") == dependencies(assembly, "network") == set()


def dependencies(assembly: Assembly, stack: str) -> set[str]:
    artifact = assembly.manifest["artifacts"][stack.capitalize()]
    return {name.lower() for name in artifact.get("dependencies", []) if not name.endswith(".assets")}


def test_every_stack_is_below_cloudformations_limits(assembly: Assembly) -> None:
    for name, template in assembly.templates.items():
        assert len(template["Resources"]) <= 500, name
        assert len(json.dumps(template)) < 1_000_000, name


def test_fixed_names_fit_the_services_that_carry_them(assembly: Assembly) -> None:
    limits = {
        ("AWS::IAM::Role", "RoleName"): 64,
        ("AWS::Lambda::Function", "FunctionName"): 64,
        ("AWS::StepFunctions::StateMachine", "StateMachineName"): 80,
        ("AWS::Personalize::DatasetGroup", "Name"): 63,
        ("AWS::Personalize::Dataset", "Name"): 63,
        ("AWS::Personalize::Schema", "Name"): 63,
        ("AWS::RedshiftServerless::Namespace", "NamespaceName"): 64,
    }
    # The longest app and environment that the settings accept are longer by (buckets: config.rules):
    spare = 16 + 10 - len(assembly.settings.app) - len(assembly.settings.environment)
    for (kind, key), limit in limits.items():
        for where, properties in assembly.properties(kind):
            if key in properties:
                assert len(properties[key]) + spare <= limit, where


def function_environment(assembly: Assembly, function: str) -> dict[str, Any]:
    name = assembly.settings.names.function(function)
    for _, properties in assembly.properties("AWS::Lambda::Function"):
        if properties["FunctionName"] == name:
            return dict(properties["Environment"]["Variables"])
    raise KeyError(function)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_every_variable_that_its_environment_type_reads(
    assembly: Assembly, function: str
) -> None:
    kind = importlib.import_module(f"lambdas.{function}.environment").Environment
    required = {field.name.upper() for field in fields(kind) if field.default is MISSING}
    given = set(function_environment(assembly, function))
    assert required <= given
    known = {field.name.upper() for field in fields(kind)}
    spare = (
        given - known - {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "WAREHOUSE_SECRET_ARN"}
    )
    assert spare == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_zip_holds_its_handler_the_shared_code_and_no_bytecode(
    assembly: Assembly, function: str
) -> None:
    folder = asset_folder(assembly, function)
    assert (folder / "lambdas" / function / "handler.py").is_file()
    assert (folder / "lambdas" / "shared" / "__init__.py").is_file()
    others = {path.name for path in (folder / "lambdas").iterdir()} - {function, "shared", "__init__.py"}
    assert others == set()
    assert not list(folder.rglob("__pycache__"))


def asset_folder(assembly: Assembly, function: str) -> Path:
    name = assembly.settings.names.function(function)
    for _, properties in assembly.properties("AWS::Lambda::Function"):
        if properties["FunctionName"] == name:
            return assembly.folder / f"asset.{properties['Code']['S3Key'].removesuffix('.zip')}"
    raise KeyError(function)


def test_the_warehouse_project_travels_with_its_functions(assembly: Assembly) -> None:
    assert (asset_folder(assembly, "run_dbt") / "warehouse" / "dbt_project.yml").is_file()
    load = asset_folder(assembly, "load_warehouse") / "warehouse" / "load"
    assert (load / "load.sql").is_file() and (load / "tables.py").is_file()


def test_the_default_list_of_the_configuration_travels_with_the_reader(assembly: Assembly) -> None:
    file = asset_folder(assembly, "get_recommendations") / "lambdas/get_recommendations/default_items.json"
    assert tuple(json.loads(file.read_text())) == assembly.settings.api.default_items
    assert fallback.DEFAULT_ITEMS.relative_to(ROOT) == file.relative_to(file.parents[2])


def test_dbt_signs_in_under_a_role_whose_name_is_not_a_constructs(assembly: Assembly) -> None:
    """Redshift names the user after the role, and the user owns the marts."""
    [role] = [p for key, p in assembly.properties("AWS::IAM::Role") if key.startswith("analytics/RunDbtRole")]
    names = assembly.settings.names
    assert role["RoleName"] == names.transformation_role == f"{names.prefix}-transformation"


@pytest.mark.parametrize("job", JOBS)
def test_a_job_gets_exactly_the_arguments_its_script_reads(assembly: Assembly, job: str) -> None:
    name = assembly.settings.names.job(job)
    ((_, properties),) = [(k, p) for k, p in assembly.properties("AWS::Glue::Job") if p["Name"] == name]
    template = {key for key in properties["DefaultArguments"] if not GLUE_ARGUMENTS.match(key)}
    assert {key.removeprefix("--") for key in template | JOBS[job]} == script_arguments(job)


def script_arguments(job: str) -> set[str]:
    """The list ARGUMENTS of the script, read without importing Spark."""
    tree = ast.parse((ROOT / "glue_jobs" / f"{job.replace('-', '_')}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ARGUMENTS":
            return set(ast.literal_eval(node.value))
    raise AssertionError(f"{job} has no ARGUMENTS")


def tasks(definition: Any) -> Iterator[dict[str, Any]]:
    if isinstance(definition, dict):
        if definition.get("Type") == "Task":
            yield definition
        for value in definition.values():
            yield from tasks(value)
    if isinstance(definition, list):
        for value in definition:
            yield from tasks(value)


IAM_PREFIX = {"redshiftdata": "redshift-data", "lambda": "lambda", "states": "states", "sfn": "states"}
IAM_ACTION = {"lambda:Invoke": "lambda:InvokeFunction", "s3:ListObjectsV2": "s3:ListBucket"}


def iam_action(resource: str) -> str:
    service, action = resource.split(":::")[1].removeprefix("aws-sdk:").split(":")[:2]
    action = action.split(".")[0]
    name = f"{IAM_PREFIX.get(service, service)}:{action[0].upper()}{action[1:]}"
    return IAM_ACTION.get(name, name)


@pytest.mark.parametrize("workflow", ["pipeline", "prepare", "train", "recommend", "load", "clean-up"])
def test_a_workflows_role_may_do_what_its_states_call_and_nothing_else(
    assembly: Assembly, workflow: str
) -> None:
    called = {iam_action(task["Resource"]) for task in tasks(assembly.definition(workflow))}
    stack = {"prepare": "preparation", "train": "training", "recommend": "publishing", "pipeline": "pipeline"}
    stack |= {"load": "analytics", "clean-up": "pipeline"}
    role = f"{stack[workflow]}/{''.join(map(str.capitalize, workflow.split('-')))}Role"
    allowed = {
        action
        for key, statement in identity_statements(assembly)
        if key.startswith(role)
        for action in listed(statement["Action"])
    }
    assert called <= allowed
    # What belongs to a call without being it: `.sync`, Distributed Map, exports, roles, keys, logs, traces.
    beside = re.compile(
        r"^(glue:(GetJobRuns?|BatchStopJobRun)|states:(StartExecution|DescribeExecution|StopExecution)|events:.*"
        r"|s3:(ListBucket|PutObject|PutObjectAcl|AbortMultipartUpload)|kms:.*|iam:PassRole|logs:.*|xray:.*)$"
    )
    assert {action for action in allowed - called if not beside.match(action)} == set()


def test_role_arns_in_definitions_are_passable(assembly: Assembly) -> None:
    for workflow in ("train", "recommend"):
        passed = set(re.findall(r'"RoleArn":\s*"([^"]+)"', json.dumps(assembly.definition(workflow))))
        assert passed == {assembly.settings.names.personalize_role_arn}, workflow


def scheduled(assembly: Assembly, name: str) -> dict[str, Any]:
    found = {s["Name"]: s for _, s in assembly.properties("AWS::Scheduler::Schedule")}
    training = assembly.settings.schedule.training
    assert set(found) == set(assembly.settings.names.schedules) - (
        set() if training else {assembly.settings.names.training_schedule}
    )
    return found[name]


def test_the_clean_up_has_a_schedule_of_its_own_with_the_same_care(assembly: Assembly) -> None:
    schedule = scheduled(assembly, assembly.settings.names.clean_up_schedule)
    assert schedule["ScheduleExpression"] == assembly.settings.clean_up.expression
    assert schedule["ScheduleExpressionTimezone"] == assembly.settings.schedule.time_zone
    assert schedule["Target"]["Arn"] != scheduled(assembly, assembly.settings.names.schedule)["Target"]["Arn"]
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 5
    assert "DeadLetterConfig" in schedule["Target"]


def test_the_schedule_starts_the_pipeline_in_its_time_zone_with_retries_and_dead_letters(
    assembly: Assembly,
) -> None:
    schedule = scheduled(assembly, assembly.settings.names.schedule)
    assert schedule["ScheduleExpression"] == assembly.settings.schedule.expression
    assert schedule["ScheduleExpressionTimezone"] == assembly.settings.schedule.time_zone
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 5
    assert "DeadLetterConfig" in schedule["Target"]
    assert json.loads(schedule["Target"]["Input"]) == {
        "mode": "auto",
        "scheduled_time": "<aws.scheduler.scheduled-time>",
    }


def test_every_alarm_says_what_to_do(assembly: Assembly) -> None:
    alarms = assembly.properties("AWS::CloudWatch::Alarm")
    assert len(alarms) == 7 + 1 + len(FUNCTIONS) + 1 + 1 + 3 + 2
    for key, alarm in alarms:
        assert len(alarm["AlarmDescription"]) > 40, key
        assert len(alarm.get("AlarmActions", [])) <= 1, key


def test_one_failed_run_sends_one_mail(assembly: Assembly) -> None:
    """A run that fails notifies by itself; alarms mail for what can't, and for what is no part of a run."""
    prefix = assembly.settings.names.prefix
    alarms = [alarm for _, alarm in assembly.properties("AWS::CloudWatch::Alarm")]
    mailing = {a["AlarmName"].removeprefix(f"{prefix}-"): a for a in alarms if a.get("AlarmActions")}
    assert set(mailing) == {
        "pipeline-unfinished",
        "pipeline-late",
        "clean-up-unfinished",
        "forget-unfinished",
        "get-recommendations-errors",
        "record-events-errors",
        "request-forgetting-errors",
        "schedule-undelivered",
        "api-errors",
        "answers-degraded",
        "impressions-dropped",
        "impressions-unrecorded",
        "answers-slow",
        "reads-throttled",
    }
    watched = {m["MetricStat"]["Metric"]["MetricName"] for m in mailing["pipeline-unfinished"]["Metrics"][1:]}
    assert watched == {"ExecutionsTimedOut", "ExecutionsAborted"}
    notified = assembly.definition("pipeline")["States"]
    assert {c["Next"] for c in notified["RunRecommend"]["Catch"]} == {"ExplainFailure"}
    assert notified["ExplainFailure"]["Next"] == "NotifyFailure"


def test_a_late_run_breaches_when_there_is_no_data(assembly: Assembly) -> None:
    name = assembly.settings.names.of("pipeline-late")
    ((_, alarm),) = [
        (k, a) for k, a in assembly.properties("AWS::CloudWatch::Alarm") if a["AlarmName"] == name
    ]
    assert alarm["TreatMissingData"] == "breaching"
    period = alarm["Metrics"][1]["MetricStat"]["Period"]
    assert alarm["EvaluationPeriods"] * period == assembly.settings.schedule.late_after * 3600


def test_alarms_watch_names_that_exist(assembly: Assembly) -> None:
    text = json.dumps([properties for _, properties in assembly.properties("AWS::CloudWatch::Alarm")])
    watched = set(re.findall(r'"Name": "FunctionName", "Value": "([^"]+)"', text))
    assert watched == {assembly.settings.names.function(name) for name in FUNCTIONS}
    queues = {properties["QueueName"] for _, properties in assembly.properties("AWS::SQS::Queue")}
    assert set(re.findall(r'"Name": "QueueName", "Value": "([^"]+)"', text)) <= queues


def test_schemas_are_named_by_version_and_have_the_configured_fields(assembly: Assembly) -> None:
    schemas = {p["Name"]: json.loads(p["Schema"]) for _, p in assembly.properties("AWS::Personalize::Schema")}
    names = assembly.settings.names
    assert set(schemas) == {names.schema(dataset) for dataset in ("interactions", "users", "items")}
    interactions = [field["name"] for field in schemas[names.schema("interactions")]["fields"]]
    assert interactions == ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
    users = schemas[names.schema("users")]["fields"]
    assert users[1] == {"name": "AGE", "type": ["null", "string"], "categorical": True}
    items = {field["name"]: field for field in schemas[names.schema("items")]["fields"]}
    # Personalize infers one that is missing.
    assert items["CREATION_TIMESTAMP"]["type"] == ["null", "long"]


def test_an_email_address_is_subscribed_only_where_there_is_one(assembly: Assembly) -> None:
    emails = [p["Endpoint"] for _, p in assembly.properties("AWS::SNS::Subscription")]
    assert emails == [email for email in [assembly.settings.alerts.email] if email]


def test_the_warehouse_has_a_highest_cost_and_a_longest_query(assembly: Assembly) -> None:
    analytics = assembly.settings.analytics
    ((_, workgroup),) = assembly.properties("AWS::RedshiftServerless::Workgroup")
    assert workgroup["MaxCapacity"] == analytics.max_capacity_rpu >= workgroup["BaseCapacity"]
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in workgroup["ConfigParameters"]}
    assert parameters == {
        "require_ssl": "true",
        "max_query_execution_time": str(analytics.max_query_seconds),
    }


def test_the_late_alarm_gives_each_hour_its_point(assembly: Assembly) -> None:
    """Else CloudWatch looks further back than the periods for points, and finds an old success."""
    name = assembly.settings.names.of("pipeline-late")
    ((_, alarm),) = [
        (k, a) for k, a in assembly.properties("AWS::CloudWatch::Alarm") if a["AlarmName"] == name
    ]
    expressions = [metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric]
    assert expressions == ["FILL(succeeded, 0)"]
    assert alarm["EvaluationPeriods"] == assembly.settings.schedule.late_after
    assert alarm["TreatMissingData"] == "breaching"


def test_a_schedule_too_rare_for_an_alarm_has_none_and_no_run_turns_one_on() -> None:
    for schedule in ({"expression": "cron(0 3 ? * MON *)"}, {"enabled": False}):
        settings = example.settings(schedule=schedule)
        watched = alarms.watched(settings, functions=[])
        assert settings.names.late_alarm not in {settings.names.of(one.slug) for one in watched}
        states = definitions(settings)["pipeline"]["States"]
        assert "WatchLateness" not in states and states["RecordWatermark"]["Next"] in states
        granted = json.dumps(
            [one.to_statement_json() for one in pipeline.statements(settings, key_arn="arn")]
        )
        assert "EnableAlarmActions" not in granted
    daily = example.settings()
    assert "pipeline-late" in {one.slug for one in alarms.watched(daily, functions=[])}


def test_the_budget_mails_at_each_share_and_when_the_month_is_forecast_to_reach_the_last(
    assembly: Assembly,
) -> None:
    [(_, budget)] = assembly.properties("AWS::Budgets::Budget")
    given = assembly.settings.budget
    assert budget["Budget"]["BudgetLimit"] == {"Amount": given.monthly_usd, "Unit": "USD"}
    assert budget["Budget"]["TimeUnit"] == "MONTHLY"
    told = [
        (row["Notification"]["NotificationType"], row["Notification"]["Threshold"])
        for row in budget["NotificationsWithSubscribers"]
    ]
    assert told == [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    mailed = {row["Subscribers"][0]["Address"] for row in budget["NotificationsWithSubscribers"]}
    assert mailed == {given.email or assembly.settings.alerts.email}
