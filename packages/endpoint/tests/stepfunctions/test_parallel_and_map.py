"""Parallel and Map, inline and distributed.

https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html and .../state-map.html
"""

from __future__ import annotations

import io
import json
import threading
import time
from typing import Any

import pytest

from osusume_endpoint.stepfunctions.map_run import MapRun
from osusume_endpoint.stepfunctions.scope import NoObserver
from osusume_endpoint.testing.harness import (
    FUNCTION,
    chained,
    event_types,
    execution,
    failure,
    jsonata,
    lambda_cloud,
    output,
    run,
    states,
)
from osusume_endpoint.testing.scripted import Cloud, ServiceError

STANDARD = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def branch(**states_: dict) -> dict:
    return {"StartAt": next(iter(states_)), "States": chained(states_)}


def doubling(**config: Any) -> dict:
    processor = branch(X={"Type": "Pass", "Output": "{% $states.input * 2 %}"})
    return {**processor, **({"ProcessorConfig": config} if config else {})}


def mapping(processor: dict, **fields: Any) -> dict:
    return jsonata(M={"Type": "Map", "ItemProcessor": processor, **fields})


def test_branches_get_the_input_and_return_an_array_in_order() -> None:
    slow = branch(W={"Type": "Wait", "Seconds": 100}, A={"Type": "Pass", "Output": "{% $states.input.a %}"})
    quick = branch(B={"Type": "Pass", "Output": "quick"})
    assert output(jsonata(P={"Type": "Parallel", "Branches": [slow, quick]}), {"a": 1}) == [1, "quick"]


def test_parallel_arguments_replace_the_input_of_the_branches() -> None:
    definition = jsonata(
        P={
            "Type": "Parallel",
            "Arguments": {"n": "{% $states.input.a + 1 %}"},
            "Branches": [branch(A={"Type": "Pass"})],
            "Output": "{% $states.result[0].n %}",
        }
    )
    assert output(definition, {"a": 1}) == 2


def test_branches_do_not_share_their_data() -> None:
    change = {"Type": "Pass", "Result": 5, "ResultPath": "$.l[0]"}
    definition = states(P={"Type": "Parallel", "Branches": [branch(A=change), branch(B={"Type": "Pass"})]})
    assert output(definition, {"l": [1]}) == [{"l": [5]}, {"l": [1]}]


def test_a_failing_branch_stops_the_others_and_fails_the_state() -> None:
    waiting = branch(W={"Type": "Wait", "Seconds": 1_000_000})
    failing = branch(F={"Type": "Fail", "Error": "E", "Cause": "c"})
    started = time.monotonic()
    finished = run(states(P={"Type": "Parallel", "Branches": [waiting, failing]}))
    assert (finished.result.error, finished.result.cause) == ("E", "c")
    assert time.monotonic() - started < 2
    assert "WaitStateAborted" in event_types(finished)
    assert event_types(finished)[-2:] == ["ParallelStateFailed", "ExecutionFailed"]


def test_a_failed_parallel_state_can_be_caught_and_retried() -> None:
    calls: list[int] = []

    def handler(event: Any) -> str:
        calls.append(1)
        if len(calls) < 2:
            raise ValueError
        return "fine"

    parallel = {
        "Type": "Parallel",
        "Branches": [branch(T={"Type": "Task", "Resource": FUNCTION})],
        "Retry": [{"ErrorEquals": ["ValueError"]}],
    }
    assert output(states(P=parallel), cloud=lambda_cloud(handler)) == ["fine"]


def test_branches_read_outer_variables_and_keep_their_own() -> None:
    inner = branch(
        A={"Type": "Pass", "Assign": {"own": "{% $outer + 1 %}"}},
        B={"Type": "Pass", "Output": "{% $own %}"},
    )
    definition = jsonata(
        A0={"Type": "Pass", "Assign": {"outer": 1}},
        P={"Type": "Parallel", "Branches": [inner]},
        C={"Type": "Pass", "Output": "{% [$states.input, $exists($own)] %}"},
    )
    assert output(definition) == [2, False]


def test_map_runs_its_states_for_every_item_in_order() -> None:
    assert output(mapping(doubling(), Items="{% $states.input.l %}"), {"l": [3, 1, 2]}) == [6, 2, 4]


def test_map_over_nothing_is_an_empty_array() -> None:
    assert output(mapping(doubling(), Items=[])) == []


def test_map_takes_an_array_as_input_without_items() -> None:
    assert output(mapping(doubling()), [1, 2]) == [2, 4]


def test_map_refuses_items_that_are_no_array() -> None:
    assert (
        failure(mapping(doubling(), Items="{% $states.input.n %}"), {"n": 5})[0]
        == "States.QueryEvaluationError"
    )


def test_item_selector_sees_item_index_and_state_input() -> None:
    selector = {
        "i": "{% $states.context.Map.Item.Index %}",
        "v": "{% $states.context.Map.Item.Value.x %}",
        "k": "{% $states.input.k %}",
    }
    definition = mapping(branch(X={"Type": "Pass"}), Items="{% $states.input.l %}", ItemSelector=selector)
    assert output(definition, {"l": [{"x": 7}], "k": "q"}) == [{"i": 0, "v": 7, "k": "q"}]


def test_jsonpath_map_uses_items_path_and_item_selector() -> None:
    definition = states(
        M={
            "Type": "Map",
            "ItemsPath": "$.l",
            "ItemSelector": {"v.$": "$$.Map.Item.Value", "k.$": "$.k", "i.$": "$$.Map.Item.Index"},
            "ItemProcessor": branch(X={"Type": "Pass"}),
            "ResultPath": "$.r",
        }
    )
    expected = [{"v": 5, "k": 1, "i": 0}, {"v": 6, "k": 1, "i": 1}]
    assert output(definition, {"l": [5, 6], "k": 1})["r"] == expected


def test_an_iterator_with_parameters_is_the_older_spelling() -> None:
    definition = states(
        M={
            "Type": "Map",
            "Parameters": {"v.$": "$$.Map.Item.Value"},
            "Iterator": branch(X={"Type": "Pass", "OutputPath": "$.v"}),
        }
    )
    assert output(definition, [1, 2]) == [1, 2]


def test_map_over_an_object_gives_keys_and_values() -> None:
    selector = {"k": "{% $states.context.Map.Item.Key %}", "v": "{% $states.context.Map.Item.Value.Value %}"}
    definition = mapping(branch(X={"Type": "Pass"}), Items={"a": 1}, ItemSelector=selector)
    assert output(definition) == [{"k": "a", "v": 1}]


def test_max_concurrency_bounds_the_iterations_at_once() -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def handler(event: Any) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    processor = branch(T={"Type": "Task", "Resource": FUNCTION})
    run(mapping(processor, Items="{% [1..12] %}", MaxConcurrency=3), cloud=lambda_cloud(handler))
    assert most[0] == 3


def test_a_failed_iteration_fails_an_inline_map_with_its_error() -> None:
    processor = branch(
        C={
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input = 2 %}", "Next": "F"}],
            "Default": "S",
        },
        F={"Type": "Fail", "Error": "Two"},
        S={"Type": "Succeed"},
    )
    finished = run(mapping(processor, Items=[1, 2, 3], MaxConcurrency=1))
    assert finished.result.error == "Two"
    assert {"MapIterationFailed", "MapStateFailed"} <= set(event_types(finished))


def test_distributed_map_runs_child_executions() -> None:
    assert output(mapping(doubling(**STANDARD), Items=[1, 2])) == [2, 4]


def test_a_child_execution_sees_its_item_and_no_outer_variables() -> None:
    processor = {
        **branch(X={"Type": "Pass", "Output": "{% [$states.context.Execution.Input, $exists($outer)] %}"}),
        "ProcessorConfig": STANDARD,
    }
    definition = jsonata(
        A={"Type": "Pass", "Assign": {"outer": 1}},
        M={"Type": "Map", "Items": ["q"], "ItemProcessor": processor},
    )
    assert output(definition) == [["q", False]]


FAILING = branch(
    C={"Type": "Choice", "Choices": [{"Condition": "{% $states.input > 8 %}", "Next": "F"}], "Default": "S"},
    F={"Type": "Fail", "Error": "Big"},
    S={"Type": "Succeed"},
)


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailurePercentage": 20}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 19}, "FAILED"),
        ({"ToleratedFailureCount": 5, "ToleratedFailurePercentage": 10}, "FAILED"),
    ],
)
def test_a_map_run_tolerates_failures_up_to_its_thresholds(limits: dict, status: str) -> None:
    definition = mapping({**FAILING, "ProcessorConfig": STANDARD}, Items="{% [1..10] %}", **limits)
    result = run(definition).result
    assert result.status == status
    assert result.error == (None if status == "SUCCEEDED" else "States.ExceedToleratedFailureThreshold")


def test_a_map_run_and_its_children_are_told_to_the_observer() -> None:
    class Observer(NoObserver):
        runs: list[MapRun] = []

        def map_run_finished(self, run: MapRun) -> None:
            self.runs.append(run)

    definition = mapping(
        {**FAILING, "ProcessorConfig": STANDARD}, Items="{% [1..10] %}", ToleratedFailureCount=2
    )
    finished = execution(definition, observer=Observer())
    finished.run()
    (map_run,) = Observer.runs
    assert map_run.arn.startswith("arn:aws:states:eu-west-1:123456789012:mapRun:machine/M:")
    assert (map_run.items("SUCCEEDED"), map_run.items("FAILED"), map_run.status) == (8, 2, "SUCCEEDED")
    assert ":execution:machine/M:" in map_run.children[0].execution.identity.execution_arn
    assert {"MapRunStarted", "MapRunSucceeded"} <= set(event_types(finished))


def objects(**bodies: str) -> Cloud:
    stored = dict(bodies)

    def get(params: dict[str, Any]) -> dict[str, Any]:
        if params["Key"] not in stored:
            raise ServiceError("NoSuchKey", "not there", 404)
        return {"Body": io.BytesIO(stored[params["Key"]].encode())}

    def put(params: dict[str, Any]) -> dict[str, Any]:
        stored[params["Key"]] = params["Body"].read().decode()
        return {"ETag": "e"}

    cloud = Cloud({("s3", "GetObject"): get, ("s3", "PutObject"): put})
    cloud.stored = stored  # type: ignore[attr-defined]
    return cloud


def reading(config: dict, key: str = "data", **fields: Any) -> dict:
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": config,
        "Arguments": {"Bucket": "b", "Key": key},
    }
    processor = {**branch(X={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    return mapping(processor, ItemReader=reader, **fields)


@pytest.mark.parametrize(
    ("config", "text", "expected"),
    [
        ({"InputType": "JSON"}, "[1, 2]", [1, 2]),
        ({"InputType": "JSON", "ItemsPointer": "/deep/items"}, '{"deep": {"items": [5]}}', [5]),
        ({"InputType": "JSON"}, '{"k": 1}', [{"Key": "k", "Value": 1}]),
        ({"InputType": "JSONL"}, '{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            'id,name\n1,"a, b"\n2,c\n',
            [{"id": "1", "name": "a, b"}, {"id": "2", "name": "c"}],
        ),
        (
            {
                "InputType": "CSV",
                "CSVHeaderLocation": "GIVEN",
                "CSVHeaders": ["x", "y"],
                "CSVDelimiter": "PIPE",
            },
            "1|2\n3\n",
            [{"x": "1", "y": "2"}, {"x": "3", "y": ""}],
        ),
        ({"InputType": "JSON", "MaxItems": 2}, "[1, 2, 3]", [1, 2]),
        ({"InputType": "JSON", "MaxItems": "{% 1 %}"}, "[1, 2, 3]", [1]),
    ],
)
def test_item_reader_reads_the_documented_formats(config: dict, text: str, expected: list) -> None:
    assert output(reading(config), cloud=objects(data=text)) == expected


@pytest.mark.parametrize(("key", "text"), [("missing", "[]"), ("data", "{not json"), ("data", "5")])
def test_an_unreadable_object_is_an_item_reader_failure(key: str, text: str) -> None:
    error, _ = failure(reading({"InputType": "JSON"}, key), cloud=objects(data=text))
    assert error == "States.ItemReaderFailed"


def test_item_reader_lists_objects_over_all_pages() -> None:
    from tests.stepfunctions.test_tasks import MOMENT

    def page(params: dict[str, Any]) -> dict[str, Any]:
        last = params.get("ContinuationToken") == "more"
        key = "p/2" if last else "p/1"
        entry = {"Key": key, "ETag": '"e"', "Size": 3, "LastModified": MOMENT, "StorageClass": "STANDARD"}
        more = {} if last else {"NextContinuationToken": "more"}
        return {"Contents": [entry], "IsTruncated": not last, **more}

    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Arguments": {"Bucket": "b", "Prefix": "p/"}}
    processor = {**branch(X={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    result = output(mapping(processor, ItemReader=reader), cloud=Cloud({("s3", "ListObjectsV2"): page}))
    assert [item["Key"] for item in result] == ["p/1", "p/2"]
    assert result[0]["LastModified"] == 1767323045


def test_item_batcher_groups_items_and_adds_its_input() -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"b": "{% $states.input.b %}"}}
    processor = {**branch(X={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    definition = mapping(processor, Items="{% $states.input.l %}", ItemBatcher=batcher)
    assert output(definition, {"l": [1, 2, 3], "b": 9}) == [
        {"BatchInput": {"b": 9}, "Items": [1, 2]},
        {"BatchInput": {"b": 9}, "Items": [3]},
    ]


def test_item_batcher_keeps_batches_below_their_size() -> None:
    processor = {**branch(X={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    definition = mapping(processor, ItemBatcher={"MaxInputBytesPerBatch": 60})
    result = output(definition, ["x" * 20] * 4)
    assert [len(batch["Items"]) for batch in result] == [2, 2]


def writing(config: dict | None = None, **fields: Any) -> dict:
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Arguments": {"Bucket": "b", "Prefix": "out"},
        **({"WriterConfig": config} if config else {}),
    }
    processor = {**FAILING, "ProcessorConfig": STANDARD}
    return mapping(processor, Items="{% [7..9] %}", ResultWriter=writer, ToleratedFailureCount=1, **fields)


def test_result_writer_exports_a_manifest_and_the_results_by_status() -> None:
    cloud = objects()
    result = output(writing(), cloud=cloud)
    details = result["ResultWriterDetails"]
    run_id = result["MapRunArn"].rsplit(":", 1)[1]
    assert details == {"Bucket": "b", "Key": f"out/{run_id}/manifest.json"}
    manifest = json.loads(cloud.stored[details["Key"]])
    files = {status: [f["Key"] for f in found] for status, found in manifest["ResultFiles"].items()}
    assert files == {
        "SUCCEEDED": [f"out/{run_id}/SUCCEEDED_0.json"],
        "FAILED": [f"out/{run_id}/FAILED_0.json"],
        "PENDING": [],
    }
    succeeded = json.loads(cloud.stored[files["SUCCEEDED"][0]])
    assert [(entry["Input"], entry["Output"], entry["Status"]) for entry in succeeded] == [
        ("7", "7", "SUCCEEDED"),
        ("8", "8", "SUCCEEDED"),
    ]
    (failed,) = json.loads(cloud.stored[files["FAILED"][0]])
    assert (failed["Input"], failed["Error"]) == ("9", "Big")


def test_result_writer_can_write_plain_lines() -> None:
    cloud = objects()
    output(writing({"Transformation": "COMPACT", "OutputType": "JSONL"}), cloud=cloud)
    (key,) = [key for key in cloud.stored if "SUCCEEDED" in key]
    assert key.endswith(".jsonl")
    assert cloud.stored[key] == "7\n8"
    (key,) = [key for key in cloud.stored if "FAILED" in key]
    assert json.loads(cloud.stored[key])["Error"] == "Big"  # failures keep their details


def test_flatten_joins_the_arrays_of_the_children() -> None:
    processor = {
        **branch(X={"Type": "Pass", "Output": "{% [$states.input, $states.input] %}"}),
        "ProcessorConfig": STANDARD,
    }
    writer = {"WriterConfig": {"Transformation": "FLATTEN"}}
    assert output(mapping(processor, Items=[1, 2], ResultWriter=writer)) == [1, 1, 2, 2]


def test_maps_nest() -> None:
    inner = mapping(doubling())["States"]["M"]
    assert output(mapping(branch(I=inner)), [[1, 2], [3]]) == [[2, 4], [6]]


def test_an_item_that_is_too_large_fails_its_child_execution_only() -> None:
    processor = {**branch(X={"Type": "Pass", "Output": "fine"}), "ProcessorConfig": STANDARD}
    definition = mapping(processor, ItemReader=reading({"InputType": "JSON"})["States"]["M"]["ItemReader"])
    definition["States"]["M"]["ToleratedFailureCount"] = 1
    cloud = objects(data=json.dumps(["x" * 300_000, "small"]))
    assert output(definition, cloud=cloud) == ["fine"]


def test_stopping_an_execution_stops_the_children_of_its_map_run() -> None:
    class Observer(NoObserver):
        runs: list[MapRun] = []

        def map_run_started(self, run: MapRun) -> None:
            self.runs.append(run)

    processor = {**branch(W={"Type": "Wait", "Seconds": 1_000_000}), "ProcessorConfig": STANDARD}
    running = execution(mapping(processor, Items=[1, 2]), observer=Observer())
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not Observer.runs:
        time.sleep(0.01)
    running.abort()
    thread.join(3)
    assert not thread.is_alive()
    assert [child.execution.result.status for child in Observer.runs[0].children] == ["ABORTED"] * 2
    assert Observer.runs[0].status == "ABORTED"
