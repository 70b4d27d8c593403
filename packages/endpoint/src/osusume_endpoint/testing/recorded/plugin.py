"""Runs the checkout's tests against the endpoint, and notes what each answered beside what AWS had."""

from __future__ import annotations

import io
import json
import os
import uuid
import zipfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running
from osusume_endpoint.testing.recorded import compare, standins

standins.install()
# The helpers' own fixtures: create_state_machine, create_state_machine_iam_role and their likes.
pytest_plugins = ["localstack.testing.pytest.stepfunctions.fixtures"]
REPORT: list[dict[str, Any]] = []
NOT_SERVED = ("NotEmulated", "NOT_EMULATED_LOCALLY", "UnsupportedFeature", "is not emulated")
SKIPS = ("skip", "skipif", "xfail")
# A folder whose answers come of a file of localstack's: AWS has no such thing.
OWN = "/local_mocking/"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "recorded: AWS's answers are recorded")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps what is recorded, also the tests that localstack itself skips."""
    items[:] = [item for item in items if item.get_closest_marker("recorded")]
    for node in {node for item in items for node in item.listchain()}:
        node.own_markers[:] = [mark for mark in node.own_markers if mark.name not in SKIPS]


class Snapshot:
    """Notes what a test `match`es; transformers tell which values are the run's own."""

    def __init__(self) -> None:
        self.noted: dict[str, Any] = {}
        self.comparison = compare.Comparison()
        self.transform = _Transforms()

    def match(self, name: str, answer: Any) -> None:
        self.noted[name] = compare.plain(answer)

    def add_transformer(self, transformer: Any, **_: Any) -> None:
        for each in transformer if isinstance(transformer, list) else [transformer]:
            if isinstance(each, standins.RegexTransformer):
                self.comparison.replaced.append((each.pattern, each.replacement))
            elif isinstance(each, standins.Transformer):
                self.comparison.words |= {
                    each.replacement,
                    *map(str, each.arguments),
                    *map(str, each.named.values()),
                }

    def add_transformers_list(self, transformers: list[Any]) -> None:
        self.add_transformer(transformers)


class _Transforms:
    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name == "regex":
            return standins.RegexTransformer
        return standins.Transformer if name in ("key_value", "jsonpath") else lambda *given, **named: []


@pytest.fixture
def snapshot() -> Snapshot:
    return Snapshot()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    outcome = yield
    error = outcome.excinfo[1] if outcome.excinfo else None
    taken = getattr(item, "funcargs", {})
    noted = next((value for value in taken.values() if isinstance(value, Snapshot)), Snapshot())
    REPORT.append(_entry(item, noted, error))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, None]:
    outcome = yield
    if outcome.excinfo:
        REPORT.append(_outcome(item, "not served", [], f"fixture: {outcome.excinfo[1]}"))


def _entry(item: pytest.Item, noted: Snapshot, error: BaseException | None) -> dict[str, Any]:
    recorded = _recorded(item)
    if recorded is None:
        return _outcome(item, "not served", [], "no recording")
    if OWN in item.nodeid:
        return _outcome(item, "not served", [], "answers mocked by localstack's own configuration")
    if error is not None and _is_not_served(error):
        return _outcome(item, "not served", [], _first_line(error))
    found = [
        difference
        for name, answer in recorded.items()
        if name in noted.noted
        for difference in noted.comparison.differences(name, answer, noted.noted[name])
    ]
    if any(word in json.dumps(noted.noted) for word in NOT_SERVED):
        return _outcome(item, "not served", found, "a part that isn't emulated")
    if error is not None or set(recorded) - set(noted.noted):
        return _outcome(item, "refused", found, _first_line(error))
    return _graded(item, recorded, noted, found)


def _graded(
    item: pytest.Item, recorded: dict[str, Any], noted: Snapshot, found: list[compare.Difference]
) -> dict[str, Any]:
    if not found:
        return _outcome(item, "equal", found, "")
    if all(difference.is_text for difference in found):
        return _outcome(item, "text only", found, "")
    ends = compare.ending(recorded)
    same = bool(ends) and ends == compare.ending(noted.noted)
    return _outcome(item, "ends the same" if same else "differs", found, "")


def _outcome(item: pytest.Item, outcome: str, found: list[compare.Difference], why: str) -> dict[str, Any]:
    first = next((each for each in found if not each.is_text), None)
    named = [part for part in first.path[1:] if not part.isdigit()] if first else []
    family = why or ".".join(named)
    details = [str(each)[:1500] for each in found[:12]]
    return {
        "scenario": item.nodeid,
        "outcome": outcome,
        "family": family[:150],
        "why": why,
        "differences": details,
    }


def _is_not_served(error: BaseException) -> bool:
    missing = isinstance(error, standins.Missing | AttributeError | ImportError | pytest.skip.Exception)
    return missing or any(word in str(error) for word in NOT_SERVED)


def _first_line(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}" if error else ""


def _recorded(item: pytest.Item) -> dict[str, Any] | None:
    file = Path(item.path).with_suffix(".snapshot.json")
    every = json.loads(file.read_text()) if file.is_file() else {}
    entry = every.get(item.nodeid)
    return None if entry is None else dict(entry.get("recorded-content", {}))


def pytest_sessionfinish() -> None:
    Path(os.environ["OSUSUME_RECORDED_REPORT"]).write_text(json.dumps(REPORT))


@pytest.fixture(scope="session")
def endpoint() -> Endpoint:
    return running.attached(Path(os.environ["OSUSUME_HOME"]))


class Clients:
    """`clients.sqs` and its likes, as the endpoint's administrator."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._made: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        if service not in self._made:
            self._made[service] = self._endpoint.client({"lambda_": "lambda"}.get(service, service))
        return self._made[service]


@pytest.fixture
def aws_client(endpoint: Endpoint) -> Clients:
    return Clients(endpoint)


@pytest.fixture
def aws_client_no_retry(aws_client: Clients) -> Clients:
    return aws_client


@pytest.fixture
def aws_client_factory(endpoint: Endpoint) -> Callable[..., Clients]:
    return lambda **_: Clients(endpoint)


@pytest.fixture
def account_id(endpoint: Endpoint) -> str:
    return endpoint.account


@pytest.fixture
def region_name(endpoint: Endpoint) -> str:
    return endpoint.region


@pytest.fixture
def cleanups() -> Iterator[list[Callable[[], Any]]]:
    found: list[Callable[[], Any]] = []
    yield found
    for each in reversed(found):
        try:
            each()
        except ClientError:
            continue


@pytest.fixture
def create_lambda_function(endpoint: Endpoint, aws_client: Clients) -> Callable[..., Any]:
    def create(
        func_name: str,
        handler_file: str = "",
        runtime: str = "python3.12",
        zip_file: bytes = b"",
        **more: Any,
    ) -> Any:
        role = more.get("role") or running.make_role(endpoint, service="lambda.amazonaws.com")
        body = zip_file or _zipped(Path(handler_file).read_text())
        made = aws_client.lambda_.create_function(
            FunctionName=func_name,
            Runtime=runtime,
            Role=role,
            Handler="handler.handler",
            Code={"ZipFile": body},
            Timeout=more.get("timeout", 30),
        )
        return {"CreateFunctionResponse": made}

    return create


def _zipped(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", text)
    return buffer.getvalue()


def _name() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def sqs_create_queue(aws_client: Clients) -> Callable[..., str]:
    return lambda **given: aws_client.sqs.create_queue(**{"QueueName": _name(), **given})["QueueUrl"]


@pytest.fixture
def sqs_get_queue_arn(aws_client: Clients) -> Callable[[str], str]:
    return lambda url: aws_client.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])[
        "Attributes"
    ]["QueueArn"]


@pytest.fixture
def s3_create_bucket(endpoint: Endpoint, aws_client: Clients) -> Callable[..., str]:
    def create(**given: Any) -> str:
        name = str(given.get("Bucket") or _name())
        aws_client.s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": endpoint.region}
        )
        return name

    return create


@pytest.fixture
def sns_create_topic(aws_client: Clients) -> Callable[..., Any]:
    return lambda **given: aws_client.sns.create_topic(**{"Name": _name(), **given})


@pytest.fixture
def dynamodb_create_table(aws_client: Clients) -> Callable[..., Any]:
    def create(table_name: str = "", partition_key: str = "id", **_: Any) -> Any:
        return aws_client.dynamodb.create_table(
            TableName=table_name or _name(),
            KeySchema=[{"AttributeName": partition_key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": partition_key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    return create


@pytest.fixture
def events_create_rule(aws_client: Clients) -> Callable[..., str]:
    def create(**given: Any) -> str:
        arguments = {**given, "EventPattern": json.dumps(given["EventPattern"])}
        return str(aws_client.events.put_rule(**arguments)["RuleArn"])

    return create
