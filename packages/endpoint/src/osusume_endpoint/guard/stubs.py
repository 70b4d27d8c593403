"""Operations that ministack answers without doing them. One that nothing replaces is refused by its name."""

from __future__ import annotations

import importlib
from typing import NamedTuple


class Stub(NamedTuple):
    module: str  # of ministack.services
    function: str  # replaced when another module's function stands there; "" = only as a whole


# (IAM action, or a whole service as "prefix:*") -> where ministack answers it.
STUBS: dict[str, Stub] = {
    "athena:StartQueryExecution": Stub("athena", ""),
    "batch:SubmitJob": Stub("batch", ""),
    "bedrock:InvokeModel": Stub("bedrock_runtime", ""),
    "bedrock:InvokeModelWithResponseStream": Stub("bedrock_runtime", ""),
    "codebuild:StartBuild": Stub("codebuild", ""),
    "elasticmapreduce:RunJobFlow": Stub("emr", ""),
    "glue:RunStatement": Stub("glue", ""),
    "glue:StartCrawler": Stub("glue", ""),
    "glue:StartDataQualityRulesetEvaluationRun": Stub("glue", ""),
    "glue:StartJobRun": Stub("glue", "_start_job_run"),
    "glue:StartWorkflowRun": Stub("glue", ""),
    "rds-data:*": Stub("rds_data", "handle_request"),
    "redshift-data:*": Stub("redshift_data", ""),
    "states:StartExecution": Stub("stepfunctions", "_run_execution"),
    "states:StartSyncExecution": Stub("stepfunctions", "_run_execution"),
    "transcribe:StartTranscriptionJob": Stub("transcribe", ""),
    "translate:TranslateText": Stub("translate", ""),
}


def stub_of(action: str) -> Stub | None:
    """The stub that would answer the action; None when the real thing or a replacement does."""
    prefix, _, operation = action.partition(":")
    stub = STUBS.get(action) or STUBS.get(f"{prefix}:*")
    if stub is None or is_ours(prefix, operation) or is_patched(stub):
        return None
    return stub


def is_ours(prefix: str, operation: str) -> bool:
    """Whether a service of ours serves the operation."""
    from osusume_endpoint.registry import registered

    for service in registered.values():
        if prefix in (service.iam_namespace, service.name) and (
            operation in service.operations or not service.falls_through
        ):
            return True
    return False


def is_patched(stub: Stub) -> bool:
    if not stub.function:
        return False
    module = importlib.import_module(f"ministack.services.{stub.module}")
    return str(getattr(getattr(module, stub.function), "__module__", "")).startswith("osusume_endpoint.")
