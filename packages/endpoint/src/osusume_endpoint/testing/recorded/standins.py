"""Stand-ins for modules of localstack that its Step Functions tests import; their helpers come from the checkout."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import json
import re
import sys
import time
import types
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from osusume_endpoint import wire
from osusume_endpoint.stepfunctions import jsonpath

HELPERS = "localstack.testing.pytest.stepfunctions"
OWN = ("localstack", "localstack_snapshot", "rolo", "json5", "jsonpath_ng")
COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


class Missing(Exception):
    """The checkout's test needs a part of localstack that has no stand-in."""


class NoSuchJsonPathError(Exception): ...


class ShortCircuitWaitException(Exception): ...


class Transformer:
    """What a test says about its run's own values; the comparison reads `pattern`, `replacement` and `word`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.arguments, self.named = arguments, named

    @property
    def replacement(self) -> str:
        return str(self.named.get("replacement") or (self.arguments[1] if len(self.arguments) > 1 else ""))


class RegexTransformer(Transformer):
    @property
    def pattern(self) -> str:
        return str(self.named.get("regex") or self.arguments[0])


class Marker:
    """`markers.aws.validated` marks what AWS has answered; every other marker changes nothing."""

    def __init__(self, name: str = "") -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return pytest.mark.recorded if (self._name, name) == ("aws", "validated") else Marker(name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return given[0] if len(given) == 1 and not named and callable(given[0]) else lambda function: function


class Api(types.ModuleType):
    """`localstack.aws.api.X`: enumerations and structures of botocore's model of the service."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        service = {"lambda_": "lambda"}.get(
            self.__name__.rpartition(".")[2], self.__name__.rpartition(".")[2]
        )
        shapes = wire.service_model(service).shape_names
        if name not in shapes:
            return str
        shape: Any = wire.service_model(service).shape_for(name)
        if shape.metadata.get("enum"):
            return type(name, (), {re.sub(r"\W", "_", value): value for value in shape.metadata["enum"]})
        return dict if shape.type_name in ("structure", "map") else list if shape.type_name == "list" else str


class Finder:
    """Makes modules of localstack: the helpers from the checkout, stand-ins for the others."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.split(".")[0] not in OWN:
            return None
        if name.startswith(f"{HELPERS}."):
            file = Path("localstack-core", *name.split(".")).with_suffix(".py").resolve()
            return importlib.util.spec_from_file_location(name, file)
        return importlib.machinery.ModuleSpec(name, LOADER, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        if spec.name.startswith("localstack.aws.api."):
            return Api(spec.name)
        module = types.ModuleType(spec.name)
        module.__dict__.update(MODULES.get(spec.name, {}))
        return module

    def exec_module(self, module: types.ModuleType) -> None: ...


LOADER: Any = Finder()


def install() -> None:
    sys.meta_path.insert(0, LOADER)


def poll_condition(condition: Callable[[], Any], timeout: float = 20, interval: float = 0.1) -> bool:
    deadline = time.monotonic() + min(timeout, 20)
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(min(interval, 0.1))
    return True


def retry(function: Callable[..., Any], retries: int = 3, sleep: float = 0.2, **named: Any) -> Any:
    named = {key: value for key, value in named.items() if key not in ("sleep_before", "raise_on_error")}
    for _ in range(min(retries, 20)):
        try:
            return function(**named)
        except Exception:
            time.sleep(min(sleep, 0.2))
    return function(**named)


def extract_json(path: str, document: Any) -> Any:
    found = jsonpath.find(path, json.loads(json.dumps(document, default=str)))
    if found == []:
        raise NoSuchJsonPathError(path)
    is_single = (".." in path or "*" in path) and isinstance(found, list) and len(found) == 1
    return found[0] if is_single else found


def load_json5(source: Any) -> Any:
    text = source.read()
    try:
        return json.loads(text)
    except ValueError:
        bare = COMMENT.sub(lambda match: match[1] or "", text)
        return yaml.safe_load(re.sub(r"\t", "  ", bare))


def _arn(service: str, kind: str) -> Callable[..., str]:
    return lambda name, account_id="", region_name="": (
        f"arn:aws:{service}:{region_name}:{account_id}:{kind}{name}"
    )


def _execution_arn(machine_arn: str, name: str) -> str:
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _missing(*given: Any, **named: Any) -> Any:
    raise Missing


def _is_logged(log_level: str, history_event_type: str) -> bool:
    from osusume_endpoint.stepfunctions import telemetry

    return telemetry.is_logged(history_event_type, log_level)


ARNS = types.SimpleNamespace(
    stepfunctions_state_machine_arn=_arn("states", "stateMachine:"),
    lambda_function_arn=_arn("lambda", "function:"),
    sqs_queue_arn=_arn("sqs", ""),
    stepfunctions_standard_execution_arn=_execution_arn,
)


def _md5(text: str | bytes) -> str:
    return hashlib.md5(text.encode() if isinstance(text, str) else text).hexdigest()


def _text(value: Any, separators: Sequence[str] | None = None) -> str:
    return json.dumps(value, default=str)


MODULES: dict[str, dict[str, Any]] = {
    "json5": {"load": load_json5},
    "jsonpath_ng.ext": {"parse": _missing},
    "localstack": {"config": types.SimpleNamespace(SFN_MOCK_CONFIG="", is_env_true=lambda name: False)},
    "localstack_snapshot.snapshots.transformer": {
        "GenericTransformer": Transformer,
        "JsonpathTransformer": Transformer,
        "RegexTransformer": RegexTransformer,
        "TransformContext": object,
    },
    "localstack.services.events.v1.provider": {"TEST_EVENTS_CACHE": []},
    "localstack.services.stepfunctions.asl.eval.count_down_latch": {"CountDownLatch": _missing},
    "localstack.services.stepfunctions.asl.eval.event.logging": {"is_logging_enabled_for": _is_logged},
    "localstack.services.stepfunctions.asl.utils.encoding": {"to_json_str": _text},
    "localstack.services.stepfunctions.asl.utils.json_path": {
        "NoSuchJsonPathError": NoSuchJsonPathError,
        "extract_json": extract_json,
    },
    "localstack.services.stepfunctions.local_mocking.mock_config": {
        "LocalMockTestCase": _missing,
        "load_local_mock_test_case_for": _missing,
    },
    "localstack.testing.aws.util": {"is_aws_cloud": lambda: False},
    "localstack.testing.config": {
        "SECONDARY_TEST_AWS_ACCESS_KEY_ID": "",
        "SECONDARY_TEST_AWS_ACCOUNT_ID": "",
        "SECONDARY_TEST_AWS_SECRET_ACCESS_KEY": "",
        "TEST_AWS_ACCOUNT_ID": "",
    },
    "localstack.testing.pytest": {"markers": Marker()},
    "localstack.utils": {"testutil": None},
    "localstack.utils.analytics.metadata": {"is_license_activated": lambda: False},
    "localstack.utils.aws": {"arns": ARNS, "aws_stack": None},
    "localstack.utils.files": {"load_file": lambda path: Path(path).read_text()},
    "localstack.utils.json": {"clone": lambda value: json.loads(json.dumps(value))},
    "localstack.utils.strings": {
        "long_uid": lambda: str(uuid.uuid4()),
        "md5": _md5,
        "short_uid": lambda: uuid.uuid4().hex[:8],
    },
    "localstack.utils.sync": {
        "ShortCircuitWaitException": ShortCircuitWaitException,
        "poll_condition": poll_condition,
        "retry": retry,
        "wait_until": lambda function, **_: poll_condition(function),
    },
    "localstack.utils.threads": {"parallelize": _missing},
    "rolo.testing.pytest": {"poll_condition": poll_condition},
}
