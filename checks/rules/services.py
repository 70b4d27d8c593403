"""Resource policies: what AWS's services do as themselves with buckets, keys, topics and functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.assembly import Assembly, once
from checks.finding import Finding
from checks.needs import PERSONALIZE_KEY, key_of, locations
from checks.policies import Statement, allowed, matches_any, statements
from checks.rule import Rule
from checks.simulation import visits

PERSONALIZE = "personalize.amazonaws.com"
# CloudWatch Logs user guide, "Encrypt log data using AWS KMS".
_LOG_KEY = (
    "kms:Encrypt kms:Decrypt kms:ReEncryptFrom kms:ReEncryptTo kms:GenerateDataKey kms:DescribeKey".split()
)
# (type that has the policy, property that names what it is for, property with the document).
_DOCUMENTS = (
    ("AWS::S3::BucketPolicy", "Bucket", "PolicyDocument", "arn:aws:s3:::{}"),
    ("AWS::SNS::TopicPolicy", "Topics", "PolicyDocument", "{}"),
    ("AWS::SQS::QueuePolicy", "Queues", "PolicyDocument", "{}"),
)
_MUST_BE_TLS = {"AWS::S3::Bucket": "s3:*", "AWS::SQS::Queue": "sqs:*", "AWS::SNS::Topic": "sns:Publish"}


@dataclass(frozen=True)
class ServiceNeed:
    service: str
    action: str
    holder: str  # ARN of what has the policy
    resource: str
    because: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Policy:
    stack: str
    logical_id: str
    statements: tuple[Statement, ...]


RULES = (
    Rule(
        "service-access",
        "The service is denied: an import, an export, a log or an alarm fails.",
        "Allow it to the service in the resource's policy.",
        'Personalize developer guide, "Giving Amazon Personalize access to Amazon S3 resources"; KMS developer guide',
    ),
    Rule(
        "service-key-owner",
        "No IAM policy reaches the key, and nobody can change it.",
        "Allow kms:* to the account's root.",
        'KMS developer guide, "Default key policy"',
    ),
    Rule(
        "service-confused-deputy",
        "The service may use it on behalf of another account.",
        "Add aws:SourceAccount.",
        'IAM user guide, "The confused deputy problem"',
    ),
    Rule(
        "service-public",
        "Anyone may use it.",
        "Name the principal.",
        'IAM user guide, "AWS JSON policy elements: Principal"',
    ),
    Rule(
        "service-tls",
        "Data may travel unencrypted.",
        "Deny aws:SecureTransport false.",
        "AWS Foundational Security Best Practices, S3.5",
    ),
    Rule(
        "service-tls-version",
        "TLS 1.0 and 1.1 are accepted.",
        "Deny s3:TlsVersion below 1.2.",
        'S3 user guide, "Requiring TLS 1.2"',
    ),
    Rule(
        "service-integration",
        "Every request answers 500.",
        "Integrate with a function's invocation path.",
        'API Gateway developer guide, "Lambda proxy integrations"',
    ),
    Rule(
        "service-invocation",
        "The function refuses the service that calls it: requests answer 500, configurations are not deployed.",
        "Add an AWS::Lambda::Permission.",
        'Lambda developer guide, "Resource-based policies"; AppConfig user guide, "About validators"',
    ),
    Rule(
        "service-method",
        "API Gateway refuses the method, or anyone may call it.",
        "Correct the value.",
        "API Gateway API reference, PutMethod, UpdateStage",
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    return [
        *_unmet(assembly),
        *_key_owners(assembly),
        *_deputies(assembly),
        *_without_tls(assembly),
        *_invocations(assembly),
        *_called(assembly),
        *_methods(assembly),
    ]


@once
def policies(assembly: Assembly) -> dict[str, Policy]:
    """Resource policies by the ARN of what they protect."""
    found = {}
    for kind, name, document, form in _DOCUMENTS:
        for stack, logical_id, properties in assembly.each(kind):
            for holder in _names(properties.get(name)):
                read = statements(stack, logical_id, properties[document])
                found[_arn(assembly, form.format(holder))] = Policy(stack.name, logical_id, read)
    for stack, logical_id, properties in assembly.each("AWS::ApiGateway::RestApi"):
        if "Policy" in properties:
            read = statements(stack, logical_id, properties["Policy"])
            found[stack.resolver.arn(logical_id)] = Policy(stack.name, logical_id, read)
    for stack, logical_id, properties in assembly.each("AWS::KMS::Key"):
        read = statements(stack, logical_id, properties.get("KeyPolicy", {}))
        found[stack.resolver.arn(logical_id)] = Policy(stack.name, logical_id, read)
    return found


def _names(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _arn(assembly: Assembly, text: str) -> str:
    """A queue is referred to by its URL, which the resolver gives as its name."""
    if text.startswith("arn:"):
        return text
    return f"arn:aws:sqs:{assembly.region}:{assembly.account}:{text.rpartition('/')[2]}"


def needs(assembly: Assembly) -> Iterator[ServiceNeed]:
    yield from _of_jobs(assembly)
    yield from _of_dataset_groups(assembly)
    yield from _of_logs(assembly)
    yield from _of_alarms(assembly)


def _of_jobs(assembly: Assembly) -> Iterator[ServiceNeed]:
    """Personalize developer guide, "Giving Amazon Personalize access to Amazon S3 resources"."""
    source = f"arn:aws:personalize:{assembly.region}:{assembly.account}:dataset-import-job/x"
    context = (("aws:SourceAccount", assembly.account), ("aws:SourceArn", source))
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        for location, write in locations(arguments):
            bucket, _, key = location.removeprefix("s3://").partition("/")
            holder, because = f"arn:aws:s3:::{bucket}", f"state {visit.name!r}"
            yield ServiceNeed(PERSONALIZE, "s3:ListBucket", holder, holder, because, context)
            actions = ("s3:GetObject", *(("s3:PutObject",) if write else ()))
            for action in actions:
                yield ServiceNeed(PERSONALIZE, action, holder, f"{holder}/{key}part-0", because, context)
            encrypting = key_of(assembly, holder)
            if encrypting is not None:
                for action in ("kms:Decrypt", "kms:GenerateDataKey"):
                    yield ServiceNeed(PERSONALIZE, action, encrypting, encrypting, because, context)


def _of_dataset_groups(assembly: Assembly) -> Iterator[ServiceNeed]:
    for stack, logical_id, group in assembly.each("AWS::Personalize::DatasetGroup"):
        context = (("aws:SourceAccount", assembly.account), ("aws:SourceArn", stack.resolver.arn(logical_id)))
        key = group.get("KmsKeyArn")
        for action in PERSONALIZE_KEY if key else ():
            yield ServiceNeed(PERSONALIZE, action, str(key), str(key), f"{logical_id} is encrypted", context)


def _of_logs(assembly: Assembly) -> Iterator[ServiceNeed]:
    service = f"logs.{assembly.region}.amazonaws.com"
    where = f"{assembly.region}:{assembly.account}"
    for stack, logical_id, group in assembly.each("AWS::Logs::LogGroup"):
        arn = stack.resolver.arn(logical_id).removesuffix(":*")
        yield from _log_key(service, group.get("KmsKeyId"), arn, f"log group {logical_id}")
    for _, logical_id, security in assembly.each("AWS::Glue::SecurityConfiguration"):
        encryption = security.get("EncryptionConfiguration", {}).get("CloudWatchEncryption", {})
        arn = f"arn:aws:logs:{where}:log-group:/aws-glue/jobs/error"
        yield from _log_key(service, encryption.get("KmsKeyArn"), arn, f"security configuration {logical_id}")


def _log_key(service: str, key: Any, group: str, because: str) -> Iterator[ServiceNeed]:
    context = (("kms:EncryptionContext:aws:logs:arn", group),)
    for action in _LOG_KEY if key else ():
        yield ServiceNeed(service, action, str(key), str(key), because, context)


def _of_alarms(assembly: Assembly) -> Iterator[ServiceNeed]:
    context = (("aws:SourceAccount", assembly.account),)
    for _, logical_id, alarm in assembly.each("AWS::CloudWatch::Alarm"):
        for topic in [*alarm.get("AlarmActions", []), *alarm.get("OKActions", [])]:
            arguments = ("cloudwatch.amazonaws.com", "sns:Publish", str(topic), str(topic))
            yield ServiceNeed(*arguments, f"alarm {logical_id}", context)
            key = key_of(assembly, str(topic))
            for action in ("kms:Decrypt", "kms:GenerateDataKey") if key else ():
                service = "cloudwatch.amazonaws.com"
                yield ServiceNeed(service, action, str(key), str(key), f"alarm {logical_id}", context)


def _unmet(assembly: Assembly) -> Iterator[Finding]:
    known = policies(assembly)
    for need in dict.fromkeys(needs(assembly)):
        policy = known.get(need.holder)
        given = tuple(s for s in policy.statements if need.service in s.services) if policy else ()
        if not allowed(given, need.action, need.resource, dict(need.context)):
            yield Finding(
                policy.stack if policy else "(assembly)",
                policy.logical_id if policy else need.holder,
                "service-access",
                f"{need.because}: {need.service} may not do {need.action} on {need.resource}.",
                f"allow it to the service in the policy of {need.holder}.",
            )


def _key_owners(assembly: Assembly) -> Iterator[Finding]:
    root = f"arn:aws:iam::{assembly.account}:root"
    for stack, logical_id, _ in assembly.each("AWS::KMS::Key"):
        policy = policies(assembly)[stack.resolver.arn(logical_id)]
        given = tuple(s for s in policy.statements if root in s.accounts)
        if not allowed(given, "kms:PutKeyPolicy", "*") or not allowed(given, "kms:Decrypt", "*"):
            why = "without the account's root in its policy no IAM policy reaches the key."
            cure = f"allow kms:* to {root} in the key policy."
            yield Finding(stack.name, logical_id, "service-key-owner", why, cure)


def _deputies(assembly: Assembly) -> Iterator[Finding]:
    for policy in policies(assembly).values():
        for statement in policy.statements:
            if statement.effect != "Allow":
                continue
            conditions = str(statement.conditions)
            bound = (
                "aws:SourceAccount" in conditions
                or "aws:SourceArn" in conditions
                or ":logs:arn" in conditions
            )
            if statement.services and not bound:
                why = f"{', '.join(statement.services)} may use it on behalf of any account."
                cure = "add the condition aws:SourceAccount."
                yield Finding(policy.stack, policy.logical_id, "service-confused-deputy", why, cure)
            preflights = all(_is_preflight(one) for one in statement.resources)
            if "*" in statement.accounts and not statement.conditions and not preflights:
                why = "anyone may use it."
                cure = "name the principal."
                yield Finding(policy.stack, policy.logical_id, "service-public", why, cure)


def _is_preflight(resource: str) -> bool:
    """OPTIONS of a stage, in a policy of the API's own or in full; `service-method` says that a mock answers it."""
    return re.fullmatch(r"(arn:aws:)?execute-api:[^/]*/[^/*]+/OPTIONS/.*", resource) is not None


def _without_tls(assembly: Assembly) -> Iterator[Finding]:
    known = policies(assembly)
    for kind, action in _MUST_BE_TLS.items():
        for stack, logical_id, _ in assembly.each(kind):
            arn = stack.resolver.arn(logical_id)
            given = known[arn].statements if arn in known else ()
            resources = (arn, f"{arn}/x") if kind == "AWS::S3::Bucket" else (arn,)
            if not _denies(given, action, resources, "aws:SecureTransport", "false"):
                why = "it answers requests without TLS (AWS Foundational Security Best Practices refuse it)."
                cure = "deny aws:SecureTransport false to everyone in its policy."
                yield Finding(stack.name, logical_id, "service-tls", why, cure)
            if kind == "AWS::S3::Bucket" and not _denies(given, action, resources, "s3:TlsVersion", "1.2"):
                why = "it accepts TLS 1.0 and 1.1."
                cure = "deny s3:TlsVersion below 1.2 to everyone in its policy."
                yield Finding(stack.name, logical_id, "service-tls-version", why, cure)


def _denies(
    given: tuple[Statement, ...], action: str, resources: tuple[str, ...], key: str, value: str
) -> bool:
    return any(
        statement.effect == "Deny"
        and "*" in statement.accounts
        and action in statement.actions
        and all(matches_any(statement.resources, resource) for resource in resources)
        and any(str(keys.get(key)).lower() == value for keys in statement.conditions.values())
        for statement in given
    )


def _invocations(assembly: Assembly) -> Iterator[Finding]:
    """API Gateway calls a function as itself: the function's resource policy must let it."""
    permissions = [p for _, _, p in assembly.each("AWS::Lambda::Permission")]
    for stack, logical_id, method in assembly.each("AWS::ApiGateway::Method"):
        uri = str(method.get("Integration", {}).get("Uri", ""))
        found = re.search(r"functions/(arn:aws:lambda:[^/]+)/invocations", uri)
        if found is None:
            if method.get("Integration", {}).get("Type") == "AWS_PROXY":
                why = f"its integration's Uri {uri} names no function: every request answers 500."
                cure = "integrate with a function's invocation path."
                yield Finding(stack.name, logical_id, "service-integration", why, cure)
            continue
        tail = f"{_verb(method)}/{_path(stack.resources, logical_id)}"
        if not any(_permits(permission, found.group(1), tail) for permission in permissions):
            why = f"API Gateway may not invoke {found.group(1)} for {tail}: every request answers 500."
            cure = "add an AWS::Lambda::Permission for apigateway.amazonaws.com."
            yield Finding(stack.name, logical_id, "service-invocation", why, cure)


def _called(assembly: Assembly) -> Iterator[Finding]:
    """Functions that AppConfig asks before a deployment, and those that a topic's messages go to."""
    permissions = [p for _, _, p in assembly.each("AWS::Lambda::Permission")]
    for stack, logical_id, service, function, source in _callers(assembly):
        if not any(_lets(p, service, function, source, assembly.account) for p in permissions):
            why = f"{service} may not invoke {function}."
            cure = f"add an AWS::Lambda::Permission for {service}."
            yield Finding(stack, logical_id, "service-invocation", why, cure)


def _callers(assembly: Assembly) -> Iterator[tuple[str, str, str, str, str]]:
    """Stack and logical ID of what is set up, the service that calls, the function, and the ARN that it calls for."""
    where = f"arn:aws:appconfig:{assembly.region}:{assembly.account}"
    for stack, logical_id, profile in assembly.each("AWS::AppConfig::ConfigurationProfile"):
        for validator in profile.get("Validators", []):
            if validator.get("Type") == "LAMBDA":
                function, source = str(validator.get("Content")), f"{where}:application/x"
                yield stack.name, logical_id, "appconfig.amazonaws.com", function, source
    for stack, logical_id, subscription in assembly.each("AWS::SNS::Subscription"):
        if subscription.get("Protocol") == "lambda":
            function, topic = str(subscription.get("Endpoint")), str(subscription.get("TopicArn"))
            yield stack.name, logical_id, "sns.amazonaws.com", function, topic


def _invokes(permission: Mapping[str, Any], service: str, function: str) -> bool:
    """Whether it is one of the service to invoke the function, wherever the call comes from."""
    return (
        permission.get("Action") == "lambda:InvokeFunction"
        and permission.get("Principal") == service
        and permission.get("FunctionName") == function
    )


def _lets(permission: Mapping[str, Any], service: str, function: str, source: str, account: str) -> bool:
    return (
        _invokes(permission, service, function)
        and permission.get("SourceAccount", account) == account
        and matches_any((str(permission.get("SourceArn", "*")),), source)
    )


def _verb(method: Mapping[str, Any]) -> str:
    return "x" if method["HttpMethod"] == "ANY" else str(method["HttpMethod"])


def _path(resources: Mapping[str, Any], logical_id: str) -> str:
    """Path of a method; a parameter stands as `x`."""
    parts: list[str] = []
    parent = resources[logical_id]["Properties"]["ResourceId"]
    while isinstance(parent, dict) and parent.get("Ref") in resources:
        properties = resources[parent["Ref"]]["Properties"]
        parts.insert(0, re.sub(r"\{[^}]+\}", "x", str(properties["PathPart"])))
        parent = properties["ParentId"]
    return "/".join(parts)


_VERBS = frozenset(["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
_AUTHORIZATIONS = frozenset(["AWS_IAM", "COGNITO_USER_POOLS", "CUSTOM"])
_LEVELS = frozenset(["OFF", "ERROR", "INFO"])


def _methods(assembly: Assembly) -> Iterator[Finding]:
    """Values that CloudFormation's schema takes as any text, and API Gateway does not."""
    for stack, logical_id, method in assembly.each("AWS::ApiGateway::Method"):
        if method.get("HttpMethod") not in _VERBS:
            why = f"HttpMethod {method.get('HttpMethod')} is none of {', '.join(sorted(_VERBS))}."
            yield Finding(stack.name, logical_id, "service-method", why, "correct it.")
        if method.get("HttpMethod") != "OPTIONS" and method.get("AuthorizationType") not in _AUTHORIZATIONS:
            why = f"AuthorizationType is {method.get('AuthorizationType')}: anyone may call, or nobody."
            yield Finding(stack.name, logical_id, "service-method", why, "authorize by AWS_IAM.")
        if method.get("AuthorizationType") == "NONE" and method.get("Integration", {}).get("Type") != "MOCK":
            why = "anyone may call it, and its integration is more than a mock."
            yield Finding(stack.name, logical_id, "service-method", why, "answer preflights by a mock.")
    for stack, logical_id, stage in assembly.each("AWS::ApiGateway::Stage"):
        for setting in stage.get("MethodSettings", []):
            if setting.get("LoggingLevel", "OFF") not in _LEVELS:
                why = f"LoggingLevel {setting['LoggingLevel']} is none of {', '.join(sorted(_LEVELS))}."
                yield Finding(stack.name, logical_id, "service-method", why, "correct it.")


def _permits(permission: Mapping[str, Any], function: str, tail: str) -> bool:
    source = str(permission.get("SourceArn", "")).split("/", 2)
    return (
        _invokes(permission, "apigateway.amazonaws.com", function)
        and len(source) == 3
        and source[1] != "test-invoke-stage"
        and matches_any((source[2],), tail)
    )
