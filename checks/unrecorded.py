"""Permissions that a local run can't show, each with its reason: only AWS or an error path uses them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPARK = "EMRFS commits through temporary files and folder markers; the local runner writes objects once"


@dataclass(frozen=True)
class Unrecorded:
    """`role` is an expression over <stack>/<logical id>; resources may hold {prefix}, {where}, {account}."""

    role: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str

    def fits(self, role: str) -> bool:
        return re.match(self.role, role) is not None


def _objects(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{{prefix}}-{bucket}-{{account}}-{{region}}/{key}"


UNRECORDED: tuple[Unrecorded, ...] = (
    Unrecorded(
        r"Analytics/LoadWarehouse",
        ("redshift-data:CancelStatement",),
        ("*",),
        "only a load that runs past its deadline is cancelled",
    ),
    Unrecorded(
        r"Analytics/LoadWarehouse",
        ("redshift-data:ExecuteStatement",),
        ("arn:aws:redshift-serverless:{where}:workgroup/{prefix}-warehouse",),
        "only a load whose COPY failed asks for the detail of the error",
    ),
    Unrecorded(
        r"Analytics/RunDbt",
        ("redshift-serverless:GetCredentials",),
        ("arn:aws:redshift-serverless:{where}:workgroup/{prefix}-warehouse",),
        "dbt signs in to Redshift with temporary credentials; locally the warehouse's own are given",
    ),
    Unrecorded(
        r"Preparation/ExtractAurora",
        ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
        (_objects("raw", "aurora/x"), _objects("raw", "aurora_$folder$")),
        _SPARK,
    ),
    Unrecorded(
        r"Preparation/ExtractAurora",
        ("s3:GetObject",),
        (_objects("raw", "aurora/x"),),
        _SPARK,
    ),
    Unrecorded(
        r"Preparation/ValidateDatasets",
        ("s3:ListBucket",),
        ("arn:aws:s3:::{prefix}-datasets-{account}-{region}",),
        "without it S3 answers 403 and not 404 for a report that is not there, and the error misleads",
    ),
    Unrecorded(
        r"Preparation/BuildDatasets",
        ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
        tuple(
            _objects(bucket, key)
            for bucket, folder in (("raw", "events"), ("datasets", "runs"), ("results", "runs"))
            for key in (f"{folder}/x", f"{folder}_$folder$")
        ),
        _SPARK,
    ),
    Unrecorded(
        r"Preparation/BuildDatasets",
        ("s3:GetObject",),
        (_objects("datasets", "runs/x/report.json"), _objects("results", "runs/x/warehouse/items/x")),
        "a second run compares with the report of the one before, and the committer reads what it wrote",
    ),
    Unrecorded(
        r"Publishing/PostprocessRecommendations",
        ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
        (_objects("results", "runs/x"), _objects("results", "runs_$folder$")),
        _SPARK,
    ),
)
