# mypy: disable-error-code="misc"
# (it infers no lambda that has defaults)
"""Resources: properties of every kind, variables and arguments of code, references, schemas, the network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from checks.rules.replacement import CREATE_ONLY
from tests.mutations.mutation import Mutation, Template, of_manifest, of_template, shipped

Properties = dict[str, Any]

# (type, property, value that AWS refuses or that fails in the first run)
_VALUES: tuple[tuple[str, str, Any], ...] = (
    ("AWS::Lambda::Function", "Runtime", "python3.7x"),
    ("AWS::Lambda::Function", "Runtime", "python3.12"),
    ("AWS::Lambda::Function", "Architectures", ["x86_64"]),
    ("AWS::Lambda::Function", "Handler", "lambdas.nowhere.handler.handler"),
    ("AWS::Lambda::Function", "MemorySize", 64),
    ("AWS::Lambda::Function", "Timeout", 1000),
    ("AWS::Lambda::Function", "Layers", []),
    ("AWS::Lambda::Function", "TracingConfig", {"Mode": "Always"}),
    ("AWS::Lambda::Function", "Role", "arn:aws:iam::111111111111:role/nobody"),
    ("AWS::Glue::Job", "WorkerType", "G.3X"),
    ("AWS::Glue::Job", "GlueVersion", 5),
    ("AWS::Glue::Job", "Role", "arn:aws:iam::111111111111:role/nobody"),
    ("AWS::Glue::Job", "SecurityConfiguration", "osusume-dev-glu"),
    ("AWS::Glue::Job", "Timeout", "an hour"),
    ("AWS::Glue::Job", "Command", {"Name": "glueetl"}),
    ("AWS::StepFunctions::StateMachine", "StateMachineType", "FAST"),
    ("AWS::StepFunctions::StateMachine", "StateMachineType", "EXPRESS"),
    ("AWS::StepFunctions::StateMachine", "StateMachineName", "another-name"),
    ("AWS::StepFunctions::StateMachine", "RoleArn", "arn:aws:iam::111111111111:role/nobody"),
    ("AWS::Scheduler::Schedule", "ScheduleExpression", "cron(0 25 * * ? *)"),
    ("AWS::Scheduler::Schedule", "ScheduleExpression", "every day"),
    ("AWS::Scheduler::Schedule", "FlexibleTimeWindow", {"Mode": "MAYBE"}),
    ("AWS::Scheduler::Schedule", "State", "ON"),
    ("AWS::DynamoDB::Table", "BillingMode", "FREE"),
    ("AWS::DynamoDB::Table", "KeySchema", [{"AttributeName": "id", "KeyType": "HASH"}]),
    ("AWS::DynamoDB::Table", "TableName", "another-table"),
    ("AWS::DynamoDB::Table", "TableName", "no spaces please"),
    ("AWS::S3::Bucket", "BucketName", "another-bucket-of-this-shop"),
    ("AWS::S3::Bucket", "BucketName", "No_Capitals"),
    ("AWS::S3::Bucket", "VersioningConfiguration", {"Status": "On"}),
    ("AWS::KMS::Key", "KeySpec", "SYMMETRIC"),
    ("AWS::Logs::LogGroup", "RetentionInDays", 31),
    ("AWS::RDS::DBCluster", "Engine", "aurora-oracle"),
    ("AWS::RDS::DBCluster", "DatabaseName", "shop2"),
    ("AWS::RDS::DBCluster", "StorageEncrypted", False),
    ("AWS::RDS::DBInstance", "DBInstanceClass", "db.serverles"),
    ("AWS::RedshiftServerless::Workgroup", "BaseCapacity", "eight"),
    ("AWS::RedshiftServerless::Workgroup", "WorkgroupName", "another"),
    ("AWS::RedshiftServerless::Namespace", "NamespaceName", "another"),
    ("AWS::RedshiftServerless::Namespace", "IamRoles", ["arn:aws:iam::111111111111:role/nobody"]),
    ("AWS::RedshiftServerless::Workgroup", "SubnetIds", ["subnet-1"]),
    ("AWS::ApiGateway::Method", "HttpMethod", "FETCH"),
    ("AWS::ApiGateway::Method", "AuthorizationType", "MAYBE"),
    ("AWS::ApiGateway::Stage", "MethodSettings", [{"LoggingLevel": "LOUD"}]),
    ("AWS::CloudWatch::Alarm", "ComparisonOperator", "MoreThan"),
    ("AWS::CloudWatch::Alarm", "TreatMissingData", "ignored"),
    ("AWS::CloudWatch::Alarm", "EvaluationPeriods", "one"),
    ("AWS::SNS::Topic", "TopicName", "another-topic"),
    ("AWS::SQS::Queue", "QueueName", "another-queue"),
    ("AWS::SQS::Queue", "MessageRetentionPeriod", 30),
    ("AWS::SecretsManager::Secret", "Name", "another/secret"),
    ("AWS::Personalize::Dataset", "DatasetType", "Purchases"),
    ("AWS::Personalize::DatasetGroup", "Name", "another-group"),
    ("AWS::Personalize::DatasetGroup", "Domain", "GROCERY"),
    ("AWS::Personalize::DatasetGroup", "RoleArn", "arn:aws:iam::111111111111:role/nobody"),
    ("AWS::Personalize::Dataset", "Tags", [{"Key": "commit", "Value": "abc"}]),
    ("AWS::Personalize::Schema", "Name", "no spaces please"),
    ("AWS::EC2::Subnet", "AvailabilityZone", "dummy1a"),
    ("AWS::EC2::Subnet", "CidrBlock", "10.20.0.0/40"),
    ("AWS::EC2::FlowLog", "ResourceType", "Vpc"),
)
_CODE = {"AWS::Lambda::Function": ("Environment", "Variables"), "AWS::Glue::Job": ("DefaultArguments",)}


def mutations() -> Iterator[Mutation]:
    yield from _values()
    yield from _removed()
    yield from _variables()
    yield from _schemas()
    yield from _network()
    yield from _references()
    yield from _wiring()


def _each(*types: str) -> Iterator[tuple[str, str, Properties]]:
    for stack, template in shipped().templates.items():
        for logical_id, resource in template["Resources"].items():
            if not types or resource["Type"] in types:
                yield stack, logical_id, resource.get("Properties", {})


def _of(
    kind: str, stack: str, logical_id: str, change: Callable[[Properties], Any], more: str = ""
) -> Mutation:
    label = f"{kind}/{stack}/{logical_id}{more}"
    return of_template(label, stack, lambda t: change(t["Resources"][logical_id]["Properties"]))


def _values() -> Iterator[Mutation]:
    """The first resource of each type; all of a type are written by the same construct."""
    for kind, name, value in _VALUES:
        stack, logical_id, _ = next(_each(kind))
        label = f"/{name}={json.dumps(value)[:40]}"
        yield _of("property-changed", stack, logical_id, lambda p, n=name, v=value: p.update({n: v}), label)
    seen = set()
    for stack, logical_id, _ in _each():
        kind = shipped().templates[stack]["Resources"][logical_id]["Type"]
        if kind not in seen:
            seen.add(kind)
            yield of_template(
                f"property-unknown/{stack}/{logical_id}",
                stack,
                lambda t, i=logical_id: t["Resources"][i].setdefault("Properties", {}).update(Colour="blue"),
            )


def _removed() -> Iterator[Mutation]:
    for stack, logical_id, _ in _each(*CREATE_ONLY):
        yield of_template(
            f"resource-deleted/{stack}/{logical_id}", stack, lambda t, i=logical_id: t["Resources"].pop(i)
        )
    for kind in ("AWS::Lambda::Function", "AWS::Glue::Job", "AWS::ApiGateway::Account"):
        for stack, logical_id, _ in _each(kind):
            yield of_template(
                f"resource-deleted/{stack}/{logical_id}", stack, lambda t, i=logical_id: t["Resources"].pop(i)
            )


def _variables() -> Iterator[Mutation]:
    for kind, path in _CODE.items():
        for stack, logical_id, properties in _each(kind):
            for name in _inside(properties, path):
                yield _of(
                    "variable-removed",
                    stack,
                    logical_id,
                    lambda p, n=name, w=path: _inside(p, w).pop(n),
                    f"/{name}",
                )
                yield _of(
                    "variable-misspelled",
                    stack,
                    logical_id,
                    lambda p, n=name, w=path: _inside(p, w).update({f"{n}S": _inside(p, w).pop(n)}),
                    f"/{name}",
                )
                if str(_inside(properties, path)[name]).startswith("osusume-dev-"):
                    yield _of(
                        "variable-swapped",
                        stack,
                        logical_id,
                        lambda p, n=name, w=path: _inside(p, w).update({n: f"{_inside(p, w)[n]}-x"}),
                        f"/{name}",
                    )


def _inside(properties: Properties, path: tuple[str, ...]) -> dict[str, Any]:
    for name in path:
        properties = properties[name]
    return properties


def _schemas() -> Iterator[Mutation]:
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "first-field-removed": lambda avro: avro["fields"].pop(0),
        "last-field-removed": lambda avro: avro["fields"].pop(),
        "field-renamed": lambda avro: avro["fields"][-1].update(name="SOMETHING"),
        "field-array": lambda avro: avro["fields"][-1].update(type={"type": "array", "items": "string"}),
        "field-bytes": lambda avro: avro["fields"][-1].update(type="bytes"),
        "key-nullable": lambda avro: avro["fields"][0].update(type=["null", "string"]),
        "field-twice": lambda avro: avro["fields"].append(dict(avro["fields"][-1])),
        "record-renamed": lambda avro: avro.update(name="Purchases"),
        "not-a-record": lambda avro: avro.update(type="map"),
        "name-reserved": lambda avro: avro["fields"].append({"name": "SCORE_", "type": "strin"}),
    }
    for stack, logical_id, _ in _each("AWS::Personalize::Schema"):
        for name, change in changes.items():
            yield _of(
                "schema",
                stack,
                logical_id,
                lambda p, c=change: p.update(Schema=_changed(p["Schema"], c)),
                f"/{name}",
            )
        yield _of("schema", stack, logical_id, lambda p: p.update(Schema="{"), "/not-json")


def _changed(schema: str, change: Callable[[dict[str, Any]], Any]) -> str:
    avro = json.loads(schema)
    change(avro)
    return json.dumps(avro)


def _network() -> Iterator[Mutation]:
    for stack, logical_id, properties in _each(
        "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"
    ):
        yield of_template(
            f"rule-removed/{stack}/{logical_id}", stack, lambda t, i=logical_id: t["Resources"].pop(i)
        )
        yield _of("port-changed", stack, logical_id, lambda p: p.update(FromPort=1, ToPort=2))
        del properties
    for stack, logical_id, properties in _each("AWS::EC2::SecurityGroup"):
        for direction in ("SecurityGroupIngress", "SecurityGroupEgress"):
            for position, _ in enumerate(properties.get(direction, [])):
                yield _of(
                    "rule-removed",
                    stack,
                    logical_id,
                    lambda p, d=direction, n=position: p[d].pop(n),
                    f"/{direction}[{position}]",
                )


def _references() -> Iterator[Mutation]:
    for stack, logical_id, properties in _each("AWS::SSM::Parameter"):
        name = properties["Name"]
        yield _of("parameter-renamed", stack, logical_id, lambda p, n=name: p.update(Name=f"{n}-x"))
    for stack, template in shipped().templates.items():
        for name, parameter in template.get("Parameters", {}).items():
            if str(parameter.get("Default")).startswith("/osusume/"):
                yield of_template(
                    f"parameter-misread/{stack}/{name}",
                    stack,
                    lambda t, n=name: t["Parameters"][n].update(Default=t["Parameters"][n]["Default"] + "-x"),
                )
        target = next(iter(template["Resources"]))
        yield of_template(
            f"reference-broken/{stack}",
            stack,
            lambda t, i=target: t["Resources"][i].update(DependsOn=["Nothing"]),
        )
    for stack, artifact in shipped().manifest["artifacts"].items():
        for needed in artifact.get("dependencies", []):
            if needed in shipped().templates:
                yield of_manifest(
                    f"order-lost/{stack}/{needed}",
                    lambda m, s=stack, n=needed: m["artifacts"][s]["dependencies"].remove(n),
                )


def _wiring() -> Iterator[Mutation]:
    stack, schedule, _ = next(_each("AWS::Scheduler::Schedule"))
    changes: dict[str, Callable[[Properties], Any]] = {
        "input": lambda p: p["Target"].update(Input="auto"),
        "input-empty": lambda p: p["Target"].update(Input="[]"),
        "dead-letters": lambda p: p["Target"].pop("DeadLetterConfig"),
        "role": lambda p: p["Target"].update(RoleArn="arn:aws:iam::111111111111:role/nobody"),
        "target": lambda p: p["Target"].update(
            Arn="arn:aws:states:ap-northeast-1:111111111111:stateMachine:osusume-dev-train"
        ),
    }
    for name, change in changes.items():
        yield _of("schedule", stack, schedule, change, f"/{name}")
    for stack, table, _ in _each("AWS::DynamoDB::Table"):
        yield _of(
            "recovery-off",
            stack,
            table,
            lambda p: p.update(PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}),
        )
    yield of_manifest("look-up-missing/(assembly)", lambda m: m.update(missing=[{"key": "vpc"}]))
    yield of_template(
        "export/Storage",
        "Storage",
        lambda t: t.update(Outputs={"Key": {"Value": "x", "Export": {"Name": "key"}}}),
    )
    yield of_template("import/Network", "Network", _import)
    for stack, method, properties in _each("AWS::ApiGateway::Method"):
        if "Uri" in properties.get("Integration", {}):
            yield _of("integration-uri", stack, method, lambda p: p["Integration"].update(Uri="arn:aws:x"))


def _import(template: Template) -> None:
    logical_id = next(iter(template["Resources"]))
    template["Resources"][logical_id]["Properties"]["Tags"] = [
        {"Key": "key", "Value": {"Fn::ImportValue": "key"}}
    ]
