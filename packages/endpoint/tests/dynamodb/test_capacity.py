"""What a BatchGetItem costs: the developer guide's rules of capacity units."""

from __future__ import annotations

from osusume_endpoint.endpoint import Endpoint
from tests.dynamodb.test_export import make_table


def test_a_batch_that_is_asked_to_says_what_it_cost_by_table(cloud: Endpoint) -> None:
    """Half a unit for each 4 KB of each item, and for a key without an item; a whole one read consistently."""
    dynamodb, (table, _) = cloud.client("dynamodb"), make_table(cloud)
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "small"}})
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "large"}, "text": {"S": "x" * 9000}})
    keys = [{"pk": {"S": key}} for key in ("small", "large", "absent")]
    for consistent, units in ((False, 2.5), (True, 5.0)):
        asked = {table: {"Keys": keys, "ConsistentRead": consistent}}
        answer = dynamodb.batch_get_item(RequestItems=asked, ReturnConsumedCapacity="TOTAL")
        assert answer["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": units}]
        assert len(answer["Responses"][table]) == 2
    assert "ConsumedCapacity" not in dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})
