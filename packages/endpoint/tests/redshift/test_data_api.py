from __future__ import annotations

import gzip
import io
import json
import time
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.testing.cloud import ACCOUNT, Cloud, wait_for
from osusume_endpoint.testing.warehouse import ENDED, Warehouse


def _lines(*rows: dict[str, Any]) -> bytes:
    return gzip.compress("\n".join(json.dumps(row) for row in rows).encode())


def test_results_have_redshifts_types_and_pages(warehouse: Warehouse) -> None:
    ended = warehouse.ok(
        "select 1::bigint n, 1.5::numeric(4,2) d, 'x'::varchar(3) t, true b, null z, 0.5::float8 f"
    )
    client = warehouse.cloud.client("redshift-data")
    answer = client.get_statement_result(Id=ended["Id"])
    assert [c["typeName"] for c in answer["ColumnMetadata"]][:4] == ["int8", "numeric", "varchar", "bool"]
    assert answer["Records"] == [
        [{"longValue": 1}, {"stringValue": "1.50"}, {"stringValue": "x"}, {"booleanValue": True},
         {"isNull": True},
         {"doubleValue": 0.5}]
    ]  # fmt: skip
    ended = warehouse.ok(
        "with recursive r(n) as (select 1 union all select n + 1 from r where n < 2500) select n from r"
    )
    pages = client.get_paginator("get_statement_result").paginate(Id=ended["Id"])
    values = [row[0]["longValue"] for page in pages for row in page["Records"]]
    assert values == list(range(1, 2501)) and ended["ResultRows"] == 2500


def test_no_session_loops_over_rows_that_an_equality_joins(warehouse: Warehouse) -> None:
    """Redshift doesn't; PostgreSQL does where it guesses few rows, knowing nothing of new tables."""
    ended = warehouse.ok("select current_setting('enable_nestloop')")
    answer = warehouse.cloud.client("redshift-data").get_statement_result(Id=ended["Id"])
    assert answer["Records"] == [[{"stringValue": "off"}]]


def test_a_statement_runs_while_the_caller_goes_on_and_can_be_cancelled(warehouse: Warehouse) -> None:
    client = warehouse.cloud.client("redshift-data")
    began = time.monotonic()
    identifier = client.execute_statement(
        Sql="select pg_sleep(30)", WorkgroupName="analytics", Database="analytics", SecretArn=warehouse.secret
    )["Id"]
    assert time.monotonic() - began < 5
    look = lambda: client.describe_statement(Id=identifier)["Status"]  # noqa: E731
    assert wait_for(look, lambda seen: seen == "STARTED", seconds=10) == "STARTED"
    with pytest.raises(ClientError, match="not finished"):
        client.get_statement_result(Id=identifier)
    assert client.cancel_statement(Id=identifier)["Status"] is True
    assert wait_for(look, lambda seen: seen in ENDED, seconds=10) == "ABORTED"
    with pytest.raises(ClientError, match="already in ABORTED state"):
        client.cancel_statement(Id=identifier)


def test_a_batch_is_one_transaction(warehouse: Warehouse) -> None:
    warehouse.ok("create table one_transaction (n int)")
    ended = warehouse.run("insert into one_transaction values (1)", "select nope", "select 1")
    assert ended["Error"] == 'Query #2 failed with ERROR: column "nope" does not exist'
    assert [part["Status"] for part in ended["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert [part["Id"] for part in ended["SubStatements"]] == [f"{ended['Id']}:{n}" for n in (1, 2, 3)]
    assert warehouse.rows("select count(*) from one_transaction") == [[0]]
    ended = warehouse.ok("insert into one_transaction values (1)", "select 42 as answer")
    second = warehouse.cloud.client("redshift-data").get_statement_result(Id=f"{ended['Id']}:2")
    assert second["Records"] == [[{"longValue": 42}]]


def test_parameters_are_values_never_sql(warehouse: Warehouse) -> None:
    text = "x'; drop table t; --"
    ended = warehouse.run("select :a as a, ':a' as b", Parameters=[{"name": "a", "value": text}])
    answer = warehouse.cloud.client("redshift-data").get_statement_result(Id=ended["Id"])
    assert answer["Records"] == [[{"stringValue": text}, {"stringValue": ":a"}]]


def test_copy_of_json_matches_keys_to_columns(warehouse: Warehouse) -> None:
    warehouse.ok(
        "create table from_json (id bigint, name varchar(5), at timestamp, props super, extra int default 7)"
    )
    warehouse.cloud.put("warehouse-lake", "json/1.json.gz", _lines(
        {"id": 1, "name": "äöüxyz", "at": "2024-05-06T07:08:09Z", "props": {"a": [1]}, "unknown": 1},
        {"id": 2, "name": "", "at": None},
    ))  # fmt: skip
    source = "from 's3://warehouse-lake/json/' iam_role default format json 'auto' gzip"
    copy = f"copy from_json (id, name, at, props) {source}"
    assert "Invalid timestamp format" in warehouse.error(copy + " truncatecolumns")
    assert "String length exceeds DDL length 5" in warehouse.error(copy + " timeformat 'auto'")
    ended = warehouse.ok(copy + " timeformat 'auto' truncatecolumns")
    assert ended["ResultRows"] == 2
    assert warehouse.rows("select * from from_json order by id") == [
        [1, "äö", "2024-05-06 07:08:09", '{"a": [1]}', 7],  # lengths are bytes: ä and ö take two each
        [2, "", None, None, 7],
    ]


def test_copy_of_csv_keeps_empty_text_and_drops_empty_numbers(warehouse: Warehouse) -> None:
    warehouse.ok("create table from_csv (n int, t varchar(20), d date)")
    warehouse.cloud.put(
        "warehouse-lake", "csv/1.csv", 'n,t,d\n1,"a, ""b""",2024-01-02\n,,\n3,\\N,2024-01-03\n'
    )
    warehouse.ok(
        f"copy from_csv from 's3://warehouse-lake/csv/' iam_role '{warehouse.role}' csv ignoreheader 1"
    )
    assert warehouse.rows("select * from from_csv order by n nulls first") == [
        [None, "", None], [1, 'a, "b"', "2024-01-02"], [3, None, "2024-01-03"],
    ]  # fmt: skip
    assert "Delimiter not found" in warehouse.error(
        "copy from_csv from 's3://warehouse-lake/csv/' iam_role default csv delimiter ';' ignoreheader 1"
    )


def test_copy_of_parquet_is_by_position_and_checks_types(warehouse: Warehouse) -> None:
    table = pa.table(
        {"x": pa.array([1, 2], pa.int64()), "y": pa.array(["a", None]), "z": pa.array([True, False])}
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    warehouse.cloud.put("warehouse-lake", "parquet/part-0.parquet", sink.getvalue())
    warehouse.cloud.put("warehouse-lake", "parquet/_SUCCESS", b"")
    copy = "copy {} from 's3://warehouse-lake/parquet/' iam_role default format as parquet"
    warehouse.ok("create table from_parquet (a bigint, b varchar(9), c boolean)")
    warehouse.ok(copy.format("from_parquet"))
    assert warehouse.rows("select * from from_parquet order by a") == [[1, "a", True], [2, None, False]]
    warehouse.ok("create table narrow (a int, b varchar(9), c boolean)")
    assert "incompatible Parquet schema for column 'x'" in warehouse.error(copy.format("narrow"))
    warehouse.ok("create table short (a bigint, b varchar(9))")
    assert "Unmatched number of columns" in warehouse.error(copy.format("short"))


def test_copy_uses_the_roles_permissions_and_only_attached_roles(warehouse: Warehouse) -> None:
    warehouse.ok("create table forbidden (a int)")
    warehouse.cloud.bucket("somebody-elses")
    warehouse.cloud.put("somebody-elses", "a.csv", "1\n")
    error = warehouse.error("copy forbidden from 's3://somebody-elses/a.csv' iam_role default csv")
    assert "s3:ListBucket" in error and "arn:aws:s3:::somebody-elses" in error and "copy-role" in error
    stranger = f"arn:aws:iam::{ACCOUNT}:role/stranger"
    error = warehouse.error(f"copy forbidden from 's3://warehouse-lake/csv/' iam_role '{stranger}' csv")
    assert f"The requested role {stranger} is not associated" in error
    error = warehouse.error("copy forbidden from 's3://warehouse-lake/nothing-here/' iam_role default csv")
    assert error == "ERROR: The specified S3 prefix 'nothing-here/' does not exist"
    assert warehouse.rows("select count(*) from forbidden") == [[0]]


def test_unload_writes_what_copy_reads_back(warehouse: Warehouse) -> None:
    warehouse.ok(
        "create table source_rows (n bigint, t varchar(9), d numeric(6,2), at timestamp)",
        "insert into source_rows values (1, 'a''b', 1.25, '2024-01-02 03:04:05'), (2, null, null, null)",
    )
    query = "select * from source_rows where t is null or t <> ''x''"
    for name, written, read in (
        ("p", "format parquet", "format parquet"),
        ("c", "format csv header gzip", "format csv ignoreheader 1 gzip emptyasnull"),
        ("j", "format json", "format json 'auto'"),
    ):
        place = f"s3://warehouse-lake/unload/{name}/"
        warehouse.ok(f"unload ('{query}') to '{place}' iam_role default {written}")
        assert "destination on S3 is not empty" in warehouse.error(
            f"unload ('{query}') to '{place}' iam_role default {written}"
        )
        warehouse.ok("truncate one_more" if name != "p" else "create table one_more (like source_rows)",
                     f"copy one_more from '{place}' iam_role default {read}")  # fmt: skip
        assert warehouse.rows("select * from one_more order by n") == [
            [1, "a'b", "1.25", "2024-01-02 03:04:05"], [2, None, None, None],
        ], name  # fmt: skip


def test_merge_updates_and_inserts(warehouse: Warehouse) -> None:
    warehouse.ok(
        "create table target (id int, v varchar(9))",
        "create temp table #changes (id int, v varchar(9))",
        "insert into target values (1, 'old'), (2, 'kept')",
        "insert into #changes values (1, 'new'), (3, 'added')",
        "merge into target using changes on target.id = changes.id "
        "when matched then update set v = changes.v "
        "when not matched then insert (id, v) values (changes.id, changes.v)",
    )
    assert warehouse.rows("select * from target order by id") == [[1, "new"], [2, "kept"], [3, "added"]]


def test_keys_are_hints_and_identity_counts(warehouse: Warehouse) -> None:
    warehouse.ok(
        "create table hints (id bigint identity(1,1), k int primary key, unique (k))",
        "insert into hints (k) values (1)",
        "insert into hints (k) values (1)",
    )
    assert warehouse.rows("select id, k from hints order by id") == [[1, 1], [2, 1]]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("dateadd(month, 1, '2024-01-31'::timestamp)", "2024-02-29 00:00:00"),
        ("datediff(day, '2024-01-01 23:59:59', '2024-01-02 00:00:01')", 1),
        ("datediff(week, '2024-01-06', '2024-01-07')", 1),
        ("datediff(month, '2024-01-31', '2024-02-01')", 1),
        ("decode(null, 1, 'a', null, 'b', 'c')", "b"),
        ("nvl2(null, 1, 2)", 2),
        ("len('abc  ')", 3),
        ("json_extract_path_text('{\"a\":{\"b\":\"x\"}}', 'a', 'b')", "x"),
        ("json_extract_path_text('nonsense', 'a', true)", None),
        ("json_array_length('[1,2]')", 2),
        ('json_extract_array_element_text(\'["p","q"]\', 1)', "q"),
        ("last_day('2024-02-10'::timestamp)", "2024-02-29"),
        ("add_months('2024-02-29'::timestamp, 1)", "2024-03-31 00:00:00"),
        ("charindex('b', 'abc')", 2),
        ("strtol('ff', 16)", 255),
        ("is_valid_json('{}') and not is_valid_json('[]')", True),
        ("convert_timezone('Asia/Tokyo', '2024-01-01 00:00:00'::timestamp)", "2024-01-01 09:00:00"),
        ("left(sha2('a', 256), 8)", "ca978112"),
        ("1.6::numeric", "2"),
        ("7 / 2", 3),
    ],
)
def test_redshift_functions_answer_as_documented(warehouse: Warehouse, expression: str, value: Any) -> None:
    assert warehouse.rows(f"select {expression}") == [[value]]


def test_an_iam_identity_has_no_grants_until_given_some(warehouse: Warehouse) -> None:
    warehouse.cloud.role(
        "reader",
        service="lambda.amazonaws.com",
        actions=["redshift-data:*", "redshift-serverless:GetCredentials"],
    )
    warehouse.ok(
        "create schema guarded", "create table guarded.t (n int)", "grant usage on schema guarded to public"
    )
    assert (
        warehouse.error("select * from guarded.t", as_role="reader")
        == "ERROR: permission denied for relation t"
    )
    assert "permission denied for database" in warehouse.error("create schema mine", as_role="reader")
    warehouse.ok('grant select on guarded.t to "IAMR:reader"')
    ended = warehouse.run("select current_user from guarded.t", as_role="reader")
    assert (ended["Status"], ended["DbUser"]) == ("FINISHED", "IAMR:reader")


def test_the_caller_needs_the_workgroup_and_its_credentials(warehouse: Warehouse) -> None:
    cloud = warehouse.cloud
    arn = cloud.client("redshift-serverless").get_workgroup(workgroupName="analytics")["workgroup"][
        "workgroupArn"
    ]
    cloud.role("no-credentials", service="lambda.amazonaws.com", actions=["redshift-data:ExecuteStatement"])
    cloud.role("no-execute", service="lambda.amazonaws.com", actions=["redshift-serverless:GetCredentials"])
    call = {"Sql": "select 1", "WorkgroupName": "analytics", "Database": "analytics"}
    with pytest.raises(ClientError, match=f"redshift-serverless:GetCredentials on resource: {arn}"):
        cloud.client("redshift-data", "no-credentials").execute_statement(**call)
    with pytest.raises(ClientError, match=f"redshift-data:ExecuteStatement on resource: {arn}"):
        cloud.client("redshift-data", "no-execute").execute_statement(**call)
    with pytest.raises(ClientError, match="secretsmanager:GetSecretValue"):
        cloud.client("redshift-data", "no-credentials").execute_statement(**call, SecretArn=warehouse.secret)


def test_credentials_by_iam_open_the_same_database(warehouse: Warehouse) -> None:
    client = warehouse.cloud.client("redshift-serverless")
    endpoint = client.get_workgroup(workgroupName="analytics")["workgroup"]["endpoint"]
    given = client.get_credentials(workgroupName="analytics", dbName="analytics")
    connection = psycopg2.connect(
        host=endpoint["address"], port=endpoint["port"], user=given["dbUser"], password=given["dbPassword"],
        dbname="analytics",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("select len('abc')")
        assert cursor.fetchall() == [(3,)]
    connection.close()


def test_the_catalog_lists_schemas_tables_and_columns(warehouse: Warehouse) -> None:
    warehouse.ok("create schema listed", "create table listed.t (a varchar(5) not null, b super)")
    client = warehouse.cloud.client("redshift-data")
    where = {"WorkgroupName": "analytics", "Database": "analytics", "SecretArn": warehouse.secret}
    assert client.list_databases(**where)["Databases"] == ["analytics"]
    assert client.list_schemas(**where, SchemaPattern="list%")["Schemas"] == ["listed"]
    assert client.list_tables(**where, SchemaPattern="listed")["Tables"] == [
        {"schema": "listed", "name": "t", "type": "TABLE"}
    ]
    columns = client.describe_table(**where, Schema="listed", Table="t")["ColumnList"]
    shown = [(c["name"], c["typeName"], c["length"], c["nullable"]) for c in columns]
    assert shown == [("a", "varchar", 5, 0), ("b", "super", 0, 1)]


def test_a_client_token_starts_one_statement(warehouse: Warehouse) -> None:
    call = {"Sql": "select 1", "WorkgroupName": "analytics", "Database": "analytics", "ClientToken": "once"}
    client = warehouse.cloud.client("redshift-data")
    identifiers = {client.execute_statement(**call)["Id"] for _ in range(3)}
    assert len(identifiers) == 1


def test_a_session_keeps_its_temporary_tables(warehouse: Warehouse) -> None:
    client = warehouse.cloud.client("redshift-data")
    first = client.execute_statement(
        Sql="create temp table mine (n int)", WorkgroupName="analytics", Database="analytics",
        SecretArn=warehouse.secret, SessionKeepAliveSeconds=60,
    )  # fmt: skip
    wait_for(lambda: client.describe_statement(Id=first["Id"])["Status"], lambda s: s in ENDED)
    second = client.execute_statement(Sql="insert into mine values (1)", SessionId=first["SessionId"])
    look = lambda: client.describe_statement(Id=second["Id"])  # noqa: E731
    assert wait_for(look, lambda s: s["Status"] in ENDED)["Status"] == "FINISHED"


def test_statements_are_listed_by_status_for_their_owner(warehouse: Warehouse) -> None:
    ended = warehouse.run("select 1", StatementName="listed-statement")
    client = warehouse.cloud.client("redshift-data")
    found = client.list_statements(StatementName="listed-", Status="FINISHED")["Statements"]
    assert [s["Id"] for s in found] == [ended["Id"]]
    assert client.list_statements(StatementName="listed-", Status="FAILED")["Statements"] == []


def test_operations_and_options_that_are_not_emulated_say_so(warehouse: Warehouse) -> None:
    client = warehouse.cloud.client("redshift-data")
    with pytest.raises(ClientError, match=r"redshift-data:ListSessions"):
        client.list_sessions()
    for options, reason in (
        ({"ClusterIdentifier": "c", "DbUser": "u"}, "Provisioned clusters"),
        ({"WorkgroupName": "analytics", "WithEvent": True}, "WithEvent"),
    ):
        with pytest.raises(ClientError, match=reason):
            client.execute_statement(Sql="select 1", Database="analytics", **options)
    with pytest.raises(ClientError, match="one statement"):
        client.execute_statement(Sql="select 1; select 2", Database="analytics", WorkgroupName="analytics")


def test_the_stack_can_be_deleted_and_made_again(cloud: Cloud) -> None:
    properties = {"NamespaceName": "fleeting", "DbName": "fleeting", "AdminUsername": "fleeting_admin",
                  "AdminUserPassword": "Secret-Password-1"}  # fmt: skip
    resources = {
        "N": {"Type": "AWS::RedshiftServerless::Namespace", "Properties": properties},
        "W": {"Type": "AWS::RedshiftServerless::Workgroup", "DependsOn": "N",
              "Properties": {"WorkgroupName": "fleeting", "NamespaceName": "fleeting"}},
    }  # fmt: skip
    client = cloud.client("redshift-serverless")
    for _ in range(2):
        cloud.deploy("fleeting", resources)
        assert client.get_namespace(namespaceName="fleeting")["namespace"]["dbName"] == "fleeting"
        assert "adminUserPassword" not in client.get_namespace(namespaceName="fleeting")["namespace"]
        cloud.delete("fleeting")
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            client.get_workgroup(workgroupName="fleeting")


def test_tags_are_kept(warehouse: Warehouse) -> None:
    client = warehouse.cloud.client("redshift-serverless")
    arn = client.get_namespace(namespaceName="analytics")["namespace"]["namespaceArn"]
    client.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    client.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
