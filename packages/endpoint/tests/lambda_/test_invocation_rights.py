"""EventBridge's rules and the check that we put before their targets."""

from __future__ import annotations

import json

from osusume_endpoint.endpoint import Endpoint


def test_a_rule_delivers_its_events_to_a_queue(cloud: Endpoint) -> None:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    queue = sqs.create_queue(QueueName="rule-target")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="orders", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="orders", Targets=[{"Id": "queue", "Arn": arn}])
    entry = {"Source": "shop", "DetailType": "Order", "Detail": json.dumps({"id": 7})}
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["detail"] == {"id": 7}
