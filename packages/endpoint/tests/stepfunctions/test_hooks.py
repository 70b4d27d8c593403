"""Where the plug-in reaches into ministack 1.5.33: an upgrade that moves a hook fails here by name."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from ministack.core import responses
from ministack.services import cloudwatch, eventbridge, stepfunctions
from ministack.services.cloudformation import provisioners

FUNCTIONS = [
    (stepfunctions, "_run_execution", ["exec_arn"]),
    (stepfunctions, "_start_execution", ["data"]),
    (stepfunctions, "_stop_execution", ["data"]),
    (stepfunctions, "_describe_execution", ["data"]),
    (stepfunctions, "_create_state_machine", ["data"]),
    (stepfunctions, "_update_state_machine", ["data"]),
    (stepfunctions, "_send_task_success", ["data"]),
    (stepfunctions, "_send_task_failure", ["data"]),
    (stepfunctions, "_send_task_heartbeat", ["data"]),
    (stepfunctions, "_validate_definition_jsonata", ["definition_str"]),
    (stepfunctions, "_emit_execution_status_event", ["execution"]),
    (stepfunctions, "_resolve_state_machine_arn", ["arn"]),
    (stepfunctions, "_execution_version_arn", ["arn"]),
    (stepfunctions, "now_iso", []),
    (stepfunctions, "new_uuid", []),
    (stepfunctions, "json_response", ["data", "status", "content_type"]),
    (
        stepfunctions,
        "error_response_json",
        ["code", "message", "status", "extra", "message_key", "content_type"],
    ),
    (stepfunctions, "_start_sync_execution", ["data"]),
    (cloudwatch, "record_metric", ["namespace", "metric_name", "value", "unit", "dimensions"]),
    (provisioners, "_sfn_definition", ["props"]),
    (provisioners, "_sfn_handler_error", ["message"]),
    (provisioners, "_sdk_error", ["message", "service", "status", "request_id"]),
]
STORES = ["_executions", "_state_machines", "_state_machine_versions", "_map_runs"]
# caller → the hook it looks up by its global name, so that replacing the name reaches it
CALLS = [
    (stepfunctions._start_sync_execution, "_run_execution(exec_arn)"),
    (stepfunctions._create_state_machine, "_validate_definition_jsonata(data.get"),
    (stepfunctions._update_state_machine, "_validate_definition_jsonata(data["),
    (stepfunctions.handle_request, '"StartExecution": _start_execution'),
    (stepfunctions.handle_request, '"StopExecution": _stop_execution'),
    (stepfunctions.handle_request, '"DescribeExecution": _describe_execution'),
    (stepfunctions.handle_request, '"SendTaskSuccess": _send_task_success'),
    (stepfunctions.handle_request, '"SendTaskFailure": _send_task_failure'),
    (stepfunctions.handle_request, '"SendTaskHeartbeat": _send_task_heartbeat'),
    (eventbridge._dispatch_to_stepfunctions, "_sfn._start_execution("),
    (provisioners._sfn_state_machine_create, "_sfn_definition(props)"),
    (provisioners._sfn_state_machine_update, "_sfn_definition(new_props)"),
]


@pytest.mark.parametrize(("module", "name", "parameters"), FUNCTIONS, ids=[name for _, name, _ in FUNCTIONS])
def test_a_hooked_function_has_the_signature_we_rely_on(
    module: Any, name: str, parameters: list[str]
) -> None:
    assert list(inspect.signature(getattr(module, name)).parameters) == parameters


@pytest.mark.parametrize("name", STORES)
def test_a_store_is_scoped_by_account_and_region(name: str) -> None:
    store = getattr(stepfunctions, name)
    assert isinstance(store, responses.AccountRegionScopedDict)
    assert list(inspect.signature(store.set_scoped).parameters) == ["account_id", "region", "key", "value"]


@pytest.mark.parametrize(("caller", "text"), CALLS, ids=[text for _, text in CALLS])
def test_a_caller_looks_its_hook_up_by_name(caller: Any, text: str) -> None:
    assert text in inspect.getsource(caller)


def test_the_history_is_read_from_the_events_of_the_record() -> None:
    assert 'execution["events"]' in inspect.getsource(stepfunctions._get_execution_history)
