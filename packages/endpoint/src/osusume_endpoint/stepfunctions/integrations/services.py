"""The three names of a service: in a Resource (`sfn`), in botocore (`stepfunctions`), in errors (`Sfn`)."""

from __future__ import annotations

import re
from functools import lru_cache

from botocore.model import OperationModel, ServiceModel

from osusume_endpoint import wire

# Resources use the AWS SDK for Java's names; these are the ones that botocore spells otherwise.
BOTOCORE_NAMES = {
    "apigatewaymanagementapi": "apigatewaymanagementapi",
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
    "lexmodelbuilding": "lex-models",
    "rdsdata": "rds-data",
    "sfn": "stepfunctions",
}


class UnknownService(LookupError):
    """No such service, or no such action of it."""


@lru_cache(maxsize=1)
def _by_plain_name() -> dict[str, str]:
    return {name.replace("-", ""): name for name in wire.session().get_available_services()}


def botocore_name(service: str) -> str:
    """`personalizeruntime` → `personalize-runtime`."""
    name = BOTOCORE_NAMES.get(service.lower(), _by_plain_name().get(service.lower()))
    if name is None:
        raise UnknownService(f"The service '{service}' is not known to boto3")
    return name


def service_model(service: str) -> ServiceModel:
    return wire.service_model(botocore_name(service))


def operation_model(service: str, action: str) -> OperationModel:
    """`putItem` → PutItem; the action's first letter is small, all others are as in the API."""
    model = service_model(service)
    wanted = action[:1].upper() + action[1:]
    if action[:1].isupper() or wanted not in model.operation_names:
        raise UnknownService(f"The service '{service}' has no action '{action}'")
    return model.operation_model(wanted)


def error_prefix(service: str) -> str:
    """The service id in the SDK for Java's casing: `DynamoDB` → `DynamoDb`, `RDS Data` → `RdsData`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(service_model(service).service_id)).split()
    return "".join(word[:1].upper() + word[1:].lower() for word in words)
