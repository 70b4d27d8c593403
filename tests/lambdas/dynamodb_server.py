"""A DynamoDB of one table over HTTP whose answers can be made to fail, for the real client to meet."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

HANG_SECONDS = 1.0


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.fault: Fault | None = None
        self.remaining: int | None = None  # how many more requests the fault hits; None is all
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def put(self, pk: str, sk: str, **attributes: str) -> None:
        self.items[pk, sk] = {
            "pk": {"S": pk},
            "sk": {"S": sk},
            **{k: {"S": v} for k, v in attributes.items()},
        }

    def fail(self, fault: Fault, times: int | None = None) -> None:
        self.fault, self.remaining, self.requests = fault, times, []

    def next_fault(self) -> Fault | None:
        if self.remaining == 0:
            return None
        if self.remaining is not None:
            self.remaining -= 1
        return self.fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are the point of these tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["X-Amz-Target"].endswith(".BatchGetItem")
        asked = [(table, key) for table, row in body["RequestItems"].items() for key in row["Keys"]]
        assert 1 <= len(asked) <= 100 and len({json.dumps(one) for one in asked}) == len(asked)
        self.server.requests.append("+".join(key["pk"]["S"] for _, key in asked))
        self.asked = asked
        answer = self.found(
            lambda key: self.server.items.get((key["pk"]["S"], key.get("sk", {}).get("S", "")))
        )
        fault = self.server.next_fault()
        if fault is None:
            self.send(200, json.dumps(answer).encode())
        else:
            fault(self, answer)

    def found(self, item_of: Callable[[Any], Any]) -> Any:
        """BatchGetItem's answer with the items of the keys that were asked for, in another order than they were."""
        responses: dict[str, list[Any]] = {table: [] for table, _ in self.asked}
        for table, key in reversed(self.asked):
            if item := item_of(key):
                responses[table].append(item)
        capacity = [{"TableName": table, "CapacityUnits": 0.5} for table in responses]
        return {"Responses": responses, "UnprocessedKeys": {}, "ConsumedCapacity": capacity}

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/x-amz-json-1.0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.get("claimed", str(len(body))))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


Fault = Callable[[Handler, Any], None]


def error(status: int, code: str) -> Fault:
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return lambda handler, answer: handler.send(status, json.dumps({"__type": kind, "message": "x"}).encode())


def raw(body: bytes) -> Fault:
    return lambda handler, answer: handler.send(200, body)


def wrong(**item: Any) -> Fault:
    """A whole answer with items that nobody wrote, under the keys that were asked for."""
    return lambda handler, answer: handler.send(
        200, json.dumps(handler.found(lambda key: {**key, **item})).encode()
    )


def unprocessed(handler: Handler, answer: Any) -> None:
    """What DynamoDB answers where it throttles a part of the keys."""
    left = {table: {"Keys": [key]} for table, key in handler.asked}
    handler.send(200, json.dumps({**answer, "Responses": {}, "UnprocessedKeys": left}).encode())


def hang(handler: Handler, answer: Any) -> None:
    time.sleep(HANG_SECONDS)
    handler.close_connection = True


def reset(handler: Handler, answer: Any) -> None:
    handler.close_connection = True


def drip(handler: Handler, answer: Any) -> None:
    """A byte each 50 ms: no time-out of a socket ever passes."""
    body = json.dumps(answer).encode()
    handler.send_response_only(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    for byte in body[: int(HANG_SECONDS / 0.05)]:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)
    handler.close_connection = True


def truncate(handler: Handler, answer: Any) -> None:
    handler.send(200, b'{"Item": {"it', claimed="500")
    handler.close_connection = True


FAULTS: dict[str, Fault] = {
    "throttle": error(400, "ProvisionedThroughputExceededException"),
    "request limit": error(400, "RequestLimitExceeded"),
    "internal error": error(500, "InternalServerError"),
    "unavailable": error(503, "ServiceUnavailable"),
    "access denied": error(400, "AccessDeniedException"),
    "expired token": error(400, "ExpiredTokenException"),
    "no such table": error(400, "ResourceNotFoundException"),
    "hang": hang,
    "drip": drip,
    "reset": reset,
    "truncated": truncate,
    "not json": raw(b"\xff\xfe{"),
    "empty body": raw(b""),
    "an array": raw(b"[1, 2]"),
    "an html page": raw(b"<html>502</html>"),
    "keys left out": unprocessed,
    "items that are a string": raw(b'{"Responses": "x", "ConsumedCapacity": []}'),
    "an item that is a string": raw(b'{"Responses": {"recommendations": ["x"]}, "ConsumedCapacity": []}'),
    "an item without attributes": wrong(),
    "an item of another key": wrong(pk={"S": "x"}, items={"S": '[["x",1]]'}, current={"S": "x"}),
    "an attribute of another type": wrong(items={"N": "1"}, current={"N": "1"}),
    "a list cut short": wrong(items={"S": '[["a",0.5],["b'}, current={"S": "v"}),
    "a list of something else": wrong(items={"S": "[[1,2,3]]"}, current={"NULL": True}),
    "a list with a score that is no number": wrong(items={"S": '[["a",NaN]]'}, current={"M": {}}),
    "a list with an endless score": wrong(items={"S": '[["a",1e999]]'}, current={"M": {}}),
    "a list with an empty id": wrong(items={"S": '[["",1]]'}, current={"M": {}}),
    "a list with an item twice": wrong(items={"S": '[["a",2],["a",1]]'}, current={"M": {}}),
    "a list that nests without end": wrong(items={"S": "[" * 150_000}, current={"M": {}}),
    "an empty list": wrong(items={"S": "[]"}, current={"L": []}),
}


Kind = TypeVar("Kind", bound=Server)


@contextmanager
def running(kind: type[Kind] = Server) -> Iterator[Kind]:  # type: ignore[assignment]
    server = kind()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
