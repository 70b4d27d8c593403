"""ResultWriter: the outcome of a Map Run, to S3 or as the state's result.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from osusume_endpoint.stepfunctions.errors import RESULT_WRITER_FAILED, StateError
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.map_run import ChildExecution, MapRun
from osusume_endpoint.stepfunctions.payloads import dumps, iso

NONE, COMPACT, FLATTEN = "NONE", "COMPACT", "FLATTEN"
FILES = {"SUCCEEDED": ("SUCCEEDED",), "FAILED": ("FAILED", "TIMED_OUT", "ABORTED"), "PENDING": ("RUNNING",)}


def result(frame: Frame, run: MapRun) -> Any:
    """What the Map state hands on: where the results lie, or the results."""
    writer = frame.state.get("ResultWriter", {})
    if "Resource" in writer:
        return export(frame, run)
    succeeded = [child for child in run.children if child.succeeded]
    transformation = writer.get("WriterConfig", {}).get("Transformation", COMPACT)
    return (
        [_entry(child) for child in run.children]
        if transformation == NONE
        else _plain(succeeded, transformation)
    )


def export(frame: Frame, run: MapRun) -> dict[str, Any]:
    writer = frame.state["ResultWriter"]
    target = frame.flow.template(writer.get("Arguments", writer.get("Parameters")), "ResultWriter")
    folder = f"{target.get('Prefix', '').strip('/')}/{run.arn.rsplit(':', 1)[1]}".lstrip("/")
    try:
        key = _write(
            frame.scope.world.clients("s3"), run, writer.get("WriterConfig", {}), target["Bucket"], folder
        )
    except (ClientError, BotoCoreError) as error:
        raise StateError(RESULT_WRITER_FAILED, str(error)) from error
    return {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": target["Bucket"], "Key": key}}


def _write(s3: Any, run: MapRun, config: dict[str, Any], bucket: str, folder: str) -> str:
    kind = config.get("OutputType", "JSON")
    files: dict[str, list[dict[str, Any]]] = {}
    for name, statuses in FILES.items():
        children = [child for child in run.children if child.execution.result.status in statuses]
        files[name] = []
        if children:
            key = f"{folder}/{name}_0.{kind.lower()}"
            body = _body(_entries(children, config), kind).encode()
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            files[name] = [{"Key": key, "Size": len(body)}]
    manifest = {"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": files}
    s3.put_object(Bucket=bucket, Key=f"{folder}/manifest.json", Body=dumps(manifest).encode())
    return f"{folder}/manifest.json"


def _body(entries: list[Any], kind: str) -> str:
    return "\n".join(dumps(entry) for entry in entries) if kind == "JSONL" else dumps(entries)


def _entries(children: Sequence[ChildExecution], config: dict[str, Any]) -> list[Any]:
    transformation = config.get("Transformation", NONE)
    if transformation == NONE or not children[0].succeeded:
        return [_entry(child) for child in children]
    return _plain(children, transformation)


def _plain(children: Sequence[ChildExecution], transformation: str) -> list[Any]:
    outputs = [json.loads(child.execution.result.output or "null") for child in children]
    if transformation == FLATTEN:
        return [item for output in outputs for item in (output if isinstance(output, list) else [output])]
    return outputs


def _entry(child: ChildExecution) -> dict[str, Any]:
    outcome, identity = child.execution.result, child.execution.identity
    entry = {
        "ExecutionArn": identity.execution_arn,
        "Input": dumps(child.execution.value),
        "InputDetails": {"Included": True},
        "Name": identity.execution_name,
        "Output": outcome.output,
        "OutputDetails": {"Included": True},
        "Error": outcome.error,
        "Cause": outcome.cause,
        "StartDate": iso(child.started),
        "StateMachineArn": identity.state_machine_arn,
        "Status": outcome.status,
        "StopDate": iso(child.stopped) if child.stopped else None,
    }
    return {key: value for key, value in entry.items() if value is not None}
