from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.testing.running import allow, caller, error_of, make_role, name, session_of


def test_a_denial_names_the_action_and_the_resource_and_carries_a_request_id(cloud: Endpoint) -> None:
    client = caller(cloud, allow("dynamodb:GetItem", resource="arn:aws:dynamodb:*:*:table/other"))
    with pytest.raises(ClientError) as raised:
        client("dynamodb").get_item(TableName="mine", Key={"pk": {"S": "a"}})
    response = raised.value.response
    table = f"arn:aws:dynamodb:{cloud.region}:{cloud.account}:table/mine"
    assert f"dynamodb:GetItem on resource: {table}" in response["Error"]["Message"]
    assert response["ResponseMetadata"]["RequestId"]


def test_a_wrong_secret_is_refused(cloud: Endpoint) -> None:
    issued = session_of(cloud, make_role(cloud, allow("*")))
    forged = Credentials(issued.access_key, "wrong", issued.token)
    code, _ = error_of(lambda: cloud.client("dynamodb", forged).list_tables())
    assert code == "InvalidSignatureException"


def test_http_on_the_loopback_counts_as_tls(cloud: Endpoint) -> None:
    bucket = name("tls")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=(
            '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*",'
            f'"Resource":["arn:aws:s3:::{bucket}/*"],"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}]}}'
        ),
    )
    caller(cloud, allow("s3:PutObject"))("s3").put_object(Bucket=bucket, Key="k", Body=b"")


def test_publishing_needs_an_identity_policy_under_the_default_topic_policy(cloud: Endpoint) -> None:
    stack, topic = name("stack"), name("topic")
    template = '{"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "%s"}}}}'
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(StackName=stack, TemplateBody=template % topic)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    arn = f"arn:aws:sns:{cloud.region}:{cloud.account}:{topic}"
    client = caller(cloud, allow("sns:ListTopics"))
    assert error_of(lambda: client("sns").publish(TopicArn=arn, Message="m"))[0] == "AuthorizationError"
    caller(cloud, allow("sns:Publish"))("sns").publish(TopicArn=arn, Message="m")
