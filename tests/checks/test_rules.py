# mypy: disable-error-code="misc"
# (it infers no lambda that has defaults)
"""Every rule has a change of the shipped templates that it notices."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import checks
from checks.assembly import Assembly
from checks.catalogue import QUICK, Family, check, rules
from checks.rules import code
from tests.mutations.mutation import Template, known, shipped, with_template

Change = Callable[[Template], Any]
LONG_NAME = "{% $job_name & '-' & $states.context.Execution.Name %}"
NOBODY = "arn:aws:iam::111111111111:role/nobody"
# Others are covered elsewhere: cfn-lint's, cdk-nag's, acknowledgements.
_FAMILIES = (
    *"iam workflow service reference code data network personalize".split(),
    *"dataset pitfall replacement retained store tls value warehouse".split(),
)
# Names in the sources that look like rules and are not.
_NO_RULES = {"personalize-runtime", "service-quotas"}
# What isn't of a template: see test_tls.py, test_warehouse.py.
_OF_PROJECT = {"tls-source", "warehouse-public"}


def properties(template: Template, beginning: str) -> dict[str, Any]:
    """Of the resource with this logical id, up to CDK's hash."""
    found = sorted(
        (i for i in template["Resources"] if re.fullmatch(rf"{beginning}([0-9A-F]{{8}})?", i)), key=len
    )
    assert found, beginning
    return dict.__getitem__(template["Resources"][found[0]], "Properties")


def logical(template: Template, kind: str) -> str:
    return next(name for name, one in template["Resources"].items() if one["Type"] == kind)


def first(template: Template, kind: str) -> dict[str, Any]:
    return next(r["Properties"] for r in template["Resources"].values() if r["Type"] == kind)


def role(name: str, change: Callable[[list[dict[str, Any]]], Any]) -> Change:
    return lambda t: change(properties(t, name)["Policies"][0]["PolicyDocument"]["Statement"])


def conditioned(condition: dict[str, Any]) -> Callable[[list[dict[str, Any]]], Any]:
    """Of the role's first statement."""
    return lambda s: s[0].update(Condition=condition)


DENY = {
    "Effect": "Deny",
    "Action": "*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
}


def definition(name: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    """Works on a definition without intrinsic functions, as the shipped ones are."""

    def changed(template: Template) -> None:
        machine = properties(template, name)
        parsed = json.loads(machine["DefinitionString"])
        change(parsed)
        machine["DefinitionString"] = json.dumps(parsed)

    return changed


def landing(columns: dict[str, dict[str, str]]) -> Change:
    """Other columns of users and items than the configuration's."""
    return lambda t: properties(t, "LoadWarehouseFunction")["Environment"]["Variables"].update(
        WAREHOUSE_COLUMNS=json.dumps(columns)
    )


def solution(change: Callable[[dict[str, Any]], Any]) -> Change:
    """One of the items of TrainSolutions."""
    return definition("TrainStateMachine", lambda d: change(d["States"]["TrainSolutions"]["Items"][0]))


def in_map(
    outer: str, state: str, change: Callable[[dict[str, Any]], Any]
) -> Callable[[dict[str, Any]], Any]:
    return lambda d: change(d["States"][outer]["ItemProcessor"]["States"][state])


def importing(state: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    return definition("TrainStateMachine", in_map("ImportDatasets", state, change))


def inferring(state: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    return definition("RecommendStateMachine", in_map("InferLists", state, change))


def batch_failed(change: Callable[[dict[str, Any]], Any]) -> Change:
    """The state that notes why a batch of files was not published: a Map within a Map."""

    def inside(definition_: dict[str, Any]) -> None:
        lists = definition_["States"]["PublishLists"]["ItemProcessor"]["States"]
        change(lists["PublishFiles"]["ItemProcessor"]["States"]["PublishFilesBatchFailed"])

    return definition("RecommendStateMachine", inside)


def without_choice(condition: str) -> Callable[[dict[str, Any]], Any]:
    return lambda s: s.update(Choices=[c for c in s["Choices"] if condition not in c["Condition"]])


def without_auto_training(state: dict[str, Any]) -> None:
    """The arguments are one expression: without the key, Personalize trains by itself."""
    state["Arguments"] = state["Arguments"].replace("'PerformAutoTraining': $solution.automatic, ", "")


def without_catch(machine: dict[str, Any]) -> None:
    del machine["States"]["ImportDatasets"]["Catch"]


def added(kind: str, given: dict[str, Any]) -> Change:
    return lambda t: t["Resources"].update(Added={"Type": kind, "Properties": given})


def alone(template: Template) -> None:
    """A database that nobody but its administrator's templates know: no Data API, a group of its own."""
    database = first(template, "AWS::RDS::DBCluster")
    database["EnableHttpEndpoint"] = False
    group = {"GroupDescription": "x", "VpcId": "<Vpc8378EB38>", "SecurityGroupIngress": []}
    template["Resources"]["Alone"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": group}
    database["VpcSecurityGroupIds"] = [{"Ref": "Alone"}]


CASES: dict[str, tuple[str, Change]] = {
    "dataset-fields": (
        "Pipeline",
        definition("PipelineStateMachine", lambda d: d["States"]["CheckFields"]["Items"][1]["fields"].pop()),
    ),
    "iam-action": ("Training", role("TrainRole", lambda s: s[0].update(Action="personalize:Imports"))),
    "iam-condition": ("Training", role("TrainRole", lambda s: [x.pop("Condition", None) for x in s])),
    "iam-administrator": (
        "Training",
        lambda t: properties(t, "TrainRole").update(
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]
        ),
    ),
    "iam-condition-key": (
        "Training",
        role("TrainRole", conditioned({"StringEquals": {"aws:SourceAcount": "111111111111"}})),
    ),
    "iam-condition-operator": (
        "Training",
        role("TrainRole", conditioned({"StringIs": {"aws:username": "x"}})),
    ),
    "iam-denied": ("Training", role("TrainRole", lambda s: s.append(DENY))),
    "iam-managed-policy": (
        "Training",
        lambda t: properties(t, "TrainRole").update(
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"]
        ),
    ),
    "iam-never": (
        "Training",
        role("TrainRole", conditioned({"StringEquals": {"aws:RequestedRegion": "us-east-1"}})),
    ),
    "iam-confused-deputy": (
        "Training",
        lambda t: properties(t, "TrainRole")["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition"),
    ),
    "iam-every-action": ("Training", role("TrainRole", lambda s: s[0].update(Action="personalize:*"))),
    "iam-every-resource": ("Training", role("TrainRole", lambda s: s[0].update(Resource="*"))),
    "iam-missing": ("Training", role("TrainRole", lambda s: s.pop(2))),
    "iam-no-role": ("Serving", lambda t: properties(t, "GetRecommendationsFunction").update(Role=NOBODY)),
    "iam-pass-role": (
        "Training",
        role("TrainRole", lambda s: s.remove(next(x for x in s if "Pass" in str(x)))),
    ),
    "iam-policy-size": (
        "Training",
        role(
            "TrainRole",
            lambda s: s[0].update(Resource=[f"arn:aws:personalize:r:1:x/{n}" for n in range(400)]),
        ),
    ),
    "iam-recorded": (
        "Training",
        role("JudgeSolutionVersionRole", lambda s: s.remove(next(x for x in s if "GetItem" in str(x)))),
    ),
    "iam-resource": ("Training", role("TrainRole", lambda s: s[0].update(Resource="personalize"))),
    "iam-trust": (
        "Training",
        lambda t: properties(t, "TrainRole")["AssumeRolePolicyDocument"]["Statement"][0].update(
            Principal={"Service": "ec2.amazonaws.com"}
        ),
    ),
    "iam-trust-account": (
        "Training",
        lambda t: properties(t, "TrainRole")["AssumeRolePolicyDocument"]["Statement"].append(
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
            }
        ),
    ),
    "iam-trust-all": (
        "Training",
        lambda t: properties(t, "TrainRole")["AssumeRolePolicyDocument"]["Statement"][0].update(
            Principal={"AWS": "*"}
        ),
    ),
    "iam-unused": ("Training", role("TrainRole", lambda s: s[0].update(Action="personalize:DeleteSolution"))),
    "workflow-arguments": ("Training", importing("CreateImport", lambda s: s["Arguments"].pop("JobName"))),
    "workflow-catch": ("Training", definition("TrainStateMachine", without_catch)),
    "workflow-default": ("Training", importing("ImportStatus", lambda s: s.pop("Default"))),
    "workflow-error-name": (
        "Training",
        importing("CreateImport", lambda s: s["Retry"][0].update(ErrorEquals=["Personalize.Busy"])),
    ),
    "workflow-expression": (
        "Training",
        importing("CreateImport", lambda s: s["Arguments"].update(JobName="{% $jobname %}")),
    ),
    "workflow-integration": (
        "Training",
        importing("CreateImport", lambda s: s.update(Resource=s["Resource"] + "s")),
    ),
    "workflow-jitter": ("Training", importing("CreateImport", lambda s: s["Retry"][0].pop("JitterStrategy"))),
    "workflow-loop-failure": ("Training", importing("ImportStatus", without_choice("CREATE FAILED"))),
    "workflow-loop-limit": ("Training", importing("ImportStatus", without_choice("$millis()"))),
    "workflow-loop-status": ("Training", importing("ImportStatus", without_choice("ACTIVE"))),
    "workflow-history": (
        "Training",
        # A poll a second: twelve hours are 43,200 of them.
        importing("WaitImport", lambda s: s.update(Seconds=1)),
    ),
    "workflow-wait": ("Training", importing("WaitImport", lambda s: s.update(Seconds=0))),
    "workflow-repeated": ("Training", importing("CreateImport", lambda s: s.pop("Catch"))),
    "workflow-result": (
        "Training",
        importing("DescribeImport", lambda s: s.update(Output="{% $states.result.ImportJob.Status %}")),
    ),
    "workflow-retry": ("Training", importing("CreateImport", lambda s: s.pop("Retry"))),
    "workflow-structure": ("Training", importing("CreateImport", lambda s: s.update(Next="Nowhere"))),
    "workflow-timeout": ("Training", definition("TrainStateMachine", lambda d: d.pop("TimeoutSeconds"))),
    "workflow-token": (
        "Pipeline",
        definition("PipelineStateMachine", lambda d: d["States"]["RunTrain"]["Arguments"].pop("Name")),
    ),
    "workflow-type": (
        "Training",
        lambda t: properties(t, "TrainStateMachine").update(StateMachineType="EXPRESS"),
    ),
    "workflow-unreached": (
        "Pipeline",
        definition("PipelineStateMachine", lambda d: d["States"]["RunPrepare"].update(Next="RunRecommend")),
    ),
    "workflow-values": (
        "Training",
        importing(
            "CreateImport",
            lambda s: s["Arguments"].update(JobName=LONG_NAME),
        ),
    ),
    "workflow-variable": (
        "Training",
        importing("ImportAgain", lambda s: s["Assign"].update(attempts=s["Assign"].pop("attempt"))),
    ),
    "service-access": (
        "Storage",
        lambda t: properties(t, "ResultsPolicy")["PolicyDocument"]["Statement"].pop(),
    ),
    "service-confused-deputy": (
        "Storage",
        lambda t: properties(t, "ResultsPolicy")["PolicyDocument"]["Statement"][-1].pop("Condition"),
    ),
    "service-integration": (
        "Serving",
        lambda t: first(t, "AWS::ApiGateway::Method")["Integration"].update(Type="AWS_PROXY", Uri="x"),
    ),
    "service-invocation": (
        "Serving",
        lambda t: [
            t["Resources"].pop(i)
            for i in [i for i, r in t["Resources"].items() if r["Type"] == "AWS::Lambda::Permission"]
        ],
    ),
    "service-key-owner": ("Storage", lambda t: first(t, "AWS::KMS::Key")["KeyPolicy"]["Statement"].pop(0)),
    "service-method": (
        "Serving",
        lambda t: first(t, "AWS::ApiGateway::Method").update(AuthorizationType="NONE"),
    ),
    "service-public": (
        "Storage",
        lambda t: properties(t, "RawPolicy")["PolicyDocument"]["Statement"].append(
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
        ),
    ),
    "service-tls": ("Storage", lambda t: properties(t, "RawPolicy")["PolicyDocument"]["Statement"].pop(0)),
    "service-tls-version": (
        "Storage",
        lambda t: properties(t, "RawPolicy")["PolicyDocument"]["Statement"].pop(1),
    ),
    "reference-arn": (
        "Training",
        role(
            "TrainRole",
            lambda s: s[0].update(Resource="arn:aws:glue:ap-northeast-1:111111111111:job/osusume-dev-x"),
        ),
    ),
    "reference-bucket": (
        "Training",
        role("PersonalizeRole", lambda s: s[0].update(Resource="arn:aws:s3:::osusume-dev-rwa")),
    ),
    "reference-name": (
        "Preparation",
        lambda t: properties(t, "BuildDatasetsJob").update(SecurityConfiguration="osusume-dev-glu"),
    ),
    "reference-parameter": (
        "Storage",
        lambda t: first(t, "AWS::SSM::Parameter").update(Name="/osusume/dev/storage/key"),
    ),
    "reference-target": ("Storage", lambda t: properties(t, "RawPolicy").update(Bucket={"Ref": "Rwa"})),
    "reference-value": (
        "Serving",
        lambda t: properties(t, "GetRecommendationsFunction")["Environment"]["Variables"].update(
            RECOMMENDATIONS_TABLE="osusume-dev-recommendation"
        ),
    ),
    "code-arguments": (
        "Preparation",
        lambda t: properties(t, "BuildDatasetsJob")["DefaultArguments"].pop("--raw_bucket"),
    ),
    "code-environment": (
        "Serving",
        lambda t: properties(t, "GetRecommendationsFunction")["Environment"]["Variables"].pop(
            "RECOMMENDATIONS_TABLE"
        ),
    ),
    "code-environment-size": (
        "Training",
        lambda t: properties(t, "JudgeSolutionVersionFunction")["Environment"]["Variables"].update(
            RULES=json.dumps({"personal": {"floors": {}, "why": "x" * 4_000}})
        ),
    ),
    "code-event": (
        "Pipeline",
        definition("PipelineStateMachine", lambda d: d["States"]["PlanRun"]["Arguments"].pop("Payload")),
    ),
    "code-handler": (
        "Serving",
        lambda t: properties(t, "GetRecommendationsFunction").update(Handler="lambdas.x.y.z"),
    ),
    "code-layers": ("Analytics", lambda t: properties(t, "RunDbtFunction")["Layers"].pop()),
    "code-package": (
        "Preparation",
        lambda t: properties(t, "BuildDatasetsJob")["DefaultArguments"].pop("--extra-py-files"),
    ),
    "code-runtime": (
        "Serving",
        lambda t: properties(t, "GetRecommendationsFunction").update(Runtime="python3.12"),
    ),
    "code-spark-region": (
        "Publishing",
        lambda t: properties(t, "PostprocessRecommendationsJob")["DefaultArguments"].update(
            {"--conf": "spark.hadoop.fs.s3a.endpoint.region=us-east-2"}
        ),
    ),
    "tls-template": (
        "Analytics",
        lambda t: first(t, "AWS::RedshiftServerless::Workgroup").pop("ConfigParameters"),
    ),
    "code-script": (
        "Preparation",
        lambda t: properties(t, "BuildDatasetsJob").update(Command={"Name": "glueetl"}),
    ),
    "data-attribute": (
        "Pipeline",
        definition(
            "PipelineStateMachine",
            lambda d: d["States"]["RecordWatermark"]["Arguments"]["Item"].pop("log_exported_until"),
        ),
    ),
    "data-copy-role": ("Analytics", lambda t: properties(t, "WarehouseNamespace").update(IamRoles=[NOBODY])),
    "data-dead-letters": (
        "Pipeline",
        lambda t: first(t, "AWS::Scheduler::Schedule")["Target"].pop("DeadLetterConfig"),
    ),
    "data-export": (
        "Sources",
        lambda t: properties(t, "ApplicationLog").pop("PointInTimeRecoverySpecification"),
    ),
    "data-expression": (
        "Pipeline",
        definition(
            "PipelineStateMachine",
            lambda d: d["States"]["AcquireLock"]["Arguments"]["ExpressionAttributeValues"].pop(":me"),
        ),
    ),
    "data-input": ("Pipeline", lambda t: first(t, "AWS::Scheduler::Schedule")["Target"].update(Input="auto")),
    "data-key": (
        "Pipeline",
        definition(
            "PipelineStateMachine",
            lambda d: (
                d["States"]["RecordRun"]["Arguments"]["Item"]["pk"].update(N="1")
                or d["States"]["RecordRun"]["Arguments"]["Item"]["pk"].pop("S")
            ),
        ),
    ),
    "data-object": ("Publishing", batch_failed(lambda s: s["Arguments"].pop("Body"))),
    "data-schedule": (
        "Pipeline",
        lambda t: first(t, "AWS::Scheduler::Schedule").update(ScheduleExpression="daily"),
    ),
    "network-endpoint": (
        "Network",
        lambda t: properties(t, "VpcSecretsManagerSecurityGroup").pop("SecurityGroupIngress"),
    ),
    "network-acl": (
        "Network",
        lambda t: t["Resources"].update(
            Closed={
                "Type": "AWS::EC2::NetworkAclEntry",
                "Properties": {
                    "NetworkAclId": {"Fn::GetAtt": [logical(t, "AWS::EC2::VPC"), "DefaultNetworkAcl"]},
                    "RuleNumber": 50,
                    "Protocol": 6,
                    "RuleAction": "deny",
                    "Egress": True,
                    "CidrBlock": "0.0.0.0/0",
                    "PortRange": {"From": 443, "To": 443},
                },
            }
        ),
    ),
    "network-policy": (
        "Network",
        lambda t: properties(t, "VpcS3").update(
            PolicyDocument={
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": "arn:aws:s3:::other/*",
                    }
                ]
            }
        ),
    ),
    "network-path": (
        "Network",
        lambda t: [
            t["Resources"].pop(i)
            for i in [i for i, r in t["Resources"].items() if r["Type"] == "AWS::EC2::SecurityGroupEgress"]
        ],
    ),
    "network-route": (
        "Network",
        lambda t: [
            t["Resources"].pop(i) for i in list(t["Resources"]) if "NATGateway" in i or "DefaultRoute" in i
        ],
    ),
    "network-unreachable": ("Sources", alone),
    "network-vpc": (
        "Analytics",
        lambda t: t["Resources"].update(
            Rule={
                "Type": "AWS::EC2::SecurityGroupIngress",
                "Properties": {
                    "GroupId": "sg-0123456789abcdef0",
                    "SourceSecurityGroupId": first(t, "AWS::RedshiftServerless::Workgroup")[
                        "SecurityGroupIds"
                    ][0],
                    "IpProtocol": "tcp",
                },
            }
        ),
    ),
    "network-refused": ("Network", lambda t: first(t, "AWS::EC2::VPC").update(EnableDnsSupport=False)),
    "network-zones": (
        "Analytics",
        lambda t: properties(t, "WarehouseWorkgroup").update(SubnetIds=["a", "b"]),
    ),
    "personalize-auto-training": (
        "Training",
        definition(
            "TrainStateMachine",
            in_map("TrainSolutions", "CreateSolution", without_auto_training),
        ),
    ),
    "personalize-batch": (
        "Publishing",
        inferring("CreateInference", lambda s: s["Arguments"].update(NumResults=501)),
    ),
    "personalize-columns": (
        "Training",
        lambda t: properties(t, "UsersSchemaV1").update(
            Schema=properties(t, "UsersSchemaV1")["Schema"].replace("AGE", "YEARS")
        ),
    ),
    "personalize-dataset": (
        "Training",
        lambda t: properties(t, "UsersDataset").update(DatasetType="Items"),
    ),
    "personalize-events": (
        "Training",
        solution(
            lambda i: i["create"]["SolutionConfig"]["EventsConfig"]["EventParametersList"][0].update(
                Weight=1.5
            )
        ),
    ),
    "personalize-filter": (
        "Training",
        added(
            "AWS::Personalize::Filter",
            {"Name": "f", "DatasetGroupArn": "x", "FilterExpression": "INCLUDE ItemID WHERE Items.NONE = 1"},
        ),
    ),
    "personalize-hyperparameter": (
        "Training",
        solution(lambda i: i["create"]["SolutionConfig"].update(AlgorithmHyperParameters={"depth": "3"})),
    ),
    "personalize-name": (
        "Training",
        lambda t: first(t, "AWS::Personalize::Schema").update(Name="a name"),
    ),
    "personalize-path": (
        "Publishing",
        inferring(
            "CreateInference",
            lambda s: s["Arguments"]["JobOutput"]["S3DataDestination"].update(Path="s3://osusume-dev-x/y"),
        ),
    ),
    "personalize-recipe": (
        "Training",
        solution(lambda i: i["create"].update(RecipeArn="arn:aws:personalize:::recipe/aws-best")),
    ),
    "personalize-schema": ("Training", lambda t: first(t, "AWS::Personalize::Schema").update(Schema="{")),
    "pitfall-api-account-role": (
        "Serving",
        lambda t: [
            t["Resources"].pop(i)
            for i in [i for i, r in t["Resources"].items() if r["Type"] == "AWS::ApiGateway::Account"]
        ],
    ),
    "pitfall-export": (
        "Storage",
        lambda t: t.update(Outputs={"Key": {"Value": "x", "Export": {"Name": "key"}}}),
    ),
    "pitfall-import": (
        "Storage",
        lambda t: properties(t, "RawPolicy").update(Bucket={"Fn::ImportValue": "raw"}),
    ),
    "pitfall-personalize-tags": (
        "Training",
        lambda t: first(t, "AWS::Personalize::DatasetGroup").update(Tags=[{"Key": "a", "Value": "b"}]),
    ),
    "pitfall-size": ("Storage", lambda t: t.update(Description="x" * 1_000_001)),
    "pitfall-zone": ("Network", lambda t: first(t, "AWS::EC2::Subnet").update(AvailabilityZone="dummy1a")),
    "replacement": ("Storage", lambda t: properties(t, "Control").update(TableName="control")),
    "time-to-live": (
        "Storage",
        lambda t: properties(t, "Control")["TimeToLiveSpecification"].update(AttributeName="other"),
    ),
    "retained-name": (
        "Preparation",
        lambda t: t["Resources"]["Security2D46CA7F"].update(DeletionPolicy="Retain"),
    ),
    "retained-protected": (
        "Storage",
        lambda t: properties(t, "Control").update(DeletionProtectionEnabled=True),
    ),
    "store-reader": ("Storage", lambda t: properties(t, "Control").update(TableName="osusume-dev-other")),
    "store-writer": (
        "Storage",
        added("AWS::Logs::LogGroup", {"LogGroupName": "/aws/lambda/osusume-dev-nothing"}),
    ),
    "value-excludes": ("Preparation", lambda t: first(t, "AWS::Glue::Job").update(MaxCapacity=2)),
    "value-needs": ("Preparation", lambda t: first(t, "AWS::Glue::Job").pop("NumberOfWorkers")),
    "value-order": (
        "Analytics",
        lambda t: first(t, "AWS::RedshiftServerless::Workgroup").update(BaseCapacity=128),
    ),
    "value-range": (
        "Pipeline",
        lambda t: first(t, "AWS::Scheduler::Schedule").update(ScheduleExpressionTimezone="Asia/Tokio"),
    ),
    "value-zones": (
        "Network",
        lambda t: properties(t, "VpcPrivateSubnet2Subnet").update(AvailabilityZone="ap-northeast-1a"),
    ),
    "warehouse-copy-role": (
        "Analytics",
        lambda t: properties(t, "CopyRole")["AssumeRolePolicyDocument"]["Statement"][0].update(
            Condition={"StringEquals": {"aws:SourceAccount": "111111111111"}}
        ),
    ),
    "warehouse-limits": (
        "Analytics",
        lambda t: first(t, "AWS::RedshiftServerless::Workgroup").pop("MaxCapacity"),
    ),
    "warehouse-load": ("Analytics", landing({"users": {"user_id": "varchar(9)"}})),
    "warehouse-sql": (
        "Analytics",
        landing({"users": {"user_id": "raw"}, "items": {"item_id": "varchar(9)"}}),
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_the_rule_notices_what_it_is_for(rule: str) -> None:
    stack, change = CASES[rule]
    template = copy.deepcopy(shipped().templates[stack])
    change(template)
    assert template != shipped().templates[stack]
    changed = with_template(shipped(), stack, template)
    assert rule in {f.rule for f in check(changed, families_of(rule)) if f not in known()}


ANYBODYS = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke"}


def opened(method: str, kind: str) -> Change:
    """A method of the API without authorization."""
    options = {"HttpMethod": method, "AuthorizationType": "NONE"}
    return lambda t: first(t, "AWS::ApiGateway::Method").update(options, Integration={"Type": kind})


def policed(route: str) -> Change:
    """The API's policy lets anybody call a route."""
    policy = {"Statement": [{**ANYBODYS, "Resource": [f"execute-api:/live/{route}"]}]}
    return lambda t: first(t, "AWS::ApiGateway::RestApi").update(Policy=policy)


@pytest.mark.parametrize(
    ("change", "rule", "noticed"),
    [
        (opened("OPTIONS", "MOCK"), "service-method", False),
        (opened("OPTIONS", "HTTP_PROXY"), "service-method", True),
        (opened("GET", "MOCK"), "service-method", True),
        (policed("OPTIONS/v1/popular"), "service-public", False),
        (policed("GET/v1/popular"), "service-public", True),
        (policed("*/OPTIONS/v1/popular"), "service-public", True),
        (policed("GET/v1/live/OPTIONS/popular"), "service-public", True),
        (policed("*"), "service-public", True),
    ],
)
def test_preflights_alone_may_be_anybodys_and_a_mock_answers_them(
    change: Change, rule: str, noticed: bool
) -> None:
    template = copy.deepcopy(shipped().templates["Serving"])
    change(template)
    found = check(with_template(shipped(), "Serving", template), families_of(rule))
    assert (rule in {one.rule for one in found if one not in known()}) == noticed


def families_of(rule: str) -> tuple[Family, ...]:
    """The one whose rule it is; looking with all of them for each case is what `make mutations` does."""
    return tuple(family for family in QUICK if rule in {one.id for one in family.rules}) or QUICK


@cache
def _with_manifest(change: str) -> Assembly:
    manifest = copy.deepcopy(shipped().manifest)
    if change == "missing":
        manifest["missing"] = [{"key": "vpc-provider:x"}]
    else:
        manifest["artifacts"]["Sources"]["dependencies"].remove("Network")
    return replace(shipped(), manifest=manifest)


@pytest.mark.parametrize(("change", "rule"), [("missing", "pitfall-look-up"), ("order", "reference-order")])
def test_the_manifest_is_read_too(change: str, rule: str) -> None:
    found = {f.rule for f in check(_with_manifest(change), QUICK) if f not in known()}
    assert rule in found


def written() -> set[str]:
    """Rules that the sources give to findings."""
    found: set[str] = set()
    for source in (Path(checks.__file__ or "").parent).rglob("*.py"):
        found |= set(re.findall(rf'"((?:{"|".join(_FAMILIES)})-[a-z-]+)"', source.read_text()))
    return found - _NO_RULES


# What is compared with the baseline.
_OF_BASELINE = {"replacement", "time-to-live"}


def test_every_rule_in_the_sources_has_its_case() -> None:
    assert written() - {"pitfall-look-up", "reference-order"} - _OF_PROJECT - set(CASES) == set()
    assert set(CASES) - written() - _OF_BASELINE == set()


def test_the_catalogue_has_every_rule_and_no_other() -> None:
    # No shipped environment has QuickSight: tests/dashboards/test_quicksight_checks.py plants a fault for each rule.
    own = {name for name in rules() if not name.endswith("*") and not name.startswith("quicksight-")}
    assert own == written() | _OF_BASELINE
    cased = set(CASES) | _OF_PROJECT | {"pitfall-look-up", "reference-order"}
    assert own == cased, "a rule that no case shows is not in the catalogue"


def test_every_entry_of_the_catalogue_says_what_fails_the_cure_and_who_says_so() -> None:
    for rule in rules().values():
        assert rule.fails.endswith(".") and rule.cure.endswith("."), rule.id
        assert len(rule.fails.split()) > 2 and len(rule.source) > 4, rule.id


def test_variables_are_measured_as_the_json_that_lambda_measures() -> None:
    """Its refusal shows the string: github-aws-runners/terraform-aws-github-runner#3594."""
    assert code._measured({"A": "x", "B": '["y"]'}) == len(r'{"A":"x","B":"[\"y\"]"}')
