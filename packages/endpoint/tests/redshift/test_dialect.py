# ruff: noqa: E501 - a statement is easier to compare on one line
from __future__ import annotations

import re

import pytest

from osusume_endpoint.redshift import dialect, options, tokens
from osusume_endpoint.redshift.errors import InvalidRedshift, NotTranslatable


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", dialect.translate(sql)).strip().lower()


@pytest.mark.parametrize(
    ("redshift", "postgres"),
    [
        ("create table t (a int encode az64 distkey, b varchar(max)) diststyle key compound sortkey(a) backup no",
         "create table t (a int , b varchar(65535))"),
        ("create table t (a varchar, b text, c numeric, d decimal(9,2), e super, f char)",
         "create table t (a varchar(256), b varchar(256), c numeric(18,0), d numeric(9,2), e jsonb, f char(1))"),
        ("create table t (a character varying(20), b datetime default sysdate)",
         "create table t (a varchar(20), b timestamp default getdate())"),
        ("create table t (id bigint identity(5,2), n int)",
         "create table t (id bigint generated always as identity (start with 5 increment by 2), n int)"),
        ("create table t (a int primary key, b int unique references u(b), primary key (a), foreign key (b) references u)",
         "create table t (a int not null, b int )"),
        ("create table if not exists s.t distkey(a) sortkey auto as select a, nvl(b, 0) b from u",
         "create table if not exists s.t as select a, coalesce(b, 0) b from u"),
        ("create temp table #stage (like s.t including defaults)",
         "create temp table stage (like s.t including defaults)"),
        ("insert into #stage select 1", "insert into stage select 1"),
        ("alter table t add column c varchar encode zstd", "alter table t add column c varchar(256)"),
        ("alter table t alter diststyle even", "select 1 where false"),
        ("select a from t minus select a from u", "select a from t except select a from u"),
        ("select approximate count(distinct a) from t", "select count(distinct a) from t"),
        ("select dateadd(day, -1, sysdate)", "select dateadd('day', (-1), (getdate()))"),
        ("select datediff(hrs, a, b)".replace("hrs", "hours"),
         "select datediff('hour', (a)::timestamp, (b)::timestamp)"),
        ("select decode(a, 1, 'x', null, 'y', 'z')",
         "select (case when (a) is not distinct from (1) then 'x' when (a) is not distinct from (null) then 'y' else 'z' end)"),
        ("select listagg(distinct a, ', ') within group (order by a) from t",
         "select string_agg(distinct (a)::text, ', ' order by (a)::text) from t"),
        ("select median(nvl(a, 0)) from t", "select percentile_cont(0.5) within group (order by coalesce(a, 0)) from t"),
        ("select 'sysdate minus nvl(a)', \"sysdate\" -- sysdate", "select 'sysdate minus nvl(a)', \"sysdate\" -- sysdate"),
        ("select a::numeric, cast(b as decimal)", "select a::numeric(18,0), cast(b as numeric(18,0))"),
        ("vacuum t", "select 1 where false"),
    ],
)  # fmt: skip
def test_redshift_sql_becomes_postgresql(redshift: str, postgres: str) -> None:
    assert _plain(redshift) == postgres


@pytest.mark.parametrize(
    "sql",
    [
        "insert into t values (1) on conflict do nothing",
        "delete from t returning a",
        "select count(*) filter (where a > 1) from t",
        "select distinct on (a) a from t",
        "select string_agg(a, ',') from t",
        "select a::uuid from t",
        "create table t (a jsonb)",
        "create table t (a int check (a > 0))",
        "create table t (a int) tablespace fast",
        "merge into t x using s on x.id = s.id when matched then delete when not matched then insert values (1)",
        "merge into t using s on t.id = s.id when matched then delete",
        "merge into t using s on t.id = s.id when matched and s.a = 1 then delete when not matched then insert values (1)",
        "merge into t using (select 1 as id) s on t.id = s.id when matched then delete when not matched then insert values (1)",
    ],
)
def test_what_postgresql_runs_and_redshift_does_not_is_refused(sql: str) -> None:
    with pytest.raises(InvalidRedshift):
        dialect.translate(sql)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("create external schema x from data catalog", "CREATE EXTERNAL"),
        ("create or replace procedure p() as $$ begin end; $$", "CREATE OR REPLACE PROCEDURE"),
        ("create table t (a geometry)", "type GEOMETRY"),
        ("select * from t qualify row_number() over () = 1", "QUALIFY"),
        ("select top 5 * from t", "SELECT TOP"),
        ("alter table t append from u", "APPEND"),
        ("call p()", "CALL"),
        ("merge into t using s on t.id = s.id remove duplicates", "REMOVE DUPLICATES"),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(sql: str, named: str) -> None:
    with pytest.raises(NotTranslatable, match=named):
        dialect.translate(sql)


def test_a_merge_that_redshift_takes_passes_unchanged() -> None:
    sql = "merge into s.t using u as x on t.id = x.id when matched then update set a = x.a when not matched then insert (id, a) values (x.id, x.a)"
    assert dialect.translate(sql) == sql


def test_copy_options_are_read_in_any_order() -> None:
    copy = options.parse_copy(
        "COPY s.\"T\" (a, \"B\") FROM 's3://b/p/' GZIP TIMEFORMAT AS 'auto' IAM_ROLE 'arn:x' FORMAT AS JSON 'auto ignorecase' "
        "TRUNCATECOLUMNS COMPUPDATE OFF REGION 'eu-west-1'"
    )
    assert (copy.table, copy.columns, copy.source) == ('s."T"', ["a", "B"], "s3://b/p/")
    assert (copy.options.format, copy.options.role, copy.options.json_mode) == (
        "JSON",
        "arn:x",
        "auto ignorecase",
    )
    assert copy.options["compression"] == "gzip" and copy.options["truncate"] is True


@pytest.mark.parametrize(
    ("clause", "error"),
    [
        ("iam_role default format orc", NotTranslatable),
        ("iam_role default json 's3://b/paths.json'", NotTranslatable),
        ("iam_role default csv escape", NotTranslatable),
        ("iam_role default csv sparkle", InvalidRedshift),
        ("format csv", InvalidRedshift),
        ("credentials 'aws_access_key_id=A;aws_secret_access_key=B' csv", NotTranslatable),
    ],
)
def test_copy_refuses_what_it_does_not_know(clause: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        options.parse_copy(f"copy t from 's3://b/p' {clause}")


def test_scripts_split_at_semicolons_outside_of_literals() -> None:
    script = "select ';'; -- a; comment\n/* ; */ select $$;$$ ;\n;"
    assert [s.splitlines()[-1] for s in tokens.statements(script)] == ["select ';'", "/* ; */ select $$;$$"]
