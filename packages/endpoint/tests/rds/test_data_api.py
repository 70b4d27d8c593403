from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.testing.cloud import Cloud

Run = Callable[..., dict[str, Any]]

SECRET = {
    "Type": "AWS::SecretsManager::Secret",
    "Properties": {
        "Name": "shop-db",
        "GenerateSecretString": {
            "SecretStringTemplate": json.dumps({"username": "postgres"}),
            "GenerateStringKey": "password",
            "ExcludePunctuation": True,
        },
    },
}


def _from_secret(key: str) -> dict[str, Any]:
    reference = ["{{resolve:secretsmanager:", {"Ref": "Secret"}, f":SecretString:{key}::}}}}"]
    return {"Fn::Join": ["", reference]}


RESOURCES = {
    "Secret": SECRET,
    "Cluster": {
        "Type": "AWS::RDS::DBCluster",
        "Properties": {
            "Engine": "aurora-postgresql",
            "DatabaseName": "shop",
            "EnableHttpEndpoint": True,
            "MasterUsername": _from_secret("username"),
            "MasterUserPassword": _from_secret("password"),
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 1},
        },
    },
    "Instance": {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {
            "DBClusterIdentifier": {"Ref": "Cluster"},
            "Engine": "aurora-postgresql",
            "DBInstanceClass": "db.serverless",
        },
    },
    "Attachment": {
        "Type": "AWS::SecretsManager::SecretTargetAttachment",
        "Properties": {
            "SecretId": {"Ref": "Secret"},
            "TargetType": "AWS::RDS::DBCluster",
            "TargetId": {"Ref": "Cluster"},
        },
    },
}
OUTPUTS = {
    "Cluster": {"Fn::GetAtt": ["Cluster", "DBClusterArn"]},
    "Secret": {"Ref": "Secret"},
    "Host": {"Fn::GetAtt": ["Cluster", "Endpoint.Address"]},
    "InstancePort": {"Fn::GetAtt": ["Instance", "Endpoint.Port"]},
}


@pytest.fixture(scope="session")
def shop(cloud: Cloud) -> dict[str, str]:
    return cloud.deploy("shop", RESOURCES, OUTPUTS)


@pytest.fixture
def run(cloud: Cloud, shop: dict[str, str]) -> Run:
    def execute(sql: str, *parameters: dict[str, Any], **options: Any) -> dict[str, Any]:
        client = cloud.client("rds-data")
        return client.execute_statement(  # type: ignore[no-any-return]
            resourceArn=shop["Cluster"],
            secretArn=shop["Secret"],
            sql=sql,
            parameters=list(parameters),
            **options,
        )

    return execute


def _string(name: str, value: str, hint: str = "") -> dict[str, Any]:
    return {"name": name, "value": {"stringValue": value}, **({"typeHint": hint} if hint else {})}


def test_the_attached_secret_opens_the_clusters_own_database(cloud: Cloud, shop: dict[str, str]) -> None:
    text = cloud.client("secretsmanager").get_secret_value(SecretId=shop["Secret"])["SecretString"]
    secret = json.loads(text)
    assert secret["dbname"] == "shop" and secret["engine"] == "postgres"
    assert shop["Host"] == secret["host"] == "127.0.0.1"
    assert shop["InstancePort"] == str(secret["port"])
    connection = psycopg2.connect(
        host=secret["host"], port=secret["port"], user=secret["username"], password=secret["password"],
        dbname=secret["dbname"],
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("select current_user, current_database(), usesuper from pg_user where usename = user")
        assert cursor.fetchall() == [("postgres", "shop", False)]
    connection.close()


def test_typed_parameters_come_back_as_the_api_gives_them(run: Run) -> None:
    run("create table typed (id int, j jsonb, at timestamp, n numeric, u uuid, d date, ok bool, f float8)")
    run(
        "insert into typed values (:id, :j, :at, :n, :u, :d, :ok, :f)",
        {"name": "id", "value": {"longValue": 1}},
        _string("j", '{"a": "it\'s"}', "JSON"),
        _string("at", "2024-05-06 07:08:09.5", "TIMESTAMP"),
        _string("n", "1.50", "DECIMAL"),
        _string("u", "6c1b5f4e-2b0d-4a55-9a0d-0b7f0d3f6c11", "UUID"),
        _string("d", "2024-05-06", "DATE"),
        {"name": "ok", "value": {"booleanValue": True}},
        {"name": "f", "value": {"isNull": True}},
    )
    answer = run("select * from typed", includeResultMetadata=True)
    assert answer["records"] == [
        [
            {"longValue": 1},
            {"stringValue": '{"a": "it\'s"}'},
            {"stringValue": "2024-05-06 07:08:09.500000"},
            {"stringValue": "1.50"},
            {"stringValue": "6c1b5f4e-2b0d-4a55-9a0d-0b7f0d3f6c11"},
            {"stringValue": "2024-05-06"},
            {"booleanValue": True},
            {"isNull": True},
        ]
    ]
    names = [column["typeName"] for column in answer["columnMetadata"]]
    assert names == ["int4", "jsonb", "timestamp", "numeric", "uuid", "date", "bool", "float8"]


def test_a_string_without_a_hint_is_no_timestamp(run: Run) -> None:
    run("create table strict (at timestamp)")
    with pytest.raises(ClientError, match="is of type timestamp without time zone but expression is of type"):
        run("insert into strict values (:at)", _string("at", "2024-05-06 07:08:09"))


def test_rows_can_be_asked_for_as_json(run: Run) -> None:
    answer = run("select 1 as n, 'x' as t, null::int as nothing", formatRecordsAs="JSON")
    assert json.loads(answer["formattedRecords"]) == [{"n": 1, "t": "x", "nothing": None}]
    assert "records" not in answer


def test_placeholders_in_literals_casts_and_comments_stay(run: Run) -> None:
    answer = run("select ':a', '1'::int /* :a */, :a -- :a", _string("a", "v"))
    assert answer["records"] == [[{"stringValue": ":a"}, {"longValue": 1}, {"stringValue": "v"}]]


def test_a_placeholder_without_a_value_is_named(run: Run) -> None:
    with pytest.raises(ClientError, match=":missing"):
        run("select :missing")


def test_several_statements_are_refused(run: Run) -> None:
    with pytest.raises(ClientError, match="Multistatements aren't supported"):
        run("select 1; select 2")
    assert run("select ';' ; ")["records"] == [[{"stringValue": ";"}]]


def test_a_database_error_carries_position_and_state(run: Run) -> None:
    with pytest.raises(
        ClientError, match='ERROR: relation "nope" does not exist; Position: 15; SQLState: 42P01'
    ):
        run("select * from nope")


def test_a_rolled_back_transaction_leaves_nothing_and_a_committed_one_all(
    cloud: Cloud, shop: dict[str, str], run: Run
) -> None:
    client = cloud.client("rds-data")
    where = {"resourceArn": shop["Cluster"], "secretArn": shop["Secret"]}
    run("create table moved (n int)")
    for end, expected in ((client.rollback_transaction, 0), (client.commit_transaction, 1)):
        transaction = client.begin_transaction(**where)["transactionId"]
        run("insert into moved values (1)", transactionId=transaction)
        end(**where, transactionId=transaction)
        assert run("select count(*) from moved")["records"] == [[{"longValue": expected}]]
    with pytest.raises(ClientError, match="TransactionNotFound"):
        run("select 1", transactionId=transaction)


def test_a_batch_writes_all_sets_or_none(cloud: Cloud, shop: dict[str, str], run: Run) -> None:
    run("create table batch (n int not null)")
    client = cloud.client("rds-data")
    good = [[{"name": "n", "value": {"longValue": n}}] for n in range(3)]
    request = {
        "resourceArn": shop["Cluster"],
        "secretArn": shop["Secret"],
        "sql": "insert into batch values (:n)",
    }
    client.batch_execute_statement(**request, parameterSets=good)
    with pytest.raises(ClientError, match="null value in column"):
        client.batch_execute_statement(
            **request, parameterSets=[*good, [{"name": "n", "value": {"isNull": True}}]]
        )
    assert run("select count(*) from batch")["records"] == [[{"longValue": 3}]]


def test_a_result_above_one_megabyte_is_refused(run: Run) -> None:
    with pytest.raises(ClientError, match="allowed response size limit"):
        run("select repeat('x', 2000000)")


def test_the_caller_needs_the_statement_and_the_secret(cloud: Cloud, shop: dict[str, str]) -> None:
    cloud.role("no-secret", service="lambda.amazonaws.com", actions=["rds-data:*"])
    cloud.role("no-data", service="lambda.amazonaws.com", actions=["secretsmanager:*"])
    request = {"resourceArn": shop["Cluster"], "secretArn": shop["Secret"], "sql": "select 1"}
    with pytest.raises(ClientError, match="secretsmanager:GetSecretValue"):
        cloud.client("rds-data", "no-secret").execute_statement(**request)
    with pytest.raises(ClientError, match=f"rds-data:ExecuteStatement on resource: {shop['Cluster']}"):
        cloud.client("rds-data", "no-data").execute_statement(**request)


def test_a_second_cluster_may_not_take_the_firsts_database(cloud: Cloud, shop: dict[str, str]) -> None:
    properties = {
        **RESOURCES["Cluster"]["Properties"],
        "MasterUsername": "other",
        "MasterUserPassword": "x" * 12,
    }
    other = {"Type": "AWS::RDS::DBCluster", "Properties": properties}
    with pytest.raises(RuntimeError, match=r"database 'shop' .* already belongs to shop-cluster"):
        cloud.deploy("second", {"Cluster": other})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Engine": "aurora-mysql"}, "Engine 'aurora-mysql' is not emulated locally"),
        ({"DatabaseName": ""}, "DatabaseName is missing"),
        ({"MasterUserPassword": ""}, "MasterUserPassword is missing"),
    ],
)
def test_a_cluster_that_cannot_be_stood_in_for_fails_the_stack(
    cloud: Cloud, change: dict[str, str], reason: str
) -> None:
    base = {
        "Engine": "aurora-postgresql",
        "DatabaseName": "d1",
        "MasterUsername": "u1",
        "MasterUserPassword": "p",
    }
    cluster = {"Type": "AWS::RDS::DBCluster", "Properties": {**base, **change}}
    with pytest.raises(RuntimeError, match=reason):
        cloud.deploy(f"refused-{next(iter(change))}", {"Cluster": cluster})


def test_a_deleted_stack_leaves_neither_database_nor_role(cloud: Cloud) -> None:
    base = {"Engine": "aurora-postgresql", "DatabaseName": "gone", "MasterUsername": "goer"}
    cluster = {"Type": "AWS::RDS::DBCluster", "Properties": {**base, "MasterUserPassword": "a-password"}}
    port = cloud.deploy("gone", {"C": cluster}, {"Port": {"Fn::GetAtt": ["C", "Endpoint.Port"]}})["Port"]
    login = {"host": "127.0.0.1", "port": port, "user": "goer", "password": "a-password", "dbname": "gone"}
    with psycopg2.connect(**login) as connection, connection.cursor() as cursor:
        cursor.execute("create role followed login password 'p'; grant connect on database gone to followed")
    connection.close()
    cloud.delete("gone")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(**login)
    # A role that its administrator made goes with it: the next cluster's could not change it.
    cloud.deploy("gone", {"C": cluster})
    with psycopg2.connect(**login) as connection, connection.cursor() as cursor:
        cursor.execute("create role followed")
    connection.close()
    cloud.delete("gone")
