"""Security properties by name, beside the snapshots: a reviewer of a diff must not be the only guard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from lambdas.get_recommendations import openapi
from stacks.parts.glue_job import LOGS
from tests.stacks.conftest import Assembly

Statement = dict[str, Any]

# Actions that AWS gives no resource for, or none that is known before.
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",  # limited by its namespace
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcEndpoints",
    "ec2:UnassignPrivateIpAddresses",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    # Service authorization reference, Amazon Personalize: no resource types.
    "personalize:ListSolutionVersions",
    "personalize:ListCampaigns",
    "personalize:ListFilters",
    "personalize:ListSolutions",
    "redshift-data:CancelStatement",
    "redshift-data:DescribeStatement",
    "redshift-data:GetStatementResult",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
ASSETS = "cdk-hnb659fds-assets"


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def identity_statements(assembly: Assembly) -> Iterator[tuple[str, Statement]]:
    """Statements of identity policies, inside of roles and beside them."""
    for key, properties in assembly.properties("AWS::IAM::Role", "AWS::IAM::Policy"):
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if "PolicyDocument" in properties:
            documents.append(properties["PolicyDocument"])
        for document in documents:
            for statement in listed(document["Statement"]):
                yield key, statement


def trust(assembly: Assembly, service: str) -> list[tuple[str, Statement]]:
    return [
        (key, statement)
        for key, properties in assembly.properties("AWS::IAM::Role")
        for statement in listed(properties["AssumeRolePolicyDocument"]["Statement"])
        if statement["Principal"].get("Service") == service
    ]


def bucket_statements(assembly: Assembly) -> Iterator[tuple[str, Statement]]:
    for key, properties in assembly.properties("AWS::S3::BucketPolicy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            yield key, statement


def test_no_bucket_can_become_public(assembly: Assembly) -> None:
    buckets = assembly.properties("AWS::S3::Bucket")
    assert len(buckets) == 3
    for key, bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, key
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4, key


def test_every_bucket_is_versioned_and_encrypted_with_the_environments_key(assembly: Assembly) -> None:
    for key, bucket in assembly.properties("AWS::S3::Bucket"):
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, key
        rule = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms", key
        assert rule["BucketKeyEnabled"] is True, key


def test_every_bucket_refuses_requests_without_tls(assembly: Assembly) -> None:
    refusing = [
        key
        for key, statement in bucket_statements(assembly)
        if statement["Effect"] == "Deny"
        and statement["Principal"] == {"AWS": "*"}
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ]
    assert len(refusing) == len(assembly.properties("AWS::S3::Bucket"))


def test_personalize_reaches_two_buckets_and_only_for_this_account(assembly: Assembly) -> None:
    allowed = {
        key: statement
        for key, statement in bucket_statements(assembly)
        if statement.get("Sid") == "Personalize"
    }
    actions = sorted(sorted(statement["Action"]) for statement in allowed.values())
    assert actions == [["s3:GetObject", "s3:ListBucket"], ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]]
    for statement in allowed.values():
        assert_own_account(assembly, statement, source=assembly.settings.names.personalize_arn("*"))


def assert_own_account(assembly: Assembly, statement: Statement, *, source: str | None = None) -> None:
    condition = statement["Condition"]
    assert condition["StringEquals"]["aws:SourceAccount"] == assembly.settings.account
    if source is not None:
        assert condition["ArnLike"]["aws:SourceArn"] == source


def test_personalizes_role_cannot_be_used_by_a_confused_deputy(assembly: Assembly) -> None:
    roles = trust(assembly, "personalize.amazonaws.com")
    assert len(roles) == 1
    assert_own_account(assembly, roles[0][1], source=assembly.settings.names.personalize_arn("*"))


def test_workflow_roles_trust_only_this_accounts_workflows(assembly: Assembly) -> None:
    roles = trust(assembly, "states.amazonaws.com")
    assert len(roles) == 7
    for _, statement in roles:
        assert_own_account(assembly, statement, source=assembly.settings.names.workflow_arn("*"))


def test_the_schedules_role_trusts_only_this_account(assembly: Assembly) -> None:
    roles = trust(assembly, "scheduler.amazonaws.com")
    assert len(roles) == 2 + bool(assembly.settings.schedule.training)  # one a target
    for _, statement in roles:
        assert_own_account(assembly, statement)


def test_the_copy_role_trusts_both_principals_of_redshift_serverless_and_asks_nothing_undocumented(
    assembly: Assembly,
) -> None:
    """Management guide, "Granting permissions to Amazon Redshift Serverless"."""
    services = {"redshift.amazonaws.com", "redshift-serverless.amazonaws.com"}
    trusting = [
        statement
        for _, properties in assembly.properties("AWS::IAM::Role")
        for statement in listed(properties["AssumeRolePolicyDocument"]["Statement"])
        if services & set(listed(statement["Principal"].get("Service")))
    ]
    assert {name for found in trusting for name in listed(found["Principal"]["Service"])} == services
    assert all("Condition" not in found for found in trusting)


def test_each_role_that_starts_statements_of_the_warehouse_describes_them(assembly: Assembly) -> None:
    """The Data API shows a statement to the IAM role that started it, and to no other."""
    roles: dict[str, set[str]] = {}
    for key, statement in identity_statements(assembly):
        found = {action for action in listed(statement["Action"]) if action.startswith("redshift-data:")}
        roles.setdefault(key, set()).update(found)
    forgetting, load = sorted((found for found in roles.values() if found), key=len)
    assert load >= {f"redshift-data:{name}" for name in ("BatchExecuteStatement", "DescribeStatement")}
    assert forgetting >= {f"redshift-data:{name}" for name in ("ExecuteStatement", "DescribeStatement")}


def test_a_role_is_passed_only_to_the_service_it_is_for(assembly: Assembly) -> None:
    passing = [
        (key, statement)
        for key, statement in identity_statements(assembly)
        if any(action.lower().startswith("iam:") for action in listed(statement["Action"]))
    ]
    assert len(passing) == 3
    for key, statement in passing:
        assert statement["Action"] == "iam:PassRole", key
        assert statement["Resource"] == assembly.settings.names.personalize_role_arn, key
        condition = {"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}}
        assert statement["Condition"] == condition, key


def test_only_actions_without_resources_are_allowed_on_everything(assembly: Assembly) -> None:
    everywhere = {
        action
        for _, statement in identity_statements(assembly)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert everywhere <= WITHOUT_RESOURCE


def test_no_action_is_a_pattern_but_on_the_deployments_own_assets(assembly: Assembly) -> None:
    for key, statement in identity_statements(assembly):
        if any("*" in action for action in listed(statement["Action"])):
            assert ASSETS in json.dumps(statement["Resource"]), (key, statement)


def test_metrics_are_put_into_one_namespace_only(assembly: Assembly) -> None:
    putting = [
        statement
        for _, statement in identity_statements(assembly)
        if "cloudwatch:PutMetricData" in listed(statement["Action"])
    ]
    assert putting
    assert {json.dumps(statement["Condition"]) for statement in putting} == {
        json.dumps({"StringEquals": {"cloudwatch:namespace": "Glue"}})
    }


def test_every_function_job_and_workflow_has_a_role_of_its_own(assembly: Assembly) -> None:
    roles = [
        f"{key.split('/')[0]}/{json.dumps(properties.get(name))}"
        for kind, name in (
            ("AWS::Lambda::Function", "Role"),
            ("AWS::Glue::Job", "Role"),
            ("AWS::StepFunctions::StateMachine", "RoleArn"),
        )
        for key, properties in assembly.properties(kind)
    ]
    assert len(roles) == 14 + 3 + 7
    assert len(set(roles)) == len(roles)


def test_every_api_method_wants_iam(assembly: Assembly) -> None:
    methods = assembly.properties("AWS::ApiGateway::Method")
    assert len(methods) == 2 * 9 + 1 + 4
    assert {method["AuthorizationType"] for _, method in methods} == {"AWS_IAM"}


def test_the_application_s_policy_calls_the_api_and_nothing_else(assembly: Assembly) -> None:
    called = callable_by(assembly, assembly.settings.names.caller_policy)
    assert called == {
        "GET/v1/users/*/recommendations",
        "GET/v1/users/*/actions",
        "GET/v1/items/*/related",
        "POST/v1/users/*/rankings",
        "GET/v1/popular",
        "GET/v1/trending",
        "POST/v1/events",
        "GET/v1/health",
    }, "nobody is forgotten by it, and no segment is read"


def test_a_service_s_policy_reads_segments_and_nothing_else(assembly: Assembly) -> None:
    assert callable_by(assembly, assembly.settings.names.service_caller_policy) == {"GET/v1/segments/*"}


def callable_by(assembly: Assembly, name: str) -> set[str]:
    """What a managed policy lets its role call of the stage: METHOD/path."""
    policies = {p["ManagedPolicyName"]: p for _, p in assembly.properties("AWS::IAM::ManagedPolicy")}
    assert len(policies) == 2
    [statement] = policies[name]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    resources = [json.dumps(one) for one in listed(statement["Resource"])]
    assert all(":execute-api:" in one for one in resources)
    return {one.rpartition("/live/")[2].split('"')[0] for one in resources}


def test_who_records_events_may_write_and_not_read(assembly: Assembly) -> None:
    actions = {
        action
        for key, statement in identity_statements(assembly)
        if key.startswith("serving/RecordEventsRole")
        for action in listed(statement["Action"])
        if action.startswith("dynamodb:")
    }
    assert actions == {"dynamodb:PutItem", "dynamodb:UpdateItem"}


def test_known_routes_validate_their_parameters(assembly: Assembly) -> None:
    gets = [
        method
        for _, method in assembly.properties("AWS::ApiGateway::Method")
        if method["HttpMethod"] == "GET"
    ]
    reading = [m for m in gets if "method.request.path.deletionId" not in m["RequestParameters"]]
    assert (len(gets), len(reading)) == (8, 7)
    assert all("RequestValidatorId" in method for method in gets)
    named = [method for method in reading if method["RequestParameters"]]
    assert len(named) == 6, "health takes none"
    lists = [m for m in named if "method.request.path.segment" not in m["RequestParameters"]]
    assert len(lists) == 5, "a segment comes by pages"
    assert all(
        method["RequestParameters"]["method.request.querystring.numResults"] is False for method in lists
    )
    [delete] = [
        method
        for _, method in assembly.properties("AWS::ApiGateway::Method")
        if method["HttpMethod"] == "DELETE"
    ]
    assert delete["RequestParameters"] == {"method.request.path.userId": True}
    assert "RequestValidatorId" in delete


def test_what_api_gateway_refuses_itself_is_problem_json(assembly: Assembly) -> None:
    responses = {r["ResponseType"]: r for _, r in assembly.properties("AWS::ApiGateway::GatewayResponse")}
    assert {"ACCESS_DENIED", "MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(responses)
    document = openapi.document()["components"]["schemas"]["Problem"]
    for kind, response in responses.items():
        header = response["ResponseParameters"]["gatewayresponse.header.Content-Type"]
        assert header == "'application/problem+json'", kind
        template = response["ResponseTemplates"]["application/json"]
        problem = json.loads(
            template.replace("$context.error.messageString", '"why"').replace("$context.requestId", "id")
        )
        assert problem["detail"] == "why", kind
        assert jsonschema.Draft202012Validator(document).is_valid(problem), kind
        assert str(problem.get("status")) == response.get("StatusCode", "None"), kind


def test_the_api_is_logged_traced_and_throttled_but_bodies_are_not_logged(assembly: Assembly) -> None:
    ((_, stage),) = assembly.properties("AWS::ApiGateway::Stage")
    (setting,) = stage["MethodSettings"]
    assert stage["TracingEnabled"] is True
    assert "DestinationArn" in stage["AccessLogSetting"]
    assert setting["DataTraceEnabled"] is False
    assert setting["ThrottlingRateLimit"] == assembly.settings.api.rate_per_second
    assert setting["ThrottlingBurstLimit"] == assembly.settings.api.burst


def test_api_gateways_account_role_outlives_the_stack(assembly: Assembly) -> None:
    ((_, account),) = assembly.resources("AWS::ApiGateway::Account")
    assert account["DeletionPolicy"] == "Retain"


def test_the_key_rotates_and_personalize_may_use_it_for_this_account_only(assembly: Assembly) -> None:
    ((_, key),) = assembly.properties("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    statements = {statement.get("Sid"): statement for statement in key["KeyPolicy"]["Statement"]}
    assert statements["PersonalizeGrants"]["Action"] == "kms:CreateGrant"
    for sid in ("Personalize", "PersonalizeGrants"):
        assert_own_account(assembly, statements[sid], source=assembly.settings.names.personalize_arn("*"))


def test_every_service_in_the_key_policy_has_a_condition(assembly: Assembly) -> None:
    ((_, key),) = assembly.properties("AWS::KMS::Key")
    services = [s for s in key["KeyPolicy"]["Statement"] if "Service" in s["Principal"]]
    assert len(services) == 4
    assert all(statement.get("Condition") for statement in services)


def test_tables_recover_to_a_point_in_time_and_are_encrypted(assembly: Assembly) -> None:
    tables = assembly.properties("AWS::DynamoDB::Table")
    assert len(tables) == 4
    for key, table in tables:
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True, key
        assert table["SSESpecification"] == {"SSEEnabled": True}, key
        assert table["BillingMode"] == "PAY_PER_REQUEST", key


def test_queues_and_topics_are_encrypted_and_refuse_plain_connections(assembly: Assembly) -> None:
    for key, queue in assembly.properties("AWS::SQS::Queue"):
        assert queue["SqsManagedSseEnabled"] is True, key
    for key, topic in assembly.properties("AWS::SNS::Topic"):
        assert "KmsMasterKeyId" in topic, key
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        policies = assembly.properties(kind)
        assert policies, kind
        for key, policy in policies:
            denied = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
            assert {"Bool": {"aws:SecureTransport": "false"}} in [s["Condition"] for s in denied], key


def test_no_policy_of_a_resource_is_open_to_everyone(assembly: Assembly) -> None:
    kinds = ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy")
    for key, policy in assembly.properties(*kinds):
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"] not in ("*", {"AWS": "*"}), key


def test_database_and_warehouse_are_private_and_encrypted(assembly: Assembly) -> None:
    ((_, cluster),) = assembly.properties("AWS::RDS::DBCluster")
    assert cluster["StorageEncrypted"] is True
    assert all(not i["PubliclyAccessible"] for _, i in assembly.properties("AWS::RDS::DBInstance"))
    ((_, workgroup),) = assembly.properties("AWS::RedshiftServerless::Workgroup")
    assert workgroup["PubliclyAccessible"] is False
    assert workgroup["EnhancedVpcRouting"] is True
    assert {"ParameterKey": "require_ssl", "ParameterValue": "true"} in workgroup["ConfigParameters"]
    ((_, namespace),) = assembly.properties("AWS::RedshiftServerless::Namespace")
    assert "KmsKeyId" in namespace


def test_no_password_is_in_a_template(assembly: Assembly) -> None:
    for key, properties in assembly.properties("AWS::RDS::DBCluster", "AWS::RedshiftServerless::Namespace"):
        for name in ("MasterUserPassword", "AdminUserPassword"):
            if name in properties:
                assert "{{resolve:secretsmanager:" in json.dumps(properties[name]), key


def test_no_security_group_is_open_to_the_world(assembly: Assembly) -> None:
    for key, properties in assembly.properties("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"):
        rules = [*properties.get("SecurityGroupIngress", []), properties]
        assert all(rule.get("CidrIp") != "0.0.0.0/0" for rule in rules), key


def test_functions_jobs_and_workflows_are_traced_or_secured(assembly: Assembly) -> None:
    for key, function in assembly.properties("AWS::Lambda::Function"):
        assert function["TracingConfig"] == {"Mode": "Active"}, key
    for key, machine in assembly.properties("AWS::StepFunctions::StateMachine"):
        assert machine["TracingConfiguration"] == {"Enabled": True}, key
        assert machine["LoggingConfiguration"]["Level"] == "ERROR", key
    for key, job in assembly.properties("AWS::Glue::Job"):
        assert job["SecurityConfiguration"] == assembly.settings.names.of("glue"), key


def test_every_log_group_is_kept_as_long_as_configured(assembly: Assembly) -> None:
    groups = assembly.properties("AWS::Logs::LogGroup")
    jobs = 3 * len(LOGS)
    assert len(groups) == 14 + 7 + jobs + 2
    assert {group["RetentionInDays"] for _, group in groups} == {assembly.settings.log_retention_days}


def test_every_function_and_workflow_logs_to_a_group_of_the_stack(assembly: Assembly) -> None:
    names = [group["LogGroupName"] for _, group in assembly.properties("AWS::Logs::LogGroup")]
    groups = {name for name in names if isinstance(name, str)}  # jobs' hold the generated name of their role
    for _, function in assembly.properties("AWS::Lambda::Function"):
        assert f"/aws/lambda/{function['FunctionName']}" in groups
        assert "LogGroup" in function["LoggingConfig"]
    for _, machine in assembly.properties("AWS::StepFunctions::StateMachine"):
        assert f"/aws/vendedlogs/states/{machine['StateMachineName']}" in groups


def test_personalize_resources_carry_no_tags(assembly: Assembly) -> None:
    resources = [r for key, r in assembly.resources() if r["Type"].startswith("AWS::Personalize::")]
    assert len(resources) == 1 + 3 + 3
    assert all("Tags" not in resource["Properties"] for resource in resources)


def test_what_must_not_be_lost_is_kept_in_production(assembly: Assembly) -> None:
    kept = {"destroy": ("Delete", "Delete"), "retain": ("RetainExceptOnCreate", "Retain")}
    kinds = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key")
    personalize = [f"AWS::Personalize::{kind}" for kind in ("DatasetGroup", "Dataset", "Schema")]
    policies = {
        (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for _, resource in assembly.resources(*kinds, *personalize)
    }
    assert policies == {kept[assembly.settings.removal]}
    protected = assembly.settings.removal == "retain"
    tables = {table["DeletionProtectionEnabled"] for _, table in assembly.properties("AWS::DynamoDB::Table")}
    clusters = {c["DeletionProtection"] for _, c in assembly.properties("AWS::RDS::DBCluster")}
    assert tables | clusters == {protected}
    stacks = [a for a in assembly.manifest["artifacts"].values() if a["type"] == "aws:cloudformation:stack"]
    assert {a["properties"].get("terminationProtection", False) for a in stacks} == {protected}


def test_no_secret_or_other_account_is_in_a_template(assembly: Assembly) -> None:
    accounts = set(re.findall(r"\b\d{12}\b", json.dumps(assembly.templates)))
    assert accounts == {assembly.settings.account}
