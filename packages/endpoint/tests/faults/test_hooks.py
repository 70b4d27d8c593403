"""What the faults reach into: a new version that moves one fails here, by name."""

from __future__ import annotations

import importlib
import inspect

import pytest

FUNCTIONS = {
    "hypercorn.asyncio.tcp_server.TCPServer.run": ["self"],
    "ministack.services.s3._atomic_write": ["fpath", "data", "text"],
    "ministack.services.s3._dispatch": ["method", "bucket", "key", "headers", "body", "query_params"],
    "ministack.services.s3._error": ["code", "message", "status", "resource"],
    "ministack.services.s3._object_disk_path": ["bucket", "key", "account_id"],
    "ministack.services.s3._persist_object": ["bucket", "key", "obj"],
    "ministack.services.s3._qp": ["params", "key"],
}
STORES = (
    "ministack.services.dynamodb._tables",
    "ministack.services.s3._buckets",
    "ministack.services.s3._completed_multipart_uploads",
    "ministack.services.s3._multipart_uploads",
    "ministack.services.s3._object_versions",
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_replaced_function_has_the_parameters_that_we_know(name: str) -> None:
    parameters = list(inspect.signature(_found(name)).parameters)
    assert parameters[: len(FUNCTIONS[name])] == FUNCTIONS[name]


@pytest.mark.parametrize("name", STORES)
def test_a_store_is_where_we_look_for_it(name: str) -> None:
    assert callable(_found(name).get)


def _found(name: str) -> object:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AssertionError(name)
