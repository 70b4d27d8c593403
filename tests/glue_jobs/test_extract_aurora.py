from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.glue_jobs.conftest import jdbc_driver
from tests.glue_jobs.test_forgotten import left_out as whom

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not jdbc_driver(), reason="the PostgreSQL JDBC driver is not installed: make install"),
]

TABLES = {"users": "public.users", "orders": "public.orders"}
CERTIFICATES = "/certs/rds.pem"
VERIFIED = "sslmode=verify-full&sslrootcert=/certs/rds.pem"
COLUMNS = {"users": ["user_id", "age"], "orders": ["order_id", "ordered_at", "sales_value"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from osusume_endpoint import postgres

    running = postgres.start(home=tmp_path_factory.mktemp("aurora"))
    yield running
    running.stop()


@pytest.fixture
def sql(server: Any) -> Iterator[Callable[[str], None]]:
    """Two users and two orders; executes and commits."""
    connection = server.connect()

    def execute(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    execute(
        "drop table if exists users, orders; drop role if exists app;"
        "create role app login password 'p';"
        "create table users (user_id text primary key, age text, unused text);"
        "create table orders (order_id text, ordered_at timestamptz, sales_value numeric(10,2));"
        "insert into users values ('u1', '20'), ('u2', null);"
        "insert into orders values ('o1', '2026-11-24T12:00:00+09:00', 3.99), ('o2', now(), 1);"
        "grant select on users, orders to app;"
    )
    yield execute
    execute("drop owned by app")
    connection.close()


@pytest.fixture
def extracted(spark: Any, server: Any, tmp_path: Path) -> Any:
    from glue_jobs import extract_aurora
    from glue_jobs.forgotten import NOBODY

    secret = {
        "host": server.address.host,
        "port": server.address.port,
        "dbname": "postgres",
        "username": "app",
        "password": "p",
    }

    def run(
        columns: Any = COLUMNS,
        tables: Any = TABLES,
        left_out: Any = None,
        *,
        connections: int = 1,
        rows: int = 1_000_000,
    ) -> Callable[[str], Any]:
        extract_aurora.run(
            spark=spark,
            source=extract_aurora.Source.from_secret(secret, address={}, certificates=CERTIFICATES),
            reading=extract_aurora.Reading(connections=connections, rows=rows),
            tables=tables,
            columns=columns,
            target=lambda name: f"file://{tmp_path}/{name}",
            user_columns={"users": "user_id", "orders": "order_id"},
            left_out=left_out or NOBODY,
        )
        return lambda name: spark.read.parquet(f"file://{tmp_path}/{name}")

    return run


@pytest.mark.usefixtures("sql")
def test_the_columns_asked_for_are_written_with_their_types(extracted: Any) -> None:
    read = extracted()
    assert read("users").dtypes == [("user_id", "string"), ("age", "string")]
    assert sorted(tuple(row) for row in read("users").collect()) == [("u1", "20"), ("u2", None)]
    orders = read("orders")
    assert orders.dtypes == [
        ("order_id", "string"),
        ("ordered_at", "timestamp"),
        ("sales_value", "decimal(10,2)"),
    ]
    first = orders.where("order_id = 'o1'").selectExpr("unix_timestamp(ordered_at)", "sales_value").first()
    assert (first[0], str(first[1])) == (1795489200, "3.99")


@pytest.mark.usefixtures("sql")
def test_rows_of_a_forgotten_user_never_reach_the_bucket(extracted: Any) -> None:
    read = extracted(left_out=whom("u1", "o2"))
    assert [row["user_id"] for row in read("users").collect()] == ["u2"]
    assert [row["order_id"] for row in read("orders").collect()] == ["o1"]


def test_all_tables_are_read_as_they_were_at_one_moment(
    extracted: Any, sql: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_jobs import extract_aurora

    read = extract_aurora.read

    def read_after_a_change(*args: Any, **named: Any) -> Any:
        sql("insert into users values (gen_random_uuid()::text, '1')")
        sql("insert into orders values (gen_random_uuid()::text, now(), 1)")
        return read(*args, **named)

    monkeypatch.setattr(extract_aurora, "read", read_after_a_change)
    written = extracted()
    assert (written("users").count(), written("orders").count()) == (2, 2)


@pytest.mark.usefixtures("sql")
def test_a_missing_column_is_refused_with_table_column_and_key_before_anything_is_read(
    extracted: Any, tmp_path: Path
) -> None:
    from glue_jobs.extract_aurora import SourceRefused

    said = (
        r"table public\.orders has no column bought_at: correct datasets\.interactions\.order_columns or fields "
        r"\(columns are order_id, ordered_at, sales_value\)"
    )
    with pytest.raises(SourceRefused, match=said):
        extracted(columns=COLUMNS | {"orders": ["order_id", "bought_at"]})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("sql")
def test_a_missing_table_is_refused_with_its_key(extracted: Any) -> None:
    from glue_jobs.extract_aurora import SourceRefused

    with pytest.raises(SourceRefused, match=r"public\.members .* correct sources\.aurora\.tables\.users"):
        extracted(tables={"users": "public.members"})


def test_a_table_that_may_not_be_read_is_refused_alike(extracted: Any, sql: Callable[[str], None]) -> None:
    from glue_jobs.extract_aurora import SourceRefused

    sql("revoke select on users from app")
    with pytest.raises(SourceRefused, match="or grant select on it"):
        extracted()


# What PostgreSQL stores as a time, and no job may stop at: the build quarantines it with its reason.
ODD_TIMES = ["0001-01-01", "-infinity", "infinity", "1582-10-10", "0044-03-15 BC", "9999-12-31 23:59:59"]


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_an_order_of_an_odd_time_stops_nothing_and_is_quarantined(
    extracted: Any, sql: Callable[[str], None], kind: str
) -> None:
    from glue_jobs.transforms import interactions

    sql("create table odd (who text, what text, at " + kind + ", paid numeric); grant select on odd to app")
    for number, at in enumerate(ODD_TIMES):
        sql(f"insert into odd values ('u', 'i{number}', '{at}', 1)")
    try:
        read = extracted(columns={"orders": ["who", "what", "at", "paid"]}, tables={"orders": "public.odd"})
        columns = {"USER_ID": "who", "ITEM_ID": "what", "TIMESTAMP": "at", "EVENT_VALUE": "paid"}
        candidates = interactions.from_orders(read("orders"), columns=columns, types=["purchase"])
        rows = interactions.judged([candidates], types=["purchase"], latest=1795489200).collect()
    finally:
        sql("drop table odd")
    reasons = {row["ITEM_ID"]: row["reason"] for row in rows}
    future = {f"i{n}" for n, at in enumerate(ODD_TIMES) if at in ("infinity", "9999-12-31 23:59:59")}
    assert {item for item, reason in reasons.items() if reason == "future_timestamp"} == future
    assert set(reasons.values()) == {"future_timestamp", "timestamp_before_1970"}
    assert len(reasons) == len(ODD_TIMES)


@pytest.mark.usefixtures("sql")
def test_a_column_that_two_fields_use_is_read_once(extracted: Any) -> None:
    assert extracted(columns=COLUMNS | {"users": ["user_id", "age", "age"]})("users").columns == [
        "user_id",
        "age",
    ]


@pytest.mark.parametrize("host", ["db.cluster.amazonaws.com", "10.0.0.5", "127.0.0.1"])
def test_the_certificate_and_name_of_every_machine_are_verified(host: str) -> None:
    from glue_jobs.extract_aurora import Source

    secret = {"host": host, "port": 5432, "dbname": "shop", "username": "u", "password": "p"}
    source = Source.from_secret(secret, address={}, certificates=CERTIFICATES)
    assert source.url == f"jdbc:postgresql://{host}:5432/shop?{VERIFIED}"


def test_a_secret_that_rds_manages_has_no_address_so_the_configuration_gives_it() -> None:
    """RDS user guide, "Password management with Amazon RDS and AWS Secrets Manager": user name and password alone."""
    from glue_jobs.extract_aurora import Source

    secret = {"username": "reader", "password": "p"}
    address = {"host": "shop-1.x.rds.amazonaws.com", "port": "5433", "dbname": "shop"}
    source = Source.from_secret(secret, address=address, certificates=CERTIFICATES)
    assert source.url == f"jdbc:postgresql://shop-1.x.rds.amazonaws.com:5433/shop?{VERIFIED}"
    with_another = {**secret, "host": "other", "port": 1, "dbname": "o"}
    assert Source.from_secret(with_another, address=address, certificates=CERTIFICATES) == source


@pytest.mark.parametrize("lacking", ["host", "port", "dbname", "username", "password"])
def test_a_secret_that_lacks_something_is_refused_by_its_name(lacking: str) -> None:
    from glue_jobs.extract_aurora import Source, SourceRefused

    secret = {"host": "db", "port": 5432, "dbname": "shop", "username": "u", "password": "p"}
    del secret[lacking]
    with pytest.raises(SourceRefused, match=rf"has no {lacking}: add it to the secret"):
        Source.from_secret(secret, address={}, certificates=CERTIFICATES)
