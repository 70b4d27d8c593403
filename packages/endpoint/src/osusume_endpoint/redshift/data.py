"""The Redshift Data API."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg2

from osusume_endpoint import permissions
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError, AssumeRoleRefused
from osusume_endpoint.network import placed, policies
from osusume_endpoint.redshift import catalog, results
from osusume_endpoint.redshift.serverless import Serverless, database_user
from osusume_endpoint.redshift.statements import ENDED, Part, Runner, S3Access, Statement, new_id
from osusume_endpoint.redshift.tokens import statements as split_statements
from osusume_endpoint.redshift.warehouse import Warehouse
from osusume_endpoint.service import Operation, RequestContext

Parameters = dict[str, Any]
PRINCIPALS = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")
MAX_STATEMENTS = 5000  # kept; AWS keeps them for a day


class DataApi:
    def __init__(self, *, endpoint: Endpoint, serverless: Serverless, warehouse: Warehouse) -> None:
        self._endpoint = endpoint
        self._serverless = serverless
        self._warehouse = warehouse
        self._runner = Runner()
        self._statements: dict[str, Statement] = {}
        self._tokens: dict[str, str] = {}
        self._sessions: dict[str, Any] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        return {
            "ExecuteStatement": self.execute,
            "BatchExecuteStatement": self.batch_execute,
            "DescribeStatement": self.describe,
            "GetStatementResult": self.result,
            "GetStatementResultV2": self.result_csv,
            "ListStatements": self.list_statements,
            "CancelStatement": self.cancel,
            "ListDatabases": self.list_databases,
            "ListSchemas": self.list_schemas,
            "ListTables": self.list_tables,
            "DescribeTable": self.describe_table,
        }

    def resource_arn(self, operation: str, parameters: Parameters) -> str:
        name = parameters.get("WorkgroupName", "")
        if not name:
            return "*"
        try:
            return str(self._serverless.workgroup(name)["workgroupArn"])
        except ApiError:
            return "*"

    # Running

    def execute(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        if len(split_statements(parameters["Sql"])) != 1:
            raise ApiError(
                "ValidationException", "Sql must hold one statement: use BatchExecuteStatement for more"
            )
        return self._start(context, parameters, [parameters["Sql"]], batch=False)

    def batch_execute(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        return self._start(context, parameters, parameters["Sqls"], batch=True)

    def _start(
        self, context: RequestContext, parameters: Parameters, sqls: list[str], *, batch: bool
    ) -> dict[str, Any]:
        _check(parameters)
        parameters = self._of_session(context, parameters)
        token = f"{_owner(context.caller_arn)} {parameters.get('ClientToken')}" * bool(
            parameters.get("ClientToken")
        )
        with self._lock:
            if token and token in self._tokens:
                return self._answer(self._statements[self._tokens[token]])
        login = self._login(context, parameters)
        statement = _new_statement(context, parameters, sqls, batch=batch, login=login)
        keep = self._session(statement, parameters)
        with self._lock:
            self._remember(statement, token)
        workgroup = self._serverless.workgroup(statement.workgroup)
        namespace = self._serverless.namespace_of(workgroup)
        s3 = S3Access(
            client=lambda role: self._s3_client(role, namespace, workgroup),
            lacks=lambda: placed.copy_lacks(self._endpoint, workgroup),
        )
        self._runner.submit(
            statement,
            open_connection=lambda: self._connection(statement, login),
            s3=s3,
            keep=keep,
            record=self._record_load_error,
        )
        if parameters.get("WaitTimeSeconds"):
            statement.done.wait(parameters["WaitTimeSeconds"])
        return self._answer(statement)

    def _record_load_error(self, statement: Statement) -> None:
        detail = statement.failed_copy or {}
        self._warehouse.record_load_error(
            database=statement.database, user=statement.user, session=statement.pid, detail=detail
        )

    def _remember(self, statement: Statement, token: str | None) -> None:
        self._statements[statement.id] = statement
        if token:
            self._tokens[token] = statement.id
        while len(self._statements) > MAX_STATEMENTS:
            self._statements.pop(next(iter(self._statements)))

    def _session(self, statement: Statement, parameters: Parameters) -> bool:
        """Whether the connection is kept for later statements of the session."""
        if parameters.get("SessionKeepAliveSeconds") and not statement.session:
            statement.session = new_id()
            self._sessions[statement.session] = None
        return bool(statement.session)

    def _connection(self, statement: Statement, login: Mapping[str, str]) -> Any:
        kept = self._sessions.get(statement.session) if statement.session else None
        if kept is not None and not kept.closed:
            return kept
        try:
            connection = self._warehouse.connect(**login)
        except psycopg2.OperationalError as error:
            raise ApiError("DatabaseConnectionException", str(error).strip()) from None
        if statement.session:
            self._sessions[statement.session] = connection
        return connection

    def _login(self, context: RequestContext, parameters: Parameters) -> dict[str, str]:
        """Who connects to what: by a secret that the caller may read, or by credentials that IAM grants."""
        workgroup = self._serverless.workgroup(parameters["WorkgroupName"])
        database = parameters.get("Database") or self._serverless.namespace_of(workgroup)["dbName"]
        if parameters.get("SecretArn"):
            return {"database": database, **_secret(context, parameters["SecretArn"])}
        context.authorize(action="redshift-serverless:GetCredentials", resource=workgroup["workgroupArn"])
        user = database_user(context.caller_arn)
        return {"database": database, "user": user, "password": self._warehouse.ensure_user(user)}

    def _of_session(self, context: RequestContext, parameters: Parameters) -> Parameters:
        """A later statement of a session names neither workgroup, database nor secret: the first one did."""
        session = parameters.get("SessionId")
        if not session:
            return parameters
        first = next((s for s in self._statements.values() if s.session == session), None)
        if first is None or first.caller != _owner(context.caller_arn):
            raise ApiError("ResourceNotFoundException", f"Session {session} doesn't exist.")
        known = {"WorkgroupName": first.workgroup, "Database": first.database, "SecretArn": first.secret}
        return {**{k: v for k, v in known.items() if v}, **parameters}

    def _s3_client(self, role: str, namespace: Mapping[str, Any], workgroup: Mapping[str, Any]) -> Any:
        arn = namespace.get("defaultIamRoleArn", "") if role == "default" else role
        if not arn:
            raise ApiError("ValidationException", "The cluster has no default IAM role: give IAM_ROLE an ARN")
        if arn not in namespace.get("iamRoles", []):
            message = f"The requested role {arn} is not associated to namespace {namespace['namespaceName']}"
            raise ApiError("ValidationException", message)
        session = self._role_session(arn)
        policies.settle(session, placed.of_copy(workgroup))
        return self._endpoint.service_client("s3", session)

    def _role_session(self, arn: str) -> Any:
        """A role may trust either of Redshift's principals."""
        refusal: AssumeRoleRefused | None = None
        for principal in PRINCIPALS:
            try:
                return permissions.role_session(
                    self._endpoint, arn, session_name="RedshiftIamRoleSession", service=principal
                )
            except AssumeRoleRefused as error:
                refusal = refusal or error
        raise ApiError("ValidationException", f"Not authorized to assume IAM Role {arn}: {refusal}")

    def _answer(self, statement: Statement) -> dict[str, Any]:
        answer = {
            "Id": statement.id,
            "CreatedAt": statement.created,
            "Database": statement.database,
            "DbUser": statement.user,
            "WorkgroupName": statement.workgroup,
            "SecretArn": statement.secret,
            "SessionId": statement.session,
        }
        return {name: value for name, value in answer.items() if value}

    # Looking

    def _find(self, context: RequestContext, identifier: str) -> tuple[Statement, Part]:
        """The statement and, for `<id>:2`, its second part. Only the IAM identity that started it finds it."""
        base, _, number = identifier.partition(":")
        statement = self._statements.get(base)
        if statement is not None and statement.caller != _owner(context.caller_arn):
            statement = None
        if statement is None or (number and not 1 <= int(number) <= len(statement.parts)):
            raise ApiError("ResourceNotFoundException", f"Query {identifier} does not exist.")
        return statement, statement.parts[int(number or 1) - 1]

    def describe(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        statement, part = self._find(context, parameters["Id"])
        if parameters.get("WaitTimeSeconds"):
            statement.done.wait(parameters["WaitTimeSeconds"])
        if ":" in parameters["Id"]:
            return {**part.described(), **_identity(statement)}
        last = statement.parts[-1]
        shown = {**_identity(statement), **_summary(statement), "RedshiftPid": statement.pid}
        if statement.batch:
            shown["SubStatements"] = [one.described() for one in statement.parts]
            return {**shown, "HasResultSet": any(p.description is not None for p in statement.parts)}
        details = last.described()
        return {**{k: details[k] for k in ("HasResultSet", "ResultRows", "ResultSize", "RedshiftQueryId")},
                **shown, "QueryString": last.sql}  # fmt: skip

    def result(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        part, rows, following = self._page(context, parameters)
        page = {
            "ColumnMetadata": results.columns(part.description or []),
            "Records": [[results.field(value) for value in row] for row in rows],
            "TotalNumRows": len(part.rows),
        }
        return {**page, **following}

    def result_csv(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        part, rows, following = self._page(context, parameters)
        names = None if parameters.get("NextToken") else [column.name for column in part.description or []]
        page = {
            "ColumnMetadata": results.columns(part.description or []),
            "Records": [{"CSVRecords": results.csv_text(names, rows)}],
            "TotalNumRows": len(part.rows),
            "ResultFormat": "CSV",
        }
        return {**page, **following}

    def _page(
        self, context: RequestContext, parameters: Parameters
    ) -> tuple[Part, list[tuple[Any, ...]], dict[str, str]]:
        statement, part = self._find(context, parameters["Id"])
        if statement.status not in ENDED:
            raise ApiError("ResourceNotFoundException", "Query is not finished: its results are not ready.")
        if part.status != "FINISHED" or part.description is None:
            raise ApiError(
                "ResourceNotFoundException",
                "Query does not have result. Please check query status with DescribeStatement.",
            )
        start = int(parameters.get("NextToken") or 0)
        end = start + results.PAGE_ROWS
        return part, part.rows[start:end], {"NextToken": str(end)} if end < len(part.rows) else {}

    def list_statements(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        found = [s for s in reversed(list(self._statements.values())) if _listed(s, context, parameters)]
        start, size = int(parameters.get("NextToken") or 0), parameters.get("MaxResults") or 100
        page = {"Statements": [_listing(s) for s in found[start : start + size]]}
        return {**page, "NextToken": str(start + size)} if start + size < len(found) else page

    def cancel(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        statement, _ = self._find(context, parameters["Id"])
        if not self._runner.cancel(statement):
            state = statement.status
            message = f"Could not cancel a query that is already in {state} state with ID: {statement.id}"
            raise ApiError("ValidationException", message)
        return {"Status": True}

    # The catalog

    @contextlib.contextmanager
    def _cursor(self, context: RequestContext, parameters: Parameters) -> Iterator[Any]:
        login = self._login(context, parameters)
        login["database"] = parameters.get("ConnectedDatabase") or login["database"]
        connection = self._warehouse.connect(**login)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def list_databases(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        workgroup = self._serverless.workgroup(parameters["WorkgroupName"])
        return {"Databases": self._warehouse.databases(workgroup["namespaceName"])}

    def list_schemas(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        with self._cursor(context, parameters) as cursor:
            return {"Schemas": catalog.schemas(cursor, parameters.get("SchemaPattern"))}

    def list_tables(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        with self._cursor(context, parameters) as cursor:
            found = catalog.tables(cursor, parameters.get("SchemaPattern"), parameters.get("TablePattern"))
        return {"Tables": found}

    def describe_table(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        schema, table = parameters.get("Schema") or "public", parameters.get("Table", "")
        with self._cursor(context, parameters) as cursor:
            found = catalog.columns(cursor, schema, table)
        if not found:
            raise ApiError("ResourceNotFoundException", f"Table {schema}.{table} does not exist.")
        return {"TableName": table, "ColumnList": found}


def _check(parameters: Parameters) -> None:
    if parameters.get("ClusterIdentifier") or parameters.get("DbUser"):
        raise ApiError(
            "ValidationException", "Provisioned clusters are not emulated locally: use WorkgroupName"
        )
    if parameters.get("WithEvent"):
        raise ApiError("ValidationException", "WithEvent is not emulated locally: poll DescribeStatement")
    if not parameters.get("WorkgroupName") and not parameters.get("SessionId"):
        raise ApiError("ValidationException", "WorkgroupName is required")
    if not parameters.get("Database") and not parameters.get("SessionId"):
        raise ApiError("ValidationException", "Database is required")


def _secret(context: RequestContext, arn: str) -> dict[str, str]:
    from botocore.exceptions import ClientError

    try:
        value = json.loads(context.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        return {"user": value["username"], "password": value["password"]}
    except ClientError as error:
        detail = error.response["Error"]
        raise ApiError("ValidationException", f"{detail.get('Code')}: {detail.get('Message')}") from None
    except (ValueError, KeyError):
        raise ApiError("ValidationException", f"Secret {arn} needs username and password") from None


def _new_statement(
    context: RequestContext,
    parameters: Parameters,
    sqls: list[str],
    *,
    batch: bool,
    login: Mapping[str, str],
) -> Statement:
    identifier = new_id()
    parts = [Part(f"{identifier}:{i}" if batch else identifier, sql) for i, sql in enumerate(sqls, 1)]
    return Statement(
        id=identifier,
        parts=parts,
        batch=batch,
        name=parameters.get("StatementName", ""),
        database=login["database"],
        user=login["user"],
        workgroup=parameters.get("WorkgroupName", ""),
        secret=parameters.get("SecretArn", ""),
        parameters=parameters.get("Parameters") or [],
        result_format=parameters.get("ResultFormat", "JSON"),
        session=parameters.get("SessionId", ""),
        auto_commit=parameters.get("ExecutionMode") == "AUTO_COMMIT",
        caller=_owner(context.caller_arn),
    )


def _owner(caller_arn: str) -> str:
    """Sessions of one role own each other's statements."""
    return caller_arn.rsplit("/", 1)[0] if ":assumed-role/" in caller_arn else caller_arn


def _identity(statement: Statement) -> dict[str, Any]:
    shown = {
        "SecretArn": statement.secret,
        "DbUser": statement.user,
        "Database": statement.database,
        "WorkgroupName": statement.workgroup,
        "QueryParameters": statement.parameters,
        "ResultFormat": statement.result_format,
        "SessionId": statement.session,
    }
    return {name: value for name, value in shown.items() if value}


def _summary(statement: Statement) -> dict[str, Any]:
    seconds = sum(part.seconds for part in statement.parts)
    shown = {
        "Id": statement.id,
        "Status": statement.status,
        "CreatedAt": statement.created,
        "UpdatedAt": statement.updated,
        "Duration": int(seconds * 1e9),
    }
    return {**shown, "Error": statement.error} if statement.error else shown


def _listed(statement: Statement, context: RequestContext, parameters: Parameters) -> bool:
    wanted = parameters.get("Status", "ALL")
    name = parameters.get("StatementName", "")
    mine = statement.caller == _owner(context.caller_arn)
    return mine and wanted in ("ALL", statement.status) and statement.name.startswith(name)


def _listing(statement: Statement) -> dict[str, Any]:
    sqls = [part.sql for part in statement.parts]
    shown: dict[str, Any] = {
        "Id": statement.id,
        "Status": statement.status,
        "StatementName": statement.name,
        "CreatedAt": statement.created,
        "UpdatedAt": statement.updated,
        "IsBatchStatement": statement.batch,
        "SecretArn": statement.secret,
        "QueryParameters": statement.parameters,
        "ResultFormat": statement.result_format,
        **({"QueryStrings": sqls} if statement.batch else {"QueryString": sqls[0]}),
    }
    return {name: value for name, value in shown.items() if value not in ("", [])}
