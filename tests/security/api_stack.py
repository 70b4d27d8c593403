"""The API of the serving stack's own template, deployed to an endpoint with other functions behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running
from tests.stacks.conftest import Assembly

KINDS = frozenset(
    "RestApi Resource Method Authorizer Deployment Stage RequestValidator ApiKey UsagePlan UsagePlanKey "
    "GatewayResponse".split()
)


def deployed(
    cloud: Endpoint, assembly: Assembly, *, function: Callable[[str], str]
) -> tuple[str, dict[str, str]]:
    """(URL of the stage, physical ids by logical ones). `function`: name of the one for a function's logical id."""
    template = assembly.templates["serving"]["Resources"]
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:"

    def placed(value: Any) -> Any:
        """The template's functions, account and region are those of this endpoint."""
        if isinstance(value, str):
            settings = assembly.settings
            return value.replace(settings.account, cloud.account).replace(settings.region, cloud.region)
        if isinstance(value, dict) and "Fn::GetAtt" in value and "Function" in value["Fn::GetAtt"][0]:
            return arn + function(value["Fn::GetAtt"][0])
        if isinstance(value, dict):
            return {key: placed(one) for key, one in value.items()}
        return [placed(one) for one in value] if isinstance(value, list) else value

    kept = {name: placed(one) for name, one in template.items() if _is_of_the_api(one)}
    for one in kept.values():
        one["Properties"].pop("AccessLogSetting", None)
        needs = one.pop("DependsOn", [])
        one["DependsOn"] = [name for name in ([needs] if isinstance(needs, str) else needs) if name in kept]
    return _made(cloud, kept)


def _is_of_the_api(resource: dict[str, Any]) -> bool:
    kind = resource["Type"].removeprefix("AWS::ApiGateway::")
    return kind in KINDS or (kind == "AWS::Lambda::Permission" and "execute-api" in json.dumps(resource))


def _made(cloud: Endpoint, resources: dict[str, Any]) -> tuple[str, dict[str, str]]:
    stack, client = running.name("api"), cloud.client("cloudformation")
    client.create_stack(StackName=stack, **_template(cloud, stack, json.dumps({"Resources": resources})))
    client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    listed = client.describe_stack_resources(StackName=stack)["StackResources"]
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed}
    [rest] = [ids[name] for name, one in resources.items() if one["Type"] == "AWS::ApiGateway::RestApi"]
    return f"{cloud.url}/_aws/execute-api/{rest}/live", ids


def _template(cloud: Endpoint, stack: str, body: str) -> dict[str, str]:
    """A request may have 51,200 bytes of it; more lies in a bucket."""
    if len(body) <= 51_200:
        return {"TemplateBody": body}
    store = cloud.client("s3")
    store.create_bucket(Bucket=stack, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    store.put_object(Bucket=stack, Key="template.json", Body=body.encode())
    return {"TemplateURL": f"https://s3.{cloud.region}.amazonaws.com/{stack}/template.json"}


def of_type(ids: dict[str, str], assembly: Assembly, kind: str) -> Collection[str]:
    """Physical ids of the template's resources of a type."""
    template = assembly.templates["serving"]["Resources"]
    return [ids[name] for name, one in template.items() if one["Type"] == f"AWS::ApiGateway::{kind}"]
