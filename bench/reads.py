"""What a read costs and what it bears: `python -m bench.reads cpu`, `python -m bench.reads faults [--reads N]`.

The read function's own handler, over HTTP, against a store of this machine whose answers can be made to fail. `cpu`
counts the CPU of the process that reads, with what is shown sent to a queue; the servers are processes of their own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from config import layout, serving
from lambdas.get_recommendations import fallback, handler, placements
from lambdas.get_recommendations.store import Store
from tests import example
from tests.lambdas import dynamodb_server
from tests.lambdas.dynamodb_server import FAULTS, Fault, Server

RUN, MISSING = "20261124T030000Z", "20261125T030000Z"
USERS, ITEMS = 50, 20
MS = 1000.0
CPU_MS, P99_MS, WORST_MS = 1.1, 200.0, 350.0
SPIKE_SECONDS = 0.12
CPU_ROUNDS, CPU_READS = 7, 300


@dataclass(frozen=True)
class Scenario:
    """`share` of the store's answers has the fault; without one its content is changed by `spoil`."""

    name: str
    fault: Fault | None = None
    share: float = 1.0
    spoil: Callable[[Server], None] | None = None


@dataclass(frozen=True)
class Borne:
    """Milliseconds of each read of a scenario, and how many of them were answered 200."""

    name: str
    cold: bool
    answered: int
    took: Sequence[float]

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.took, n=100, method="inclusive")[98]

    @property
    def holds(self) -> bool:
        within = self.p99 <= P99_MS and max(self.took) <= WORST_MS
        return self.answered == len(self.took) and within


def _spike(answering: dynamodb_server.Handler, answer: Any) -> None:
    time.sleep(SPIKE_SECONDS)
    answering.send(200, json.dumps(answer).encode())


def _missing(server: Server) -> None:
    for name in ("personal", "related", "popular"):
        server.put(layout.POINTER.of(list=name), layout.POINTER_SK, current=MISSING)


def _corrupt(server: Server) -> None:
    _rewritten(server, lambda text: text.replace('"', "'"))


def _truncated(server: Server) -> None:
    _rewritten(server, lambda text: text[: len(text) // 2])


def _rewritten(server: Server, change: Callable[[str], str]) -> None:
    for item in server.items.values():
        if "items" in item:
            item["items"] = {"S": change(item["items"]["S"])}


SCENARIOS = (
    Scenario("throttles, 30%", FAULTS["throttle"], 0.3),
    Scenario("throttles, 100%", FAULTS["throttle"]),
    Scenario("500s, 30%", FAULTS["internal error"], 0.3),
    Scenario("500s, 100%", FAULTS["internal error"]),
    Scenario("resets, 30%", FAULTS["reset"], 0.3),
    Scenario("resets, 100%", FAULTS["reset"]),
    Scenario("hangs, 2%", FAULTS["hang"], 0.02),
    Scenario("hangs, 100%", FAULTS["hang"]),
    Scenario("spikes of 120 ms, 5%", _spike, 0.05),
    Scenario("corrupt items", spoil=_corrupt),
    Scenario("truncated items", spoil=_truncated),
    Scenario("pointers to a missing version", spoil=_missing),
    Scenario("access denied", FAULTS["access denied"]),
    Scenario("expired credentials", FAULTS["expired token"]),
)


class Faulty(Server):
    """A share of the answers fails, by chance from a seed."""

    scenario: Scenario | None = None
    chance = random.Random(7)

    def next_fault(self) -> Fault | None:
        one = self.scenario
        return one.fault if one and one.fault and self.chance.random() < one.share else None


def fill(server: Server) -> None:
    server.items.clear()
    for name in ("personal", "related", "popular"):
        server.put(layout.POINTER.of(list=name), layout.POINTER_SK, current=RUN)
    for number in range(USERS):
        server.put(f"personal#u{number}", RUN, items=_ranked(f"p{number}"))
        deeds = [f"s|{int(time.time()) - n}|p{number}-{n}" for n in range(40)]
        server.items[f"u{number}", ""] = {layout.PK: {"S": f"u{number}"}, "deeds": {"SS": deeds}}
    for number in range(ITEMS):
        server.put(f"related#i{number}", RUN, items=_ranked(f"r{number}"))
    server.put("popular#everyone", RUN, items=_ranked("t"))


def _ranked(prefix: str) -> str:
    return json.dumps([[f"{prefix}-{n}", 1 / (n + 1)] for n in range(25)])


@contextmanager
def packaged(url: str, **variables: str) -> Iterator[None]:
    """The read function as it is deployed with the tests' configuration, reading at `url`."""
    settings = example.settings()
    with tempfile.TemporaryDirectory() as folder:
        places = Path(folder) / "serving.json", Path(folder) / "default_items.json"
        places[0].write_text(serving.text(settings))
        places[1].write_text(json.dumps(settings.api.default_items))
        placements.SERVING, fallback.DEFAULT_ITEMS = places
        os.environ.update(
            RECOMMENDATIONS_TABLE="recommendations",
            USER_STATE_TABLE="user-state",
            POWERTOOLS_METRICS_NAMESPACE="Osusume/bench",
            POWERTOOLS_SERVICE_NAME="get_recommendations",
            POWERTOOLS_LOG_LEVEL="CRITICAL",
            AWS_ENDPOINT_URL_DYNAMODB=url,
            AWS_DEFAULT_REGION="ap-northeast-1",
            AWS_ACCESS_KEY_ID="bench",
            AWS_SECRET_ACCESS_KEY="bench",
            **variables,
        )
        for cached in (handler.settings, handler.recommender, handler.experiments, handler.channel):
            cached.cache_clear()
        placements.packaged.cache_clear()
        fallback.default_ranking.cache_clear()
        yield


def request(number: int) -> dict[str, Any]:
    """API Gateway's event of one of a page's reads: a user's home, and each fourth time an item's or a new user's."""
    user, item = f"u{number % USERS}", f"i{number % ITEMS}"
    if number % 4 == 3:
        return _event("/v1/items/{itemId}/related", {"placement": ["product"], "userId": [user]}, itemId=item)
    name = f"new-{number}" if number % 4 == 2 else user
    return _event("/v1/users/{userId}/recommendations", {"placement": ["home"]}, userId=name)


def _event(resource: str, query: dict[str, list[str]], **parameters: str) -> dict[str, Any]:
    return {
        "resource": resource,
        "path": resource.format(**parameters),
        "httpMethod": "GET",
        "headers": {},
        "multiValueHeaders": {},
        "multiValueQueryStringParameters": query,
        "pathParameters": parameters,
        "requestContext": {"requestId": "r", "stage": "live"},
        "body": None,
        "isBase64Encoded": False,
    }


def read(number: int) -> tuple[int, float]:
    """(status, milliseconds)."""
    began = time.perf_counter()
    answer = handler.handler(request(number), SimpleNamespace(aws_request_id="r"))
    return int(answer["statusCode"]), (time.perf_counter() - began) * MS


def borne(server: Faulty, scenario: Scenario, *, reads: int, cold: bool) -> Borne:
    """`cold`: no read finds anything in memory; the breaker and the connection stay, as they do in a process."""
    fill(server)
    server.scenario = None
    handler.recommender.cache_clear()
    for number in range(8):
        read(number)
    if scenario.spoil:
        scenario.spoil(server)
        _forget()
    server.scenario = scenario
    seen = []
    for number in range(reads):
        if cold:
            _forget()
        seen.append(read(number))
    server.scenario = None
    return Borne(scenario.name, cold, sum(status == 200 for status, _ in seen), [took for _, took in seen])


def _forget() -> None:
    """What the store remembers of pointers and lists."""
    mine = handler.recommender()
    fresh: Store = mine.store.of(tuple(placements.packaged().lists))
    object.__setattr__(mine, "store", fresh)


@contextmanager
def faulty() -> Iterator[Faulty]:
    with dynamodb_server.running(Faulty) as server, packaged(server.url):
        yield server


def faults(reads: int) -> list[Borne]:
    with faulty() as server:
        return [borne(server, one, reads=reads, cold=cold) for one in SCENARIOS for cold in (False, True)]


class _Queue(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet: in two, the second waits for the first one's acknowledgement

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"MessageId": "m", "MD5OfMessageBody": "x"}'
        self.send_response_only(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Queues(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who waits no longer hangs up."""


def _serve(kind: str, told: Any) -> None:
    if kind == "queue":
        server: Any = _Queues(("127.0.0.1", 0), _Queue)
        told.send(f"http://127.0.0.1:{server.server_address[1]}")
    else:
        server = Server()
        fill(server)
        told.send(server.url)
    server.serve_forever()


@contextmanager
def _served(kind: str) -> Iterator[str]:
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(kind, theirs), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        process.terminate()


def cpu() -> float:
    """Milliseconds of CPU of a warm read whose list is logged: the median of some rounds."""
    with _served("store") as store, _served("queue") as queue:
        there = {"AWS_ENDPOINT_URL_SQS": queue, "IMPRESSIONS_QUEUE_URL": f"{queue}/1/shown"}
        with packaged(store, **there), _quiet():
            _round()
            return statistics.median(_round() for _ in range(CPU_ROUNDS))


@contextmanager
def _quiet() -> Iterator[None]:
    """Metrics are lines of the function's log, which is standard output."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


def _round() -> float:
    began = time.process_time()
    statuses = {read(number)[0] for number in range(CPU_READS)}
    took = (time.process_time() - began) * MS / CPU_READS
    if statuses != {200}:
        raise RuntimeError(f"reads were answered {sorted(statuses)}")
    return took


def table(found: Sequence[Borne]) -> str:
    rows = [
        f"| {one.name} | {'cold' if one.cold else 'warm'} | {one.answered} of {len(one.took)} | "
        f"{statistics.median(one.took):.1f} | {one.p99:.1f} | {max(one.took):.1f} | {'yes' if one.holds else 'NO'} |"
        for one in found
    ]
    head = "| scenario | caches | answered 200 | median ms | p99 ms | worst ms | holds |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description=__doc__)
    parser.add_argument("what", choices=("cpu", "faults"))
    parser.add_argument("--reads", type=int, default=1000, help="of each scenario, cold and warm")
    given = parser.parse_args(arguments)
    if given.what == "cpu":
        took = cpu()
        print(f"{took:.2f} ms of CPU a warm read with what is shown logged (at most {CPU_MS})")
        return 0 if took <= CPU_MS else 1
    with _quiet():
        found = faults(given.reads)
    print(table(found))
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
