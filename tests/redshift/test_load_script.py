"""The product's own load script runs on the local warehouse, and Redshift's rules about users hold."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from lambdas.load_warehouse import script
from osusume_endpoint.testing.warehouse import Warehouse

LOAD = Path(__file__).parents[2] / "warehouse" / "load"
RUN = "20260102T030405Z"
ROWS = {
    "users": {"run_id": RUN, "user_id": "u1"},
    "items": {"run_id": RUN, "item_id": "i1"},
    "orders": {"run_id": RUN, "order_id": "o1", "user_id": "u1", "item_id": "i1",
               "ordered_at": "2026-01-01T00:00:00.000Z", "sales_value": 1.5},
    "interactions": {"run_id": RUN, "user_id": "u1", "item_id": "i1",
                     "occurred_at": "2026-01-01T00:00:00.000Z", "event_type": "purchase", "event_value": 2.0},
    "events": {"run_id": RUN, "event_id": "e1", "event_type": "click", "user_id": "u1", "item_id": "i1",
               "occurred_at": "2026-01-01T00:00:00.000Z", "impression": "[\"i1\"]", "simulated": False},
    "recommendations": {"run_id": RUN, "solution": "s", "entity_id": "u1", "rank": 1, "item_id": "i1",
                        "score": 0.5},
    "solution_version_metrics": {"run_id": RUN, "solution": "s", "recipe": "r", "solution_version_arn": "arn",
                                 "metric": "coverage", "value": 0.5, "promoted": True,
                                 "created_at": "2026-01-01T00:00:00.000Z"},
}  # fmt: skip


def _statements(warehouse: Warehouse) -> list[str]:
    columns = {"users": {"user_id": "varchar(256)"}, "items": {"item_id": "varchar(256)"}}
    values = {
        "results_bucket": "warehouse-lake",
        "run_id": RUN,
        "copy_role_arn": warehouse.role,
        "database": "analytics",
    }
    return script.statements(folder=LOAD, values=values | script.column_values(columns))


def test_the_load_script_loads_every_table_and_may_run_twice(warehouse: Warehouse) -> None:
    for table, row in ROWS.items():
        body = gzip.compress(json.dumps(row).encode())
        warehouse.cloud.put("warehouse-lake", f"runs/{RUN}/warehouse/{table}/part-0.json.gz", body)
    for _ in range(2):
        warehouse.ok(*_statements(warehouse))
        counts = {table: warehouse.rows(f"select count(*) from raw.{table}")[0][0] for table in ROWS}
        assert counts == dict.fromkeys(ROWS, 1)


def test_a_loader_without_the_owners_secret_is_refused_as_on_redshift(warehouse: Warehouse) -> None:
    warehouse.cloud.role(
        "loader",
        service="lambda.amazonaws.com",
        actions=["redshift-data:*", "redshift-serverless:GetCredentials"],
    )
    assert "ERROR: " in warehouse.error(*_statements(warehouse), as_role="loader")
