"""What DynamoDB does and ministack only records: exports to S3, the recovery window they need, time to live."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from osusume_endpoint import calls, paths, replacements, wire
from osusume_endpoint.dynamodb import capacity, changes, expiry, export, expressions
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.replacements import replaces
from osusume_endpoint.service import ApiError, Operation, RequestContext, override_operations

EXPORT_SECONDS = 2.0
INTERRUPTED = "InternalServerError.Interrupted"
# A table was empty before it was made, so a window may start earlier than recovery was enabled. Without this
# the shortest window (15 minutes) would make every second run on a laptop a full one.
HEAD_START_SECONDS = 24 * 3600


def install(endpoint: Endpoint) -> None:
    calls.interceptors.append(refuse_update)
    log = changes.ChangeLog(endpoint.home / "dynamodb")
    replacements.apply(changes.__name__, log=log)
    replacements.apply(capacity.__name__)
    expiry.install()
    recovery = Recovery(endpoint)
    replacements.apply(__name__, recovery=recovery)
    exports = Exports(endpoint, log, recovery)
    override_operations(
        name="dynamodb", endpoint=endpoint, operations=exports.operations(), resource_arn=resource_arn
    )


def refuse_update(call: calls.Call) -> wire.Response | None:
    """ministack checks conditions, and passes over what it can't read in an update."""
    update = call.parameters().get("UpdateExpression") if call.action == "dynamodb:UpdateItem" else None
    if not isinstance(update, str):
        return None
    why = next(expressions.problems({"UpdateExpression": update}), None)
    return wire.respond_error(call.service, ApiError("ValidationException", why)) if why else None


def resource_arn(operation: str, parameters: dict[str, Any]) -> str | None:
    """What policies are matched against where ministack, which only knows TableName, sees nothing."""
    return parameters.get("TableArn") or parameters.get("ExportArn")


class Recovery:
    """The time since which each table can be restored, kept in a file, as ministack keeps only on or off."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._path = endpoint.home / "dynamodb" / "recovery.json"
        self._since: dict[str, float] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def note(self, table_id: str, enabled: bool) -> None:
        if enabled:
            self._since.setdefault(table_id, time.time())
        else:
            self._since.pop(table_id, None)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        paths.write_whole(self._path, json.dumps(self._since))

    def earliest(self, table_id: str) -> datetime:
        enabled = self._since.get(table_id, time.time())
        return datetime.fromtimestamp(int(enabled) - HEAD_START_SECONDS, UTC)


@replaces("ministack.services.dynamodb:_update_continuous_backups", takes="data")
def _noting(inner: Callable[..., Any], recovery: Recovery) -> Callable[..., Any]:
    from ministack.services import dynamodb

    def update_continuous_backups(data: dict[str, Any]) -> Any:
        response = inner(data)
        name = dynamodb._normalize_table_name(data.get("TableName"))
        if name in dynamodb._tables:
            recovery.note(dynamodb._tables[name]["TableId"], bool(dynamodb._pitr_settings.get(name)))
        return response

    return update_continuous_backups


class Exports:
    def __init__(self, endpoint: Endpoint, log: changes.ChangeLog, recovery: Recovery) -> None:
        self._endpoint = endpoint
        self._log = log
        self._recovery = recovery
        self._saving = threading.Lock()
        self._path = endpoint.home / "dynamodb" / "exports.json"
        self._exports: dict[str, dict[str, Any]] = (
            json.loads(self._path.read_text()) if self._path.exists() else {}
        )
        self._fail_interrupted()

    def _fail_interrupted(self) -> None:
        """An export ends with the endpoint that wrote it; who asks again, by the same token, gets another."""
        for description in self._exports.values():
            if description["ExportStatus"] == "IN_PROGRESS":
                description |= {
                    "ExportStatus": "FAILED",
                    "FailureCode": INTERRUPTED,
                    "FailureMessage": "The endpoint ended while it wrote the export: export again",
                    "EndTime": time.time(),
                }

    def operations(self) -> dict[str, Operation]:
        return {
            "DescribeContinuousBackups": self.describe_backups,
            "DescribeExport": self.describe,
            "ExportTableToPointInTime": self.start,
            "ListExports": self.list_all,
        }

    def describe_backups(self, context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
        name, table = _table(parameters["TableName"], code="TableNotFoundException")
        status: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
        if _recoverable(name):
            status = {
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": 35,
                "EarliestRestorableDateTime": self._recovery.earliest(table["TableId"]),
                "LatestRestorableDateTime": datetime.now(UTC),
            }
        described = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": status}
        return {"ContinuousBackupsDescription": described}

    def start(self, context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
        repeated = self._by_token(parameters.get("ClientToken"))
        if repeated:
            return {"ExportDescription": _shown(repeated)}
        name, table = _table(parameters["TableArn"], code="TableNotFoundException")
        if not _recoverable(name):
            raise ApiError(
                "PointInTimeRecoveryUnavailableException",
                f"Point in time recovery is not enabled for table '{name}'",
            )
        if parameters.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
            raise ApiError("NotEmulated", "The local endpoint exports DYNAMODB_JSON only, not ION", 501)
        job = self._describe_job(table, parameters)
        description = self._record(table, parameters, job)
        work = threading.Thread(
            target=self._run, args=(context, table, parameters, description, job), daemon=True
        )
        work.start()
        return {"ExportDescription": _shown(description)}

    def _describe_job(self, table: dict[str, Any], parameters: dict[str, Any]) -> export.Window | datetime:
        now = datetime.now(UTC)
        earliest = self._recovery.earliest(table["TableId"])
        if parameters.get("ExportType") == "INCREMENTAL_EXPORT":
            specification = parameters.get("IncrementalExportSpecification") or {}
            scale = self._endpoint.wait_scale
            return export.window(specification, earliest=earliest, now=now, scale=scale)
        at = parameters.get("ExportTime") or now
        export.check_time(at, earliest=earliest, now=now)
        return at

    def _record(
        self, table: dict[str, Any], parameters: dict[str, Any], job: export.Window | datetime
    ) -> dict[str, Any]:
        identity = export.export_id()
        copied = ("S3Bucket", "S3BucketOwner", "S3Prefix", "S3SseAlgorithm", "S3SseKmsKeyId", "ClientToken")
        description: dict[str, Any] = {
            "ExportArn": f"{table['TableArn']}/export/{identity}",
            "ExportStatus": "IN_PROGRESS",
            "StartTime": time.time(),
            "TableArn": table["TableArn"],
            "TableId": table["TableId"],
            "ExportFormat": "DYNAMODB_JSON",
            "ExportType": parameters.get("ExportType", "FULL_EXPORT"),
            **{k: parameters[k] for k in copied if k in parameters},
        }
        if isinstance(job, export.Window):
            description["IncrementalExportSpecification"] = {
                "ExportFromTime": job.since.timestamp(),
                "ExportToTime": job.until.timestamp(),
                "ExportViewType": job.view,
            }
        else:
            description["ExportTime"] = job.timestamp()
        self._exports[description["ExportArn"]] = description
        self._save()
        return description

    def _run(
        self,
        context: RequestContext,
        table: dict[str, Any],
        parameters: dict[str, Any],
        description: dict[str, Any],
        job: export.Window | datetime,
    ) -> None:
        try:
            finished = export.write(
                self._lines(table, job),
                to=_destination(context, parameters),
                identity=description["ExportArn"].rpartition("/")[2],
                summary=_summary(description, job),
            )
            time.sleep(EXPORT_SECONDS * self._endpoint.wait_scale)
            description |= {**finished, "ExportStatus": "COMPLETED"}
        except ClientError as error:
            denied = error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
            code = "S3AccessDenied" if denied else f"S3{error.response['Error']['Code']}"
            description |= {
                "ExportStatus": "FAILED",
                "FailureCode": code,
                "FailureMessage": error.response["Error"]["Message"],
            }
        except Exception as error:
            description |= {
                "ExportStatus": "FAILED",
                "FailureCode": "InternalServerError",
                "FailureMessage": f"{type(error).__name__}: {error}",
            }
        description["EndTime"] = time.time()
        self._save()

    def _lines(self, table: dict[str, Any], job: export.Window | datetime) -> Any:
        keys = [k["AttributeName"] for k in table["KeySchema"]]
        if isinstance(job, export.Window):
            return export.changed_between(self._log.read(table["TableId"]), keys=keys, window=job)
        return export.full_lines(table, log=self._log, keys=keys, at=job, now=datetime.now(UTC))

    def describe(self, context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
        description = self._exports.get(parameters["ExportArn"])
        if description is None:
            raise ApiError("ExportNotFoundException", f"Export not found: {parameters['ExportArn']}")
        return {"ExportDescription": _shown(description)}

    def list_all(self, context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
        wanted = parameters.get("TableArn")
        members = ("ExportArn", "ExportStatus", "ExportType")
        found = [
            {k: d[k] for k in members}
            for d in self._exports.values()
            if not wanted or d["TableArn"] == wanted
        ]
        start = int(parameters.get("NextToken", 0))
        end = start + parameters.get("MaxResults", 25)
        page: dict[str, Any] = {"ExportSummaries": found[start:end]}
        return page | {"NextToken": str(end)} if end < len(found) else page

    def _by_token(self, token: str | None) -> dict[str, Any] | None:
        asked = (d for d in self._exports.values() if token and d.get("ClientToken") == token)
        return next((d for d in asked if d.get("FailureCode") != INTERRUPTED), None)

    def _save(self) -> None:
        with self._saving:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            paths.write_whole(self._path, json.dumps(self._exports))


def _table(name_or_arn: str, *, code: str) -> tuple[str, dict[str, Any]]:
    from ministack.services import dynamodb

    name = name_or_arn.rpartition("/")[2]
    table = dynamodb._tables.get(name)
    if table is None:
        raise ApiError(code, f"Table not found: {name_or_arn}")
    return name, table


def _recoverable(name: str) -> bool:
    from ministack.services import dynamodb

    return bool(dynamodb._pitr_settings.get(name))


def _destination(context: RequestContext, parameters: dict[str, Any]) -> export.Destination:
    encryption = {}
    if parameters.get("S3SseAlgorithm") == "KMS":
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": parameters.get("S3SseKmsKeyId", "")}
    elif parameters.get("S3SseAlgorithm") == "AES256":
        encryption = {"ServerSideEncryption": "AES256"}
    return export.Destination(
        s3=context.endpoint.service_client("s3", context.credentials),
        bucket=parameters["S3Bucket"],
        prefix=parameters.get("S3Prefix", ""),
        encryption={k: v for k, v in encryption.items() if v},
    )


def _summary(description: dict[str, Any], job: export.Window | datetime) -> dict[str, Any]:
    common = {
        "exportArn": description["ExportArn"],
        "startTime": _iso(datetime.fromtimestamp(description["StartTime"], UTC)),
        "tableArn": description["TableArn"],
        "tableId": description["TableId"],
        "s3SseAlgorithm": description.get("S3SseAlgorithm", "AES256"),
        "s3SseKmsKeyId": description.get("S3SseKmsKeyId"),
        "exportType": description["ExportType"],
    }
    if isinstance(job, export.Window):
        times = {"exportFromTime": _iso(job.since), "exportToTime": _iso(job.until), "outputView": job.view}
        return {"version": "2023-08-01", **common, **times}
    return {"version": "2020-06-30", **common, "exportTime": _iso(job)}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(description: dict[str, Any]) -> dict[str, Any]:
    return dict(description)
