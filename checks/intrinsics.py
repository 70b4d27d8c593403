"""Resolves a template's intrinsic functions to the values that a deployment would give them, offline.

What only AWS knows (a generated name, an endpoint) becomes a stable placeholder such as `<Vpc>`; ARNs are
built from physical names, so that policies can be compared with the calls they are meant to allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any

# Type: (ARN below arn:aws, property that holds the physical name). {region} and {account} are filled in.
_ARNS: Mapping[str, tuple[str, str]] = {
    "AWS::S3::Bucket": ("s3:::{name}", "BucketName"),
    "AWS::DynamoDB::Table": ("dynamodb:{region}:{account}:table/{name}", "TableName"),
    "AWS::DynamoDB::GlobalTable": ("dynamodb:{region}:{account}:table/{name}", "TableName"),
    "AWS::Lambda::Function": ("lambda:{region}:{account}:function:{name}", "FunctionName"),
    "AWS::CodeBuild::Project": ("codebuild:{region}:{account}:project/{name}", "Name"),
    "AWS::StepFunctions::StateMachine": ("states:{region}:{account}:stateMachine:{name}", "StateMachineName"),
    "AWS::IAM::Role": ("iam::{account}:role/{name}", "RoleName"),
    "AWS::IAM::ManagedPolicy": ("iam::{account}:policy/{name}", "ManagedPolicyName"),
    "AWS::KMS::Key": ("kms:{region}:{account}:key/{name}", ""),
    "AWS::SNS::Topic": ("sns:{region}:{account}:{name}", "TopicName"),
    "AWS::SQS::Queue": ("sqs:{region}:{account}:{name}", "QueueName"),
    "AWS::Logs::LogGroup": ("logs:{region}:{account}:log-group:{name}:*", "LogGroupName"),
    "AWS::Personalize::DatasetGroup": ("personalize:{region}:{account}:dataset-group/{name}", "Name"),
    "AWS::Personalize::Schema": ("personalize:{region}:{account}:schema/{name}", "Name"),
    "AWS::Personalize::Solution": ("personalize:{region}:{account}:solution/{name}", "Name"),
    "AWS::Personalize::Filter": ("personalize:{region}:{account}:filter/{name}", "Name"),
    "AWS::Glue::Job": ("glue:{region}:{account}:job/{name}", "Name"),
    "AWS::Glue::Connection": ("glue:{region}:{account}:connection/{name}", "ConnectionInput.Name"),
    "AWS::Personalize::Dataset": ("personalize:{region}:{account}:dataset/{name}", "Name"),
    "AWS::SecretsManager::Secret": ("secretsmanager:{region}:{account}:secret:{name}-000000", "Name"),
    "AWS::RedshiftServerless::Workgroup": (
        "redshift-serverless:{region}:{account}:workgroup/{name}",
        "WorkgroupName",
    ),
    "AWS::RedshiftServerless::Namespace": (
        "redshift-serverless:{region}:{account}:namespace/{name}",
        "NamespaceName",
    ),
}
# Types whose Ref is their ARN.
_REF_IS_ARN = frozenset(
    [
        "AWS::StepFunctions::StateMachine",
        "AWS::SNS::Topic",
        "AWS::SecretsManager::Secret",
        "AWS::IAM::ManagedPolicy",
    ]
)
# Whose Ref is the ARN of the secret that they attach.
_REF_IS_SECRET = frozenset(["AWS::SecretsManager::SecretTargetAttachment"])


@dataclass(frozen=True)
class Resolver:
    """Resolves values of one template. `parameters` are the SSM parameters of all stacks, by name."""

    resources: Mapping[str, Mapping[str, Json]]
    account: str
    region: str
    template: Mapping[str, Json] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)

    def resolve(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self.resolve(part) for part in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._intrinsic(name, argument)
        return {key: self.resolve(part) for key, part in value.items() if part != {"Ref": "AWS::NoValue"}}

    def _intrinsic(self, name: str, argument: Json) -> Json:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise ValueError(
                f"intrinsic function {name} can't be resolved offline: teach checks/intrinsics.py"
            )
        return function(self, argument)

    def _ref(self, target: str) -> Json:
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": "<stack>",
            "AWS::StackId": "<stack>",
        }
        if target in pseudo:
            return pseudo[target]
        if target in self.resources:
            if self._type(target) in _REF_IS_SECRET:
                return self.resolve(self.resources[target]["Properties"]["SecretId"])
            return self.arn(target) if self._type(target) in _REF_IS_ARN else self.name(target)
        return self._parameter(target)

    def _parameter(self, target: str) -> Json:
        parameter = self.template.get("Parameters", {}).get(target, {})
        default = parameter.get("Default", f"<{target}>")
        if str(parameter.get("Type", "")).startswith("AWS::SSM::Parameter::Value"):
            return self.parameters.get(default, f"<ssm:{default}>")
        return default

    def _type(self, logical_id: str) -> str:
        return str(self.resources[logical_id]["Type"])

    def name(self, logical_id: str) -> str:
        """Physical name, or `<LogicalId>` where CloudFormation makes one up."""
        properties = self.resources[logical_id].get("Properties", {})
        key = _ARNS.get(self._type(logical_id), ("", ""))[1] or "Name"
        given: Json = properties
        for part in key.split("."):
            given = given.get(part) if isinstance(given, dict) else None
        return str(self.resolve(given)) if given is not None else f"<{logical_id}>"

    def arn(self, logical_id: str) -> str:
        form = _ARNS.get(self._type(logical_id), ("<" + self._type(logical_id) + ">:{name}", ""))[0]
        return "arn:aws:" + form.format(name=self.name(logical_id), region=self.region, account=self.account)

    def _get_att(self, argument: Json) -> Json:
        logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        if logical_id in self.resources and str(attribute).split(".")[-1].lower().endswith("arn"):
            # DynamoDB labels a stream by its moment: any stands for it.
            return self.arn(logical_id) + ("/stream/x" if attribute == "StreamArn" else "")
        return f"<{logical_id}.{attribute}>"

    def _join(self, argument: Json) -> str:
        separator, parts = argument
        resolved = self.resolve(parts)
        return separator.join(str(part) for part in (resolved if isinstance(resolved, list) else [resolved]))

    def _sub(self, argument: Json) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in given:
                return str(self.resolve(given[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def _select(self, argument: Json) -> Json:
        index, values = argument
        resolved = self.resolve(values)
        if isinstance(resolved, list) and int(index) < len(resolved):
            return resolved[int(index)]
        return f"<select {index} of {resolved}>"

    def _split(self, argument: Json) -> Json:
        separator, text = argument
        return str(self.resolve(text)).split(separator)

    def _if(self, argument: Json) -> Json:
        return self.resolve(argument[1])


_FUNCTIONS: Mapping[str, Callable[[Resolver, Json], Json]] = {
    "Ref": Resolver._ref,
    "Fn::GetAtt": Resolver._get_att,
    "Fn::Join": Resolver._join,
    "Fn::Sub": Resolver._sub,
    "Fn::Select": Resolver._select,
    "Fn::Split": Resolver._split,
    "Fn::If": Resolver._if,
    "Fn::ImportValue": lambda self, argument: f"<import {self.resolve(argument)}>",
    "Fn::GetAZs": lambda self, argument: ["<zone-a>", "<zone-b>"],
    "Fn::Cidr": lambda self, argument: ["<cidr>"] * 16,
    "Fn::Base64": lambda self, argument: self.resolve(argument),
}
