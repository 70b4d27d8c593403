"""Permissions that a local run can't show, each with its reason: only AWS or an error path uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from config import layout
from stacks.parts.access import SPARK_ON_S3

_SPARK = "S3A commits through temporary files and parts, which it lists; the local runner writes objects once"
_WRITES = SPARK_ON_S3["5.1"].on_objects


@dataclass(frozen=True)
class Unrecorded:
    """`role` is an expression over <stack>/<logical id>; resources may hold {prefix}, {where}, {account}."""

    role: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str
    where_configured: bool = False  # else the role has to be allowed in every environment that has it

    def fits(self, role: str) -> bool:
        return re.fullmatch(self.role, role) is not None


def _objects(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{{prefix}}-{bucket}-{{account}}-{{region}}/{key}"


def _of_experiments() -> Iterator[Unrecorded]:
    """The recorded line has no experiment: its configuration is a fork's first."""
    why = "experiments are analysed only where one is configured"
    workgroup, stored = (
        ("arn:aws:redshift-serverless:{where}:workgroup/{prefix}-warehouse",),
        (_objects("results", layout.WAREHOUSE.of(run_id="x", table=layout.EXPERIMENT_RESULTS) + "x"),),
    )
    reading = ("redshift-data:DescribeStatement", "redshift-data:GetStatementResult")
    starting = ("redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement")
    role = r"Analytics/AnalyseExperiments.*"
    yield Unrecorded(role, starting, workgroup, why)
    yield Unrecorded(role, reading, ("*",), why)
    secret = ("arn:aws:secretsmanager:{where}:secret:{prefix}/warehouse-000000",)
    yield Unrecorded(role, ("secretsmanager:GetSecretValue",), secret, why)
    yield Unrecorded(role, ("s3:PutObject",), stored, why)
    yield from _of_guardrails()


def _of_guardrails() -> Iterator[Unrecorded]:
    role, why = r"Observability/StopVariant.*", "a variant is stopped only when its alarm rings"
    application = "arn:aws:appconfig:{where}:application/{prefix}"
    environment, document = (
        f"{application}/environment/{{prefix}}",
        f"{application}/configurationprofile/experiments",
    )
    strategy = "arn:aws:appconfig:{where}:deploymentstrategy/{prefix}-at-once"
    whole = (application, environment, document, f"{environment}/deployment/1", strategy)
    version = (application, document, f"{document}/hostedconfigurationversion/1")
    yield Unrecorded(role, ("appconfig:ListDeployments",), (application, environment), why)
    yield Unrecorded(role, ("appconfig:StartDeployment", "appconfig:GetDeployment"), whole, why)
    yield Unrecorded(role, ("appconfig:CreateHostedConfigurationVersion",), (application, document), why)
    versions = ("appconfig:GetHostedConfigurationVersion", "appconfig:DeleteHostedConfigurationVersion")
    yield Unrecorded(role, versions, version, why)
    yield Unrecorded(role, ("sns:Publish",), ("arn:aws:sns:{where}:{prefix}-alerts",), why)


def _of_streaming() -> Iterator[Unrecorded]:
    """The recorded line streams nothing: its configuration is a fork's first."""
    why = "events are streamed only where their type is configured so"
    control = ("arn:aws:dynamodb:{where}:table/{prefix}-control",)
    yield Unrecorded(r"Preparation/PlanRun.*", ("dynamodb:PutItem",), control, why)
    role = r"Streaming/StreamEvents.*"
    yield Unrecorded(role, ("dynamodb:GetItem",), control, why)
    yield Unrecorded(role, ("dynamodb:ListStreams",), ("*",), why)
    for action in ("PutEvents", "PutActionInteractions"):
        yield Unrecorded(role, (f"personalize:{action}",), ("*",), why, where_configured=True)
    put = {"PutItems": "ITEMS", "PutUsers": "USERS", "DescribeDataset": "ACTION_INTERACTIONS"}
    for action, dataset in put.items():
        arn = f"arn:aws:personalize:{{where}}:dataset/{{prefix}}/{dataset}"
        yield Unrecorded(role, (f"personalize:{action}",), (arn,), why, where_configured=True)
    yield Unrecorded(role, ("s3:PutObject",), (_objects("raw", f"{layout.STREAM_QUARANTINE.top}/x"),), why)
    yield Unrecorded(role, ("sqs:SendMessage",), ("arn:aws:sqs:{where}:{prefix}-stream-dead-letters",), why)
    reading = ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream")
    yield Unrecorded(
        role, reading, ("arn:aws:dynamodb:{where}:table/{prefix}-application-log/stream/x",), why
    )


def _of_trainings() -> Iterator[Unrecorded]:
    """A schedule of its own is what only some environments have; its role writes one item by the scheduler itself."""
    yield Unrecorded(
        r"Pipeline/SchedulerRole.*",
        ("dynamodb:PutItem",),
        ("arn:aws:dynamodb:{where}:table/{prefix}-control",),
        "the recorded line trains in each run",
        where_configured=True,
    )


def _of_small_data() -> Iterator[Unrecorded]:
    """The recorded line builds datasets on Glue."""
    role, why = (
        r"Preparation/BuildSmallDatasets.*",
        "datasets are built in a function only where etl.engine says so",
    )
    own = (
        _objects("datasets", f"{layout.DATASET.top}/x"),
        _objects("results", layout.WAREHOUSE.of(run_id="x", table="x") + "x"),
    )
    events = _objects("raw", f"{layout.RAW_EVENTS.top}/x")
    read = (layout.LOG_EXPORT, layout.RAW_TABLE, layout.EXPOSURES)
    sources = tuple(_objects("raw", f"{form.top}/x") for form in read)
    buckets = tuple(
        f"arn:aws:s3:::{{prefix}}-{name}-{{account}}-{{region}}" for name in ("datasets", "raw", "results")
    )
    yield Unrecorded(role, ("s3:ListBucket",), buckets, why)
    yield Unrecorded(role, ("s3:GetObject",), (*own, events, *sources), why)
    yield Unrecorded(
        role, ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"), (*own, events), why
    )
    key = ("arn:aws:kms:{where}:key/*",)
    yield Unrecorded(role, ("kms:Decrypt", "kms:GenerateDataKey"), key, why, where_configured=True)
    yield Unrecorded(role, ("dynamodb:Scan",), ("arn:aws:dynamodb:{where}:table/{prefix}-control",), why)
    log = ("arn:aws:dynamodb:{where}:table/{prefix}-application-log",)
    yield Unrecorded(role, ("dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"), log, why)
    secret = ("arn:aws:secretsmanager:{where}:secret:{prefix}/forgetting-000000",)
    yield Unrecorded(role, ("secretsmanager:GetSecretValue",), secret, why)


_TABLES, _EXPOSURES = (f"{form.top}/x" for form in (layout.RAW_TABLE, layout.EXPOSURES))
UNRECORDED: tuple[Unrecorded, ...] = (
    Unrecorded(
        r"Serving/RecordEvents.*",
        ("s3:PutObject",),
        (_objects("raw", _EXPOSURES),),
        "exposures are written only while an experiment runs",
    ),
    Unrecorded(
        r"Preparation/BuildDatasets.*",
        ("s3:GetObject",),
        (_objects("raw", _EXPOSURES),),
        "exposures are read only where an experiment ran",
    ),
    *_of_experiments(),
    *_of_streaming(),
    *_of_small_data(),
    *_of_trainings(),
    Unrecorded(
        r"Serving/GetRecommendations.*",
        ("personalize:GetActionRecommendations",),
        ("arn:aws:personalize:{where}:campaign/{prefix}-actions",),
        "the recorded line has no solution that proposes actions",
        where_configured=True,
    ),
    Unrecorded(
        r"Serving/(GetRecommendations|RecordEvents).*",
        ("appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"),
        ("arn:aws:appconfig:{where}:application/{prefix}/environment/{prefix}/configuration/experiments",),
        "AppConfig makes the ids up, so a recording of one deployment is no other's",
    ),
    Unrecorded(
        r"Serving/RecordEvents.*",
        ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
        ("arn:aws:sqs:{where}:{prefix}-impressions",),
        "Lambda takes the messages with the function's role; the emulator takes them as itself",
    ),
    Unrecorded(
        r"Forgetting/ForgetUsers.*",
        ("dynamodb:Scan",),
        ("arn:aws:dynamodb:{where}:table/{prefix}-application-log",),
        "only a log whose key does not begin with the user is read whole",
    ),
    Unrecorded(
        r"Forgetting/ForgetUsers.*",
        ("s3:AbortMultipartUpload",),
        tuple(_objects(bucket, "x") for bucket in ("raw", "datasets", "results")),
        "only a large file is uploaded in parts, which a failure takes back",
    ),
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
        (
            "arn:aws:states:{where}:execution:{prefix}-pipeline:x",
            "arn:aws:states:{where}:execution:{prefix}-clean-up:x",
        ),
        "only the owner of a lock that is held is looked at",
    ),
    Unrecorded(
        r"Preparation/ExtractAurora.*",
        _WRITES,
        (_objects("raw", _TABLES),),
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
        _WRITES,
        tuple(
            _objects(bucket, f"{form.top}/x")
            for bucket, form in (
                ("raw", layout.RAW_EVENTS),
                ("datasets", layout.DATASET),
                ("results", layout.WAREHOUSE),
            )
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
        r"Pipeline/DeleteSuperseded.*",
        ("personalize:DeleteSolution",),
        ("arn:aws:personalize:{where}:solution/{prefix}-x",),
        "only a solution that was configured no longer for days is deleted",
    ),
    Unrecorded(
        r"Training/JudgeSolutionVersion.*",
        ("sns:Publish",),
        ("arn:aws:sns:{where}:{prefix}-alerts",),
        "only a version that the gate turns down is told",
    ),
    Unrecorded(
        r"Training/JudgeSolutionVersion.*",
        ("s3:ListBucket",),
        ("arn:aws:s3:::{prefix}-datasets-{account}-{region}",),
        "without it S3 answers 403 and not 404 for a report that has expired, and the gate would stop the run",
    ),
    Unrecorded(
        r"Training/TrainRole.*",
        ("personalize:UpdateSolution",),
        ("arn:aws:personalize:{where}:solution/{prefix}-x",),
        "only a solution whose events configuration changed is updated",
    ),
    Unrecorded(
        r"Training/TrainRole.*",
        ("personalize:ListSolutionVersions",),
        ("*",),
        "only a version whose creation was not answered is looked for",
    ),
    Unrecorded(
        r"Publishing/PostprocessRecommendations.*",
        _WRITES,
        (_objects("results", f"{layout.PUBLISH.top}/x"), _objects("results", f"{layout.WAREHOUSE.top}/x")),
        _SPARK,
    ),
    *(
        Unrecorded(
            role,
            SPARK_ON_S3["5.1"].on_bucket,
            tuple(f"arn:aws:s3:::{{prefix}}-{bucket}-{{account}}-{{region}}" for bucket in buckets),
            _SPARK,
        )
        for role, buckets in (
            (r"Preparation/ExtractAurora.*", ("raw",)),
            (r"Preparation/BuildDatasets.*", ("raw", "datasets", "results")),
            (r"Publishing/PostprocessRecommendations.*", ("results",)),
        )
    ),
)
