"""Permissions that a local run can't show, each with its reason: only AWS or an error path uses them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from config import layout

_SPARK = "EMRFS commits through temporary files and folder markers; the local runner writes objects once"


@dataclass(frozen=True)
class Unrecorded:
    """`role` is an expression over <stack>/<logical id>; resources may hold {prefix}, {where}, {account}."""

    role: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str

    def fits(self, role: str) -> bool:
        return re.fullmatch(self.role, role) is not None


def _objects(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{{prefix}}-{bucket}-{{account}}-{{region}}/{key}"


def _marker(form: layout.Form) -> str:
    """EMRFS's object beside the folder."""
    return f"{form.top}_$folder$"


_TABLES = f"{layout.RAW_TABLE.top}/x"
UNRECORDED: tuple[Unrecorded, ...] = (
    Unrecorded(
        r"Analytics/LoadWarehouse.*",
        ("redshift-data:CancelStatement",),
        ("*",),
        "only a load that runs past its deadline is cancelled",
    ),
    Unrecorded(
        r"Analytics/LoadWarehouse.*",
        ("redshift-data:ExecuteStatement",),
        ("arn:aws:redshift-serverless:{where}:workgroup/{prefix}-warehouse",),
        "only a load whose COPY failed asks for the detail of the error",
    ),
    Unrecorded(
        r"Pipeline/PipelineRole.*",
        ("dynamodb:GetItem",),
        ("arn:aws:dynamodb:{where}:table/{prefix}-control",),
        "only a lock that is held is read",
    ),
    Unrecorded(
        r"Pipeline/PipelineRole.*",
        ("states:DescribeExecution",),
        ("arn:aws:states:{where}:execution:{prefix}-pipeline:x",),
        "only the owner of a lock that is held is looked at",
    ),
    Unrecorded(
        r"Preparation/ExtractAurora.*",
        ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
        (_objects("raw", _TABLES), _objects("raw", _marker(layout.RAW_TABLE))),
        _SPARK,
    ),
    Unrecorded(
        r"Preparation/ExtractAurora.*",
        ("s3:GetObject",),
        (_objects("raw", _TABLES),),
        _SPARK,
    ),
    Unrecorded(
        r"Preparation/GrantReader.*",
        tuple(
            f"rds-data:{name}"
            for name in ("BeginTransaction", "ExecuteStatement", "CommitTransaction", "RollbackTransaction")
        ),
        ("arn:aws:rds:{where}:cluster:<Aurora2CBAB212>",),
        "CloudFormation makes the cluster's name up, so a recording of one deployment is no other's",
    ),
    Unrecorded(
        r"Preparation/ValidateDatasets.*",
        ("s3:ListBucket",),
        ("arn:aws:s3:::{prefix}-datasets-{account}-{region}",),
        "without it S3 answers 403 and not 404 for a report that is not there, and the error misleads",
    ),
    Unrecorded(
        r"Preparation/BuildDatasets.*",
        ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
        tuple(
            _objects(bucket, key)
            for bucket, form in (
                ("raw", layout.RAW_EVENTS),
                ("datasets", layout.DATASET),
                ("results", layout.WAREHOUSE),
            )
            for key in (f"{form.top}/x", _marker(form))
        ),
        _SPARK,
    ),
    Unrecorded(
        r"Preparation/BuildDatasets.*",
        ("s3:GetObject",),
        (
            _objects("datasets", layout.REPORT.of(run_id="x")),
            _objects("results", layout.WAREHOUSE.of(run_id="x", table="items") + "x"),
        ),
        "a second run compares with the report of the one before, and the committer reads what it wrote",
    ),
    Unrecorded(
        r"Publishing/PostprocessRecommendations.*",
        ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
        (_objects("results", f"{layout.PUBLISH.top}/x"), _objects("results", _marker(layout.PUBLISH))),
        _SPARK,
    ),
)
