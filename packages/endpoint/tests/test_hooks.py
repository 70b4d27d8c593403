"""Contracts of the places where we reach into ministack: a new version that moves one fails here, by name.

What is replaced comes from the registry (osusume_endpoint.replacements); FUNCTIONS and VALUES are what we only use.
"""

from __future__ import annotations

import contextvars
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import osusume_endpoint
from osusume_endpoint import replacements
from osusume_endpoint.replacements import Replacement, Table
from tests.assignments import assignments, in_folder
from tests.replacing import undo

SOURCES = Path(osusume_endpoint.__file__).parent


def import_declarations() -> list[Table]:
    """Imports every module that declares a replacement or a table; the tables."""
    tables = []
    for path in sorted(SOURCES.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name != "replacements.py" and ("@replaces(" in text or "Table(" in text):
            name = ".".join(("osusume_endpoint", *path.relative_to(SOURCES).with_suffix("").parts))
            module = importlib.import_module(name)
            tables += [value for value in vars(module).values() if isinstance(value, Table)]
    return tables


TABLES = import_declarations()
REPLACEMENTS = list(replacements.declared)

# Records, which are ministack's data and not its code: what requests make, and we complete.
RECORDS = {
    "apigateway/plugin.py": {"ministack.services.apigateway_v1._resources"},
    "cloudformation/functions.py": {"ministack.services.lambda_svc._functions"},
    "cloudformation/network.py": {"ministack.services.ec2._vpc_endpoints"},
    "cloudformation/tables.py": {
        "ministack.services.dynamodb._tables",
        "ministack.services.dynamodb._ttl_settings",
    },
    "cloudformation/topics.py": {"ministack.services.sns._topics"},
    "faults/disk.py": {
        "ministack.services.s3._completed_multipart_uploads",
        "ministack.services.s3._multipart_uploads",
    },
    "glue/plugin.py": {"ministack.services.glue._job_runs", "ministack.services.glue._jobs"},
    "lambda_/table_streams.py": {"ministack.services.lambda_svc._dynamodb_stream_positions"},
    "rds/clusters.py": {"ministack.services.rds._clusters"},
    "scheduler/plugin.py": {"ministack.services.scheduler._schedules._data"},
    "stepfunctions/live.py": {"ministack", "ministack._executions"},  # its own attribute of that name
    # No part of ministack: a note of ours, Spark's classes in Glue's own processes, and the registry itself.
    "calls.py": {"a computed name"},
    "glue/s3bridge.py": {"a computed name"},
    "replacements.py": {"a computed name"},
}

FUNCTIONS = {
    "app._credential_failure": ["service", "iam_action", "request_id", "denied", "headers"],
    "app._extract_s3_vhost_bucket": ["host"],
    "app._is_ecr_registry_path": ["path"],
    "app._is_potential_alb_request": ["host", "path"],
    "app._parse_cloudfront_dataplane_host": ["host"],
    "app._parse_execute_api_url": ["host", "path"],
    "app._parse_lambda_url": ["host", "path"],
    "app._resolve_custom_domain_request": ["host", "path"],
    "app._resolve_stage_and_path": ["api_id", "tentative_stage", "execute_path"],
    "core.iam_evaluator._invalid_session_token": [],
    "core.iam_evaluator._served_unsigned": ["service", "iam_action"],
    "core.iam_evaluator.find_iam_access_key_account": ["access_key_id"],
    "core.responses._account_from_sts_session": ["access_key_id"],
    "core.responses.set_request_account_id": ["access_key_id"],
    "core.sigv4.request_time_failure": ["signature"],
    "services.apigateway.find_api_scope": ["api_id"],
    "services.apigateway.route_authorization_type": ["api_id", "stage", "method", "path"],
    "services.apigateway_v1._match_resource_tree": ["api_id", "segments"],
    "services.apigateway_v1.authentication_error_response": [
        "api_id",
        "stage_name",
        "error",
        "headers",
        "query_params",
    ],
    "services.apigateway_v1.find_api_scope": ["api_id"],
    "services.apigateway_v1.method_authorization_type": ["api_id", "stage_name", "method", "path"],
    "services.cognito._get_pool_unscoped": ["pool_id"],
    "services.lambda_svc.resolve_function_url": ["url_id"],
    "services.s3._bucket_owner_account": ["name"],
    "services.s3._error": ["code", "message", "status"],
    "app._build_persistence_save_dict": [],
    "app._routing_params": ["method", "path", "headers", "body", "query_params"],
    "core.concurrency.run_reentrant": ["fn"],
    "core.iam_actions.identity_denial_message": ["action", "principal_arn", "resource", "explicit_deny"],
    "core.iam_evaluator._conditions_met": ["conditions", "ctx"],
    "core.iam_evaluator._gather_role_policies": ["role_name", "account_id"],
    "core.iam_evaluator._gather_user_policies": ["user_name", "account_id"],
    "core.iam_evaluator._permissions_boundary": ["store", "name", "account_id"],
    "core.iam_evaluator._resource_policy": ["service", "resource_arn"],
    "core.iam_evaluator.combine_resource_policy": ["identity", "ctx", "policy", "owner_account"],
    "core.iam_evaluator.evaluate": ["ctx", "policies"],
    "core.iam_evaluator.evaluate_resource_policy": ["doc", "ctx", "service"],
    "core.iam_evaluator.pin_request_caller": ["headers", "query_params"],
    "core.iam_evaluator.resolve_principal": ["access_key_id", "account_id"],
    "core.lambda_runtime.acquire_worker": [
        *("func_name", "config", "code_zip", "qualifier", "max_concurrency")
    ],
    "core.lambda_runtime.release_worker": ["worker"],
    "core.responses.request_scope": ["account_id", "region"],
    "core.router.extract_access_key_id": ["headers", "query_params"],
    "core.router.extract_region": ["headers", "query_params"],
    "services.apigateway_v1._extract_lambda_ref_from_integration_uri": ["uri"],
    "services.apigateway_v1._gw_error": ["response_type", "message"],
    "services.cloudformation.changesets._find_change_set": ["cs_name", "stack_name"],
    "services.cloudformation.engine._resolve_refs": [
        *("value", "resources", "params", "conditions", "mappings", "stack_name", "stack_id")
    ],
    "services.cloudwatch._calc_stats": ["points"],
    "services.cloudwatch._dims_from_list": ["dimensions"],
    "services.cloudwatch._dims_key": ["dims"],
    "services.cloudwatch._dispatch_alarm_actions": ["alarm", "old_state", "new_state", "reason"],
    "services.cloudwatch._evaluate_all_alarms": [],
    "services.cloudwatch._evaluate_parent_alarms": ["child"],
    "services.cloudwatch._record_history": ["alarm_name", "old_state", "new_state", "reason"],
    "services.cloudwatch._stat_value": ["stats", "stat_name", "points"],
    "services.dynamodb._normalize_table_name": ["value"],
    "services.dynamodb._sse_description_from_spec": ["spec"],
    "services.kms._resolve_key": ["key_id_or_arn"],
    "services.dynamodb.stream_end_position": ["table_name"],
    "services.dynamodb.stream_records_since": ["table_name", "position", "limit"],
    "services.dynamodb.stream_start_position": ["table_name"],
    "services.lambda_svc._apply_filter_criteria": ["records", "esm"],
    "services.lambda_svc._ensure_reaper_thread": [],
    "services.lambda_svc._execute_function": ["func", "event"],
    "services.lambda_svc._get_func_record_for_qualifier": ["name", "qualifier"],
    "services.lambda_svc._iter_all_esms": [],
    "services.lambda_svc._send_ddb_stream_failure_record": [
        *("esm", "func_rec", "batch", "stream_arn", "result", "condition")
    ],
    "services.lambda_svc._resolve_layer_zip": ["attachment"],
    "services.lambda_svc._xray_trace_id_for_invocation": ["config"],
    "services.s3._delete_bucket_encryption": ["name"],
    "services.s3._delete_bucket_lifecycle": ["name"],
    "services.s3._put_bucket_encryption": ["name", "body"],
    "services.s3._put_bucket_lifecycle": ["name", "body"],
    "services.s3._stored_sse_headers": ["obj"],
    "services.scheduler._error": ["status", "code", "message"],
    "services.sts.register_session": ["access_key", "session"],
}

VALUES = {
    "app._AOSS_COLLECTION_HOST_RE": re.Pattern,
    "app._NON_S3_VHOST_NAMES": frozenset,
    "app._RDS_DATA_PATHS": tuple,
    "app._S3_CONTROL_PREFIX": str,
    "app._S3_VHOST_EXCLUDE_RE": re.Pattern,
    "app._SES_V2_PREFIX": str,
    "core.iam_actions._BOTOCORE_SERVICE_MAP": dict,
    "core.iam_evaluator._anonymous": contextvars.ContextVar,
    "core.iam_evaluator._signed_request": contextvars.ContextVar,
    "core.iam_evaluator._verified_key": contextvars.ContextVar,
    "services.apigateway._apis": object,
    "core.iam_actions.SERVICE_TO_IAM_NAMESPACE": dict,
    "core.iam_evaluator._POLICY_REQUIRED": frozenset,
    "services.apigateway_v1._resources": object,
    "services.cloudformation.provisioners._REPLACING_PROPERTIES": dict,
    "services.cloudformation.provisioners._RESOURCE_HANDLERS": dict,
    "services.cloudwatch._metrics": object,
    "services.dynamodb._pitr_settings": object,
    "services.dynamodb._tables": object,
    "services.dynamodb._ttl_settings": object,
    "services.iam._roles": object,
    "services.lambda_svc._dynamodb_stream_positions": object,
    "services.lambda_svc._dynamodb_stream_positions_lock": object,
    "services.s3._bucket_encryption": object,
    "services.s3._buckets": object,
    "services.scheduler._schedules": object,
    "services.secretsmanager._secrets": object,
    "services.sns._topics": object,
    "services.sqs._queues": object,
    "services.sts._sessions": dict,
}


def resolve(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"ministack.{module}"), name)


def test_ministack_is_the_version_the_hooks_were_written_for() -> None:
    assert version("ministack") == "1.5.33"


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_hooked_function_takes_the_parameters_we_pass(path: str) -> None:
    function = inspect.unwrap(resolve(path))
    parameters = list(inspect.signature(function).parameters)
    assert parameters[: len(FUNCTIONS[path])] == FUNCTIONS[path]


@pytest.mark.parametrize("path", VALUES)
def test_a_hooked_value_has_the_type_we_use(path: str) -> None:
    assert isinstance(resolve(path), VALUES[path])


def test_resource_handlers_have_the_shape_we_wrap() -> None:
    handlers = resolve("services.cloudformation.provisioners._RESOURCE_HANDLERS")
    wrapped = {
        "AWS::ApiGateway::Method",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::VPC",
        "AWS::SNS::Topic",
        "AWS::SecretsManager::Secret",
    }
    for resource_type in wrapped:
        assert callable(handlers[resource_type]["create"])
        assert callable(handlers[resource_type]["delete"])


def test_every_evaluation_context_field_we_set_exists() -> None:
    fields = resolve("core.iam_evaluator.EvalContext").__dataclass_fields__
    assert {
        "principal_arn",
        "principal_type",
        "principal_account",
        "action",
        "resource_arn",
        "region",
    } <= set(fields)
    assert {"source_ip", "secure_transport", "service_context", "principal_keys"} <= set(fields)


def name_of(entry: Replacement | Table) -> str:
    return f"{entry.name}:{entry.target}" if isinstance(entry, Replacement) else entry.target


def broken(replacement: Replacement) -> str:
    """What of the part isn't as the replacement expects it; "" of a part that is."""
    try:
        part = replacements.place(replacement.target).get()
    except (ImportError, AttributeError, KeyError) as error:
        return f"is gone: {error!r}"
    if replacement.takes is None:
        return "" if isinstance(part, replacement.holds) else f"is a {type(part).__name__}"
    if not callable(part):
        return "is no function any more"
    taken = replacements.parameters(part)
    return "" if taken == replacement.takes else f"takes ({taken}), not ({replacement.takes})"


@pytest.mark.parametrize("replacement", REPLACEMENTS, ids=name_of)
def test_a_replaced_part_is_as_its_replacement_expects_it(replacement: Replacement) -> None:
    assert not broken(replacement), f"{replacement.name}: {replacement.target} {broken(replacement)}"


@pytest.mark.parametrize("replacement", REPLACEMENTS, ids=name_of)
def test_a_replacement_says_what_its_part_takes_or_is(replacement: Replacement) -> None:
    assert (replacement.takes is None) == (replacement.holds is not object)


@pytest.mark.parametrize("table", TABLES, ids=name_of)
def test_a_table_that_is_added_to_is_one(table: Table) -> None:
    assert isinstance(replacements.place(table.target).get(), dict)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("ministack.services.s3:_despatch", "is gone"),
        ("ministack.services.s4:_dispatch", "is gone"),
        ("ministack.services.cloudformation.handlers:_ACTION_HANDLERS[CreateStak]", "is gone"),
        ("ministack.services.s3:_buckets", "is no function"),
        ("ministack.services.s3:_persist_object", "takes (bucket, key, obj), not (method, bucket)"),
    ],
)
def test_a_part_that_was_renamed_or_changed_is_found(target: str, expected: str) -> None:
    planted = Replacement(target, lambda: None, "method, bucket", object, everywhere=False)
    assert broken(planted).startswith(expected)


def test_parameters_are_written_with_their_kinds() -> None:
    async def part(a: int, b: int = 1, *, c: int, **rest: int) -> None: ...

    assert replacements.parameters(part) == "async a, b, *, c, **rest"
    assert replacements.parameters(lambda *args, c: c) == "*args, c"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a start replaced, and what stood there again when it was undone (tests/replacing.py)."""
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "tests.replacing", str(tmp_path_factory.mktemp("replacing"))],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{SOURCES.parent}:{root}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_every_replacement_is_in_place_after_the_start(started: dict[str, Any]) -> None:
    for entry in REPLACEMENTS:
        assert entry.target in started["applied"], f"{entry.name} is declared and never applied"
    assert {table.target for table in TABLES} <= set(started["applied"])
    assert started["absent"] == []


def test_nothing_of_ministack_is_other_than_the_registry_says(started: dict[str, Any]) -> None:
    assert started["unregistered"] == []


def test_what_stands_there_takes_every_call_of_what_it_replaces(started: dict[str, Any]) -> None:
    assert {target: found for target, found in started["problems"].items() if found} == {}


def test_no_module_of_ministack_goes_on_calling_a_replaced_part(started: dict[str, Any]) -> None:
    assert {target: modules for target, modules in started["held"].items() if modules} == {}


def test_undoing_leaves_ministack_as_it_was(started: dict[str, Any]) -> None:
    assert started["left"] == []


def test_no_module_assigns_to_a_part_of_ministack_itself() -> None:
    found = {path: {part for _, part in lines} for path, lines in in_folder(SOURCES).items()}
    assert (
        found == RECORDS
    )  # a part of its code is replaced by @replaces, see osusume_endpoint/replacements.py


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("from ministack.services import s3\ns3._dispatch = wrapped", "ministack.services.s3._dispatch"),
        ("from ministack.services import s3 as store\nstore.a = store.b = 1", "ministack.services.s3.b"),
        ("import ministack.app\nministack.app.save_all = f", "ministack.app.save_all"),
        ("from ministack import app\nsetattr(app, 'x', f)", "ministack.app"),
        ("for m in modules:\n    setattr(m, name, f)", "a computed name"),
        ("from ministack import app\ndel app.detect_service", "ministack.app.detect_service"),
        (
            "from ministack import app\nthem = app.SERVICE_HANDLERS\nthem['x'] = f",
            "ministack.app.SERVICE_HANDLERS",
        ),
        ("from ministack import app\napp.SERVICE_HANDLERS.update(x=f)", "ministack.app.SERVICE_HANDLERS"),
        ("from ministack import app\napp.SERVICE_HANDLERS |= ours", "ministack.app.SERVICE_HANDLERS"),
        ("from ministack import app\na, app.x = 1, f", "ministack.app.x"),
        (
            "from importlib import import_module\na = import_module('ministack.app')\na.x = f",
            "ministack.app.x",
        ),
        ("def f(ministack):\n    ministack._run_execution = run", "ministack._run_execution"),
        ("def f(live):\n    live.ministack._run_execution = run", "ministack._run_execution"),
        (
            "from hypercorn.asyncio.tcp_server import TCPServer\nTCPServer.run = f",
            "hypercorn.asyncio.tcp_server.TCPServer.run",
        ),
        ("import json\njson.JSONDecoder.raw_decode = f", "json.JSONDecoder.raw_decode"),
    ],
)
def test_an_assignment_outside_of_the_registry_is_found(source: str, part: str) -> None:
    assert part in [found for _, found in assignments(source)]


def test_reading_and_calling_a_part_is_no_assignment() -> None:
    source = "from ministack.services import s3\nown = {}\nown['a'] = s3._error(s3._buckets.get('a'))"
    assert assignments(source) == []


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module to replace parts of, and a registry of its own."""
    module = ModuleType("ministack.planted")
    module.greet, module.TABLE = (lambda name: f"hello {name}"), {"a": 1}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(replacements, "declared", [])
    monkeypatch.setattr(replacements, "applied", [])
    return module


def test_two_replacements_of_one_part_wrap_each_other_and_are_undone(library: Any) -> None:
    @replacements.replaces("ministack.planted:greet", takes="name")
    def _louder(inner: Any) -> Any:
        return lambda name: inner(name).upper()

    @replacements.replaces("ministack.planted:greet", takes="name")
    def _marked(inner: Any, mark: str) -> Any:
        return lambda name: inner(name) + mark

    original = library.greet
    replacements.apply(__name__, mark="!")
    assert library.greet("ann") == "HELLO ANN!"
    undo()
    assert library.greet is original


def test_a_copy_that_a_module_imported_by_name_is_replaced_and_undone_too(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer: Any = ModuleType("ministack.importer")
    importer.greet, importer.other = library.greet, library.greet
    monkeypatch.setitem(sys.modules, importer.__name__, importer)
    original = library.greet

    @replacements.replaces("ministack.planted:greet", takes="name", everywhere=True)
    def _short() -> Any:
        return lambda name: name

    replacements.apply(__name__)
    assert (importer.greet("ann"), library.greet("ann")) == ("ann", "ann")
    undo()
    assert importer.greet is library.greet is original


def test_entries_of_a_table_are_set_added_and_undone(library: Any) -> None:
    table = Table("ministack.planted:TABLE")
    table.put("a", 2)
    table.put("b", 3)
    assert library.TABLE == {"a": 2, "b": 3}
    undo()
    assert library.TABLE == {"a": 1}


def test_a_replacement_is_given_what_it_asks_for_and_nothing_is_given_in_vain(library: Any) -> None:
    @replacements.replaces("ministack.planted:greet", takes="name")
    def _marked(inner: Any, mark: str) -> Any:
        return lambda name: inner(name) + mark

    original = library.greet
    with pytest.raises(TypeError, match=r"_marked asks for mark, which apply was not given"):
        replacements.apply(__name__)
    with pytest.raises(TypeError, match=r"no replacement of tests\.test_hooks asks for note"):
        replacements.apply(__name__, mark="!", note=SimpleNamespace())
    assert library.greet is original
