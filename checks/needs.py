"""What each role must be allowed: by what workflows send, what was recorded, and what AWS documents.

Both directions are checked with this: a need that no statement allows, and a statement that no need uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from checks import builds, existing, parts, recorded, sdk
from checks.assembly import Assembly, Stack, once
from checks.policies import listed, roles
from checks.samples import RUN_ID
from checks.simulation import Visit, visits
from checks.unrecorded import UNRECORDED

# AWS Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
VPC_ACTIONS = (
    "ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets "
    "ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses"
).split()
# AWS Glue developer guide, "Setting up Amazon VPC for JDBC connections" (AWSGlueServiceRole).
GLUE_VPC_ACTIONS = (
    "ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets "
    "ec2:DeleteNetworkInterface ec2:DescribeVpcEndpoints ec2:DescribeRouteTables "
    "ec2:DescribeSecurityGroups ec2:DescribeVpcAttribute"
).split()
# CodeBuild user guide, "Allow CodeBuild access to AWS services required to create a VPC network interface".
BUILD_VPC_ACTIONS = (
    "ec2:CreateNetworkInterface ec2:DescribeDhcpOptions ec2:DescribeNetworkInterfaces "
    "ec2:DeleteNetworkInterface ec2:DescribeSubnets ec2:DescribeSecurityGroups ec2:DescribeVpcs"
).split()
# Step Functions developer guide, "Using CloudWatch Logs to log execution history".
LOG_DELIVERY = (
    "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery "
    "logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups"
).split()
TRACES = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
WORKFLOW_TRACES = (*TRACES, "xray:GetSamplingRules", "xray:GetSamplingTargets")
# Personalize developer guide, "Giving Amazon Personalize permission to use your AWS KMS key".
PERSONALIZE_KEY = "kms:Decrypt kms:GenerateDataKey kms:DescribeKey kms:CreateGrant kms:ListGrants".split()


@dataclass(frozen=True)
class Need:
    """`because` says who asks: a state, a recorded call, a property. `optional`: only what is configured asks it."""

    role: str  # ARN
    action: str
    resource: str
    because: str
    context: tuple[tuple[str, str], ...] = ()
    optional: bool = False


@once
def needs(assembly: Assembly) -> list[Need]:
    found = [
        *(need for visit in visits(assembly) for need in of_visit(assembly, visit)),
        *_recorded(assembly),
        *_declared(assembly),
        *(need for stack in assembly.stacks for need in _of_resources(assembly, stack)),
    ]
    found = list(dict.fromkeys(found))
    return list(dict.fromkeys([*found, *(more for need in found for more in _implied(assembly, need))]))


def of_visit(assembly: Assembly, visit: Visit) -> Iterator[Need]:
    """The calls that a state makes with its workflow's role, and those that AWS makes on its behalf."""
    workflow, where = visit.workflow, f"state {visit.name!r}"
    arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
    if visit.state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        yield from _distributed(workflow.role, workflow.arn, where, arguments)
        return
    call = _call(visit)
    if call is None:
        return
    resource = resource_of(assembly, call, arguments)
    yield Need(workflow.role, call.iam_action, resource, where)
    for action, on in _of_pattern(assembly, call, arguments, resource):
        yield Need(workflow.role, action, on, where)
    if "RoleArn" in arguments:
        receiver = (("iam:PassedToService", f"{call.service}.amazonaws.com"),)
        yield Need(workflow.role, "iam:PassRole", str(arguments["RoleArn"]), where, receiver)
        yield from _of_passed(call, arguments, where)


def _call(visit: Visit) -> sdk.Call | None:
    try:
        return sdk.parse(str(visit.state.get("Resource", "")))
    except ValueError:
        return None


def _distributed(role: str, machine: str, where: str, reader: dict[str, Any]) -> Iterator[Need]:
    """Step Functions developer guide, "IAM policies for using Distributed Map states"."""
    execution = machine.replace(":stateMachine:", ":execution:")
    yield Need(role, "states:StartExecution", machine, where)
    # A child is <machine>/<map's label>:<id>; the guide's policy names <machine>:* besides.
    for child in (f"{execution}:child", f"{execution}/map:child"):
        yield Need(role, "states:DescribeExecution", child, where)
        yield Need(role, "states:StopExecution", child, where)
    bucket = reader.get("Arguments", {}).get("Bucket")
    if bucket is not None:
        listing = str(reader.get("Resource", "")).endswith("listObjectsV2")
        key = reader["Arguments"].get("Key", "")
        resource = f"arn:aws:s3:::{bucket}" if listing else f"arn:aws:s3:::{bucket}/{key}"
        yield Need(role, "s3:ListBucket" if listing else "s3:GetObject", resource, where)


def resource_of(assembly: Assembly, call: sdk.Call, arguments: dict[str, Any]) -> str:
    """The ARN that IAM compares with the statements' resources."""
    where = f"{assembly.region}:{assembly.account}"
    if call.service == "personalize-runtime":
        return str(arguments.get("CampaignArn", "*"))
    if call.service == "personalize":
        return _personalize_resource(where, call, arguments)
    for name in ("TopicArn", "StateMachineArn", "ExecutionArn", "ExportArn", "TableArn", "QueueUrl"):
        if isinstance(arguments.get(name), str):
            return str(arguments[name])
    if call.operation == "PutEvents":
        return f"arn:aws:events:{where}:event-bus/default"  # no workflow names another one
    alarms = arguments.get("AlarmNames")
    if isinstance(alarms, list) and len(alarms) == 1:
        return f"arn:aws:cloudwatch:{where}:alarm:{alarms[0]}"
    if call.service == "s3" and isinstance(arguments.get("Key"), str):
        return f"arn:aws:s3:::{arguments.get('Bucket')}/{arguments['Key']}"
    known = {
        "FunctionName": "lambda:{where}:function:{name}",
        "TableName": "dynamodb:{where}:table/{name}",
        "JobName": "glue:{where}:job/{name}",
        "ProjectName": "codebuild:{where}:project/{name}",
        "Bucket": "s3:::{name}",
    }
    for name, form in known.items():
        if isinstance(arguments.get(name), str):
            value = str(arguments[name])
            return value if value.startswith("arn:") else "arn:aws:" + form.format(where=where, name=value)
    return "*"


def _personalize_resource(where: str, call: sdk.Call, arguments: dict[str, Any]) -> str:
    if call.operation.startswith("List"):
        return "*"
    own = re.sub(r"^(Describe|Update|Delete)", "", call.operation) + "Arn"
    for name in (
        own,
        "SolutionVersionArn",
        "SolutionArn",
        *(() if call.operation.startswith("Create") else ("DatasetArn", "SchemaArn")),
    ):
        creates_job = call.operation.startswith("Create") and name == "SolutionVersionArn"
        if name in arguments and not creates_job:
            return str(arguments[name])
    if call.operation == "CreateDataset":
        # Service authorization reference: the dataset's own ARN, which has its group's name and its type.
        group = str(arguments.get("DatasetGroupArn")).rpartition("/")[2]
        return f"arn:aws:personalize:{where}:dataset/{group}/{str(arguments.get('DatasetType')).upper()}"
    kind = call.operation.removeprefix("Create")
    dashed = "".join(f"-{c.lower()}" if c.isupper() else c for c in kind).strip("-")
    name = arguments.get("JobName") or arguments.get("Name") or "*"
    return f"arn:aws:personalize:{where}:{dashed}/{name}"


def _of_pattern(
    assembly: Assembly, call: sdk.Call, arguments: dict[str, Any], resource: str
) -> Iterator[tuple[str, str]]:
    """What Step Functions, or the service for the caller, does besides the call itself."""
    where = f"{assembly.region}:{assembly.account}"
    if (call.operation, call.pattern) == ("StartJobRun", "sync"):
        yield from ((f"glue:{name}", resource) for name in ("GetJobRun", "GetJobRuns", "BatchStopJobRun"))
    if (call.operation, call.pattern) == ("StartBuild", "sync"):
        # Step Functions developer guide, "IAM policies for calling AWS CodeBuild".
        rule = f"arn:aws:events:{where}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule"
        yield from ((f"codebuild:{name}", resource) for name in ("StopBuild", "BatchGetBuilds"))
        yield from ((f"events:{name}", rule) for name in ("PutTargets", "PutRule", "DescribeRule"))
    if (call.operation, call.pattern) == ("StartExecution", "sync:2"):
        execution = f"{resource.replace(':stateMachine:', ':execution:')}:{arguments.get('Name')}"
        rule = f"arn:aws:events:{where}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
        yield from ((f"states:{name}", execution) for name in ("DescribeExecution", "StopExecution"))
        yield from ((f"events:{name}", rule) for name in ("PutTargets", "PutRule", "DescribeRule"))
    if call.operation == "ExportTableToPointInTime":
        # DynamoDB developer guide, "DynamoDB data export to Amazon S3: permissions".
        written = f"arn:aws:s3:::{arguments.get('S3Bucket')}/{arguments.get('S3Prefix', '')}/AWSDynamoDB/x"
        names = ("PutObject", "PutObjectAcl", "AbortMultipartUpload")
        yield from ((f"s3:{name}", written) for name in names)


def _of_passed(call: sdk.Call, arguments: dict[str, Any], where: str) -> Iterator[Need]:
    """What Personalize does with the role that a job gives it."""
    role = str(arguments["RoleArn"])
    for location, write in locations(arguments):
        bucket, _, key = location.removeprefix("s3://").partition("/")
        yield Need(role, "s3:ListBucket", f"arn:aws:s3:::{bucket}", where)
        yield Need(role, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}part-0", where)
        if write:
            yield Need(role, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}part-0.out", where)


def locations(arguments: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """(s3://..., whether it is written) of a Personalize job."""
    source = arguments.get("DataSource", {}).get("DataLocation")
    read = arguments.get("JobInput", {}).get("S3DataSource", {}).get("Path")
    written = arguments.get("JobOutput", {}).get("S3DataDestination", {}).get("Path")
    for location, write in ((source, False), (read, False), (written, True)):
        if isinstance(location, str) and location.startswith("s3://"):
            yield location, write


def _recorded(assembly: Assembly) -> Iterator[Need]:
    by_key = {role.key: role.arn for role in roles(assembly)}
    for call in recorded.calls(assembly):
        arn = by_key.get(call.role)
        if arn is not None and parts.is_asked(assembly, call.role, call.action, call.resource):
            resource = existing.shown(assembly, call.resource)
            yield Need(arn, call.action, resource, "a call recorded in the local run")


def _declared(assembly: Assembly) -> Iterator[Need]:
    names = {"prefix": assembly.prefix, "where": f"{assembly.region}:{assembly.account}"}
    names |= {"account": assembly.account, "region": assembly.region}
    for role in roles(assembly):
        for entry in UNRECORDED:
            if entry.fits(role.key):
                for action, resource in product(entry.actions, entry.resources):
                    shown = resource.format(**names)
                    if parts.is_asked(assembly, role.key, action, shown):
                        resource = existing.shown(assembly, shown)
                        yield Need(role.arn, action, resource, entry.reason, optional=entry.where_configured)


def _of_resources(assembly: Assembly, stack: Stack) -> Iterator[Need]:
    where = f"{assembly.region}:{assembly.account}"
    for logical_id, function in stack.of_type("AWS::Lambda::Function"):
        yield from _function(stack, logical_id, function, where)
    for logical_id, job in stack.of_type("AWS::Glue::Job"):
        yield from _job(stack, logical_id, job, where)
    for logical_id, project in stack.of_type(builds.TYPE):
        yield from _project(logical_id, project, where)
    for logical_id, machine in stack.of_type("AWS::StepFunctions::StateMachine"):
        yield from _machine(logical_id, machine)
    for logical_id, schedule in stack.of_type("AWS::Scheduler::Schedule"):
        yield from _schedule(logical_id, schedule["Target"])
    for logical_id, log in stack.of_type("AWS::EC2::FlowLog"):
        group = f"arn:aws:logs:{where}:log-group:{log.get('LogGroupName')}:*"
        for name in ("CreateLogStream", "PutLogEvents", "DescribeLogStreams"):
            role = str(log.get("DeliverLogsPermissionArn"))
            yield Need(role, f"logs:{name}", group, f"flow log {logical_id}")
    for logical_id, groups in stack.of_type("AWS::Personalize::DatasetGroup"):
        if "KmsKeyArn" in groups:
            for action in PERSONALIZE_KEY:
                yield Need(
                    str(groups["RoleArn"]), action, str(groups["KmsKeyArn"]), f"{logical_id} is encrypted"
                )
    for logical_id, account in stack.of_type("AWS::ApiGateway::Account"):
        role = str(account.get("CloudWatchRoleArn"))
        yield Need(role, "logs:PutLogEvents", "*", f"{logical_id} writes API Gateway's logs")


def _function(stack: Stack, logical_id: str, function: dict[str, Any], where: str) -> Iterator[Need]:
    role, because = str(function["Role"]), f"function {logical_id}"
    group = function.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function.get('FunctionName')}"
    for name in ("CreateLogStream", "PutLogEvents"):
        yield Need(role, f"logs:{name}", f"arn:aws:logs:{where}:log-group:{group}:log-stream:x", because)
    if function.get("TracingConfig", {}).get("Mode") == "Active":
        yield from (Need(role, action, "*", f"{because} is traced") for action in TRACES)
    if function.get("VpcConfig", {}).get("SubnetIds"):
        yield from (Need(role, action, "*", f"{because} is in a VPC") for action in VPC_ACTIONS)


def _glue_groups(job: Mapping[str, Any]) -> list[str]:
    """Glue user guide, "Logging for AWS Glue jobs": from 5.0 on a security configuration and the role name the groups.

    Before, there was one for errors and the one that the job's arguments name.
    """
    version = str(job.get("GlueVersion", ""))
    if version.startswith(("0", "1", "2", "3", "4")):
        named = job.get("DefaultArguments", {}).get("--continuous-log-logGroup", "/aws-glue/jobs/logs-v2")
        return ["/aws-glue/jobs/error", named]
    configuration, role = job.get("SecurityConfiguration"), str(job.get("Role")).rpartition("/")[2]
    under = f"/{configuration}-role/{role}" if configuration else ""
    return [f"/aws-glue/jobs{under}/{part}" for part in ("error", "output")]


def _job(stack: Stack, logical_id: str, job: dict[str, Any], where: str) -> Iterator[Need]:
    role, because = str(job["Role"]), f"job {logical_id}"
    arguments = job.get("DefaultArguments", {})
    groups = _glue_groups(job)
    for group in groups:
        for name in ("CreateLogGroup", "CreateLogStream", "PutLogEvents"):
            yield Need(role, f"logs:{name}", f"arn:aws:logs:{where}:log-group:{group}:log-stream:x", because)
    if "SecurityConfiguration" in job:
        # Glue developer guide, "Setting up encryption": needed with an encrypted log group.
        for group in groups:
            group_arn = f"arn:aws:logs:{where}:log-group:{group}:log-stream:x"
            yield Need(role, "logs:AssociateKmsKey", group_arn, f"{because} encrypts its logs")
    yield Need(role, "cloudwatch:PutMetricData", "*", because, (("cloudwatch:namespace", "Glue"),))
    for location in [job.get("Command", {}).get("ScriptLocation"), arguments.get("--extra-py-files")]:
        if location:
            yield Need(role, "s3:GetObject", f"arn:aws:s3:::{str(location).removeprefix('s3://')}", because)
    for connection in job.get("Connections", {}).get("Connections", []):
        yield Need(role, "glue:GetConnection", f"arn:aws:glue:{where}:connection/{connection}", because)
        yield Need(role, "glue:GetConnection", f"arn:aws:glue:{where}:catalog", because)
        yield from (Need(role, action, "*", f"{because} is in a VPC") for action in GLUE_VPC_ACTIONS)
        tag = (("aws:TagKeys", "aws-glue-service-resource"),)
        yield Need(role, "ec2:CreateTags", f"arn:aws:ec2:{where}:network-interface/eni", because, tag)


def _project(logical_id: str, project: dict[str, Any], where: str) -> Iterator[Need]:
    """CodeBuild user guide, "Allow CodeBuild to interact with other AWS services", and its chapter on VPCs."""
    role, because = str(project["ServiceRole"]), f"project {logical_id}"
    group = project.get("LogsConfig", {}).get("CloudWatchLogs", {}).get("GroupName")
    stream = (
        f"arn:aws:logs:{where}:log-group:{group or '/aws/codebuild/' + str(project.get('Name'))}:log-stream:x"
    )
    for name in ("CreateLogStream", "PutLogEvents"):
        yield Need(role, f"logs:{name}", stream, because)
    for source in builds.sources(project):
        location = f"arn:aws:s3:::{source.get('Location')}"
        for name in ("GetObject", "GetObjectVersion"):
            yield Need(role, f"s3:{name}", location, because)
        for name in ("GetBucketAcl", "GetBucketLocation"):
            yield Need(role, f"s3:{name}", location.partition("/")[0], because)
    for subnet in project.get("VpcConfig", {}).get("Subnets", []):
        yield from (Need(role, action, "*", f"{because} is in a VPC") for action in BUILD_VPC_ACTIONS)
        handed = (
            ("ec2:AuthorizedService", builds.SERVICE),
            ("ec2:Subnet", f"arn:aws:ec2:{where}:subnet/{subnet}"),
        )
        interface = f"arn:aws:ec2:{where}:network-interface/eni"
        yield Need(role, "ec2:CreateNetworkInterfacePermission", interface, because, handed)


def _machine(logical_id: str, machine: dict[str, Any]) -> Iterator[Need]:
    role = str(machine["RoleArn"])
    if machine.get("LoggingConfiguration", {}).get("Level", "OFF") != "OFF":
        yield from (Need(role, action, "*", f"workflow {logical_id} logs") for action in LOG_DELIVERY)
    if machine.get("TracingConfiguration", {}).get("Enabled"):
        yield from (Need(role, action, "*", f"workflow {logical_id} is traced") for action in WORKFLOW_TRACES)


_STARTS = {"states": "states:StartExecution", "lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage"}


def _schedule(logical_id: str, target: dict[str, Any]) -> Iterator[Need]:
    role, arn = str(target["RoleArn"]), str(target["Arn"])
    action = _STARTS.get(arn.split(":")[2] if arn.count(":") > 2 else "")
    if action:
        yield Need(role, action, arn, f"schedule {logical_id}")
    dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
    if dead_letters:
        yield Need(role, "sqs:SendMessage", str(dead_letters), f"dead letters of {logical_id}")


_DATA_READS = ("s3:GetObject", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage")
_DATA_WRITES = ("s3:PutObject", "sns:Publish", "sqs:SendMessage")


def _implied(assembly: Assembly, need: Need) -> Iterator[Need]:
    """A call on data that a customer's key encrypts uses the key with the caller's permissions."""
    if need.action not in (*_DATA_READS, *_DATA_WRITES):
        return
    key = key_of(assembly, need.resource)
    if key is None:
        return
    because = f"{need.because}: {need.action} on encrypted {need.resource}"
    yield Need(need.role, "kms:Decrypt", key, because)
    if need.action in _DATA_WRITES:
        yield Need(need.role, "kms:GenerateDataKey", key, because)


def key_of(assembly: Assembly, resource: str) -> str | None:
    """ARN of the customer managed key that encrypts a bucket, object, secret, topic or queue."""
    return next((key for prefix, key in _keys(assembly) if (resource + "/").startswith(prefix)), None)


@once
def _keys(assembly: Assembly) -> list[tuple[str, str]]:
    return list(_encrypted(assembly))


def _encrypted(assembly: Assembly) -> Iterator[tuple[str, str]]:
    """(beginning of ARNs, key ARN)."""
    for stack, logical_id, bucket in assembly.each("AWS::S3::Bucket"):
        for rule in bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", []):
            key = rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
            if key:
                yield f"{stack.resolver.arn(logical_id)}/", str(key)
    named = {
        "AWS::SecretsManager::Secret": "KmsKeyId",
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::SQS::Queue": "KmsMasterKeyId",
    }
    for stack, logical_id, properties in assembly.each(*named):
        key = properties.get(named[stack.resources[logical_id]["Type"]])
        if key and "alias/aws/" not in str(key):
            yield stack.resolver.arn(logical_id).removesuffix("-000000"), str(key)


def assumptions(assembly: Assembly) -> Iterator[tuple[str, str, str, str]]:
    """(role ARN, service that assumes it, ARN on whose behalf, because)."""
    where = f"{assembly.region}:{assembly.account}"
    for stack in assembly.stacks:
        for kind, path, service, source in _ASSUMED:
            for logical_id, properties in stack.of_type(kind):
                for role in _at(properties, path):
                    arn = source.format(where=where, arn=stack.resolver.arn(logical_id))
                    yield str(role), service, arn, f"{kind} {logical_id}"
    for visit in visits(assembly):
        call = _call(visit)
        if call is not None and isinstance(visit.arguments, dict) and "RoleArn" in visit.arguments:
            arn = f"arn:aws:{call.service}:{where}:dataset-import-job/x-{RUN_ID}"
            service = f"{call.service}.amazonaws.com"
            yield str(visit.arguments["RoleArn"]), service, arn, f"state {visit.name!r}"


# (type, path to the role, service, source ARN; "" where AWS documents no aws:SourceArn).
_ASSUMED = (
    ("AWS::Lambda::Function", "Role", "lambda.amazonaws.com", ""),
    ("AWS::Glue::Job", "Role", "glue.amazonaws.com", ""),
    (builds.TYPE, "ServiceRole", builds.SERVICE, "{arn}"),
    ("AWS::StepFunctions::StateMachine", "RoleArn", "states.amazonaws.com", "{arn}"),
    (
        "AWS::Scheduler::Schedule",
        "Target.RoleArn",
        "scheduler.amazonaws.com",
        "arn:aws:scheduler:{where}:schedule-group/default",
    ),
    ("AWS::EC2::FlowLog", "DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com", ""),
    ("AWS::Personalize::DatasetGroup", "RoleArn", "personalize.amazonaws.com", "{arn}"),
    ("AWS::RedshiftServerless::Namespace", "IamRoles", "redshift.amazonaws.com", ""),
    ("AWS::ApiGateway::Account", "CloudWatchRoleArn", "apigateway.amazonaws.com", ""),
)


def _at(properties: dict[str, Any], path: str) -> list[Any]:
    value: Any = properties
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return [] if value is None else listed(value)
