"""What the embedded emulator answers by itself: throttling of a stage, keys and usage plans."""

from __future__ import annotations

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.testing.running import name
from tests.apigateway.test_rest import call, make_api


def status_of(cloud: Endpoint, api: str, user: Credentials, *, key: str | None = None) -> int:
    return call(cloud, f"{api}/lists?n=1", user, key=key)[0]


def test_calls_beyond_the_stages_burst_are_429(cloud: Endpoint, user: Credentials) -> None:
    api = make_api(cloud)
    limits = {"rateLimit": "0.01", "burstLimit": "2"}
    cloud.client("apigateway").update_stage(
        restApiId=api.split("/")[-2],
        stageName="live",
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{limit}", "value": value}
            for limit, value in limits.items()
        ],
    )
    assert [status_of(cloud, api, user) for _ in range(4)] == [200, 200, 429, 429]


def test_a_method_that_requires_a_key_refuses_calls_without_one(cloud: Endpoint, user: Credentials) -> None:
    api, gateway = make_api(cloud), cloud.client("apigateway")
    rest = api.split("/")[-2]
    [lists] = [r for r in gateway.get_resources(restApiId=rest)["items"] if r.get("pathPart") == "lists"]
    gateway.update_method(
        restApiId=rest,
        resourceId=lists["id"],
        httpMethod="GET",
        patchOperations=[{"op": "replace", "path": "/apiKeyRequired", "value": "true"}],
    )
    gateway.create_deployment(restApiId=rest, stageName="live")
    key = gateway.create_api_key(name=name("key"), enabled=True)
    plan = gateway.create_usage_plan(name=name("plan"), apiStages=[{"apiId": rest, "stage": "live"}])
    assert status_of(cloud, api, user) == 403
    assert status_of(cloud, api, user, key=key["value"]) == 403  # of no plan of this stage
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    assert status_of(cloud, api, user, key=key["value"]) == 200
