from __future__ import annotations

import time

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.guard import calls
from osusume_endpoint.testing.running import allow, caller, error_of, name


def last_calls(cloud: Endpoint, action: str) -> list[dict[str, object]]:
    return [c for c in calls.read(cloud.home / "calls.jsonl") if c["action"] == action]


def test_a_call_only_a_stub_would_answer_is_refused_by_name_and_recorded(cloud: Endpoint) -> None:
    client = cloud.client("athena")
    code, message = error_of(lambda: client.start_query_execution(QueryString="select 1"))
    assert code == "NotEmulated"
    assert "athena:StartQueryExecution" in message
    assert last_calls(cloud, "athena:StartQueryExecution")[-1]["stub"] is True


def test_every_call_is_recorded_with_its_caller_resource_and_outcome(cloud: Endpoint) -> None:
    table, started = name("table"), time.time()
    client = caller(cloud, allow("dynamodb:DescribeTable", resource="arn:aws:dynamodb:*:*:table/other"))
    error_of(lambda: client("dynamodb").describe_table(TableName=table))
    call = last_calls(cloud, "dynamodb:DescribeTable")[-1]
    assert call["caller"].startswith(f"arn:aws:sts::{cloud.account}:assumed-role/role-")  # type: ignore[attr-defined]
    assert call["resource"] == f"arn:aws:dynamodb:{cloud.region}:{cloud.account}:table/{table}"
    assert (call["status"], call["code"], call["stub"]) == (403, "AccessDeniedException", False)
    assert call["time"] >= started - 1  # type: ignore[operator]
