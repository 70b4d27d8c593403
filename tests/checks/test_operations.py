"""Operations that only `make up` and `make demo` use, on an endpoint: the fidelity page counts them as tested."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import error_of, name, running

TOPIC = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    home: Path = tmp_path_factory.mktemp("operations")
    with running(home, plugins="iam,cloudformation,apigateway,guard") as endpoint:
        yield endpoint


def test_the_stages_of_an_api_are_found_by_its_name(cloud: Endpoint) -> None:
    gateway, api_name = cloud.client("apigateway"), name("api")
    api = gateway.create_rest_api(name=api_name)["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="live")
    assert [item["id"] for item in gateway.get_rest_apis()["items"] if item["name"] == api_name] == [api]
    assert [stage["stageName"] for stage in gateway.get_stages(restApiId=api)["item"]] == ["live"]


def test_a_bucket_that_is_there_answers_and_another_does_not(cloud: Endpoint) -> None:
    s3, bucket = cloud.client("s3"), name("bucket")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert error_of(lambda: s3.head_bucket(Bucket=name("absent")))[0] == "404"


def test_a_stack_gives_back_the_template_that_made_it(cloud: Endpoint) -> None:
    cloudformation, stack = cloud.client("cloudformation"), name("stack")
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(TOPIC))
    body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    assert (json.loads(body) if isinstance(body, str) else body) == TOPIC
