-- Redshift functions that PostgreSQL lacks, as SQL functions of the warehouse database.
-- They live in pg_catalog, as in Redshift: no search_path is needed and no user can drop them.
-- What needs another syntax (listagg, decode, nvl, nvl2, median, approximate, dateadd's bare unit) is rewritten
-- in dialect.py.

create or replace function pg_catalog.getdate() returns timestamp language sql stable
    as $$ select date_trunc('second', statement_timestamp() at time zone 'UTC') $$;
create or replace function pg_catalog.len(text) returns int language sql immutable strict
    as $$ select char_length(rtrim($1)) $$;
create or replace function pg_catalog.charindex(text, text) returns int language sql immutable strict
    as $$ select strpos($2, $1) $$;
create or replace function pg_catalog.nvl(anycompatible, anycompatible) returns anycompatible language sql immutable
    as $$ select coalesce($1, $2) $$;

create or replace function pg_catalog.dateadd(unit text, amount bigint, moment timestamp)
    returns timestamp language sql immutable strict as $$
    select moment + case lower(unit)
        when 'year' then make_interval(years => amount::int)
        when 'quarter' then make_interval(months => 3 * amount::int)
        when 'month' then make_interval(months => amount::int)
        when 'week' then make_interval(weeks => amount::int)
        when 'day' then make_interval(days => amount::int)
        when 'hour' then make_interval(hours => amount::int)
        when 'minute' then make_interval(secs => 60.0 * amount)
        when 'second' then make_interval(secs => amount::float8)
        when 'millisecond' then make_interval(secs => amount / 1000.0)
    end $$;
create or replace function pg_catalog.dateadd(unit text, amount bigint, moment timestamptz)
    returns timestamptz language sql immutable strict
    as $$ select pg_catalog.dateadd(unit, amount, moment at time zone 'UTC') at time zone 'UTC' $$;
create or replace function pg_catalog.dateadd(unit text, amount bigint, moment date)
    returns timestamp language sql immutable strict
    as $$ select pg_catalog.dateadd(unit, amount, moment::timestamp) $$;

-- Counts boundaries crossed, as Redshift does: one second before and after midnight are one day apart.
create or replace function pg_catalog.datediff(unit text, first timestamp, last timestamp)
    returns bigint language sql immutable strict as $$
    select (case lower(unit)
        when 'year' then extract(year from last) - extract(year from first)
        when 'quarter' then 4 * (extract(year from last) - extract(year from first))
            + extract(quarter from last) - extract(quarter from first)
        when 'month' then 12 * (extract(year from last) - extract(year from first))
            + extract(month from last) - extract(month from first)
        -- Redshift's weeks begin on Sunday here.
        when 'week' then floor((last::date - date '1899-12-31') / 7.0) - floor((first::date - date '1899-12-31') / 7.0)
        when 'day' then last::date - first::date
        when 'hour' then extract(epoch from date_trunc('hour', last) - date_trunc('hour', first)) / 3600
        when 'minute' then extract(epoch from date_trunc('minute', last) - date_trunc('minute', first)) / 60
        when 'second' then extract(epoch from date_trunc('second', last) - date_trunc('second', first))
        when 'millisecond' then 1000 * extract(epoch from last - first)
    end)::bigint $$;

create or replace function pg_catalog.add_months(timestamp, bigint) returns timestamp language sql immutable strict
    as $$ select case when $1::date = (date_trunc('month', $1) + interval '1 month - 1 day')::date
        then (date_trunc('month', $1) + make_interval(months => $2::int + 1) - interval '1 day') + $1::time
        else $1 + make_interval(months => $2::int) end $$;
create or replace function pg_catalog.last_day(timestamp) returns date language sql immutable strict
    as $$ select (date_trunc('month', $1) + interval '1 month - 1 day')::date $$;
create or replace function pg_catalog.trunc(timestamp) returns date language sql immutable strict
    as $$ select $1::date $$;
create or replace function pg_catalog.convert_timezone(text, timestamp) returns timestamp language sql immutable strict
    as $$ select ($2 at time zone 'UTC') at time zone $1 $$;
create or replace function pg_catalog.convert_timezone(text, text, timestamp)
    returns timestamp language sql immutable strict
    as $$ select ($3 at time zone $1) at time zone $2 $$;

create or replace function pg_catalog.json_parse(text) returns jsonb language sql immutable strict
    as $$ select $1::jsonb $$;
create or replace function pg_catalog.json_serialize(jsonb) returns text language sql immutable strict
    as $$ select $1::text $$;
create or replace function pg_catalog.is_valid_json(text) returns boolean language sql stable strict
    as $$ select pg_input_is_valid($1, 'jsonb') and left(ltrim($1), 1) = '{' $$;
create or replace function pg_catalog.is_valid_json_array(text) returns boolean language sql stable strict
    as $$ select pg_input_is_valid($1, 'jsonb') and left(ltrim($1), 1) = '[' $$;
create or replace function pg_catalog.json_extract_path_text(document text, variadic path text[])
    returns text language sql immutable
    as $$ select case when document is null or document = '' then null else document::jsonb #>> path end $$;
-- In plpgsql: a SQL function would be inlined and its cast tried before the test.
create or replace function pg_catalog.json_extract_path_text(document text, step text, null_if_invalid boolean)
    returns text language plpgsql immutable as $$
begin
    if null_if_invalid and not pg_input_is_valid(document, 'jsonb') then
        return null;
    end if;
    return document::jsonb ->> step;
end $$;
create or replace function pg_catalog.json_array_length(document text, null_if_invalid boolean default false)
    returns int language plpgsql immutable strict as $$
begin
    if null_if_invalid and not coalesce(pg_input_is_valid(document, 'jsonb') and left(ltrim(document), 1) = '[', false)
    then
        return null;
    end if;
    return jsonb_array_length(document::jsonb);
end $$;
create or replace function pg_catalog.json_extract_array_element_text(
    document text, place int, null_if_invalid boolean default false
) returns text language plpgsql immutable strict as $$
begin
    if null_if_invalid and not pg_input_is_valid(document, 'jsonb') then
        return null;
    end if;
    return document::jsonb ->> place;
end $$;

create or replace function pg_catalog.sha2(text, int) returns text language sql immutable strict as $$
    select encode(case $2 when 224 then sha224(convert_to($1, 'UTF8')) when 256 then sha256(convert_to($1, 'UTF8'))
        when 0 then sha256(convert_to($1, 'UTF8')) when 384 then sha384(convert_to($1, 'UTF8'))
        when 512 then sha512(convert_to($1, 'UTF8')) end, 'hex') $$;
create or replace function pg_catalog.strtol(text, int) returns bigint language sql immutable strict as $$
    select sum((strpos('0123456789abcdefghijklmnopqrstuvwxyz', lower(d)) - 1) * ($2::numeric ^ (length($1) - i)))::bigint
    from regexp_split_to_table($1, '') with ordinality as digits(d, i) $$;
create or replace function pg_catalog.square(float8) returns float8 language sql immutable strict
    as $$ select $1 * $1 $$;

-- System views that clients read (names and columns: Redshift developer guide, "System tables and views reference").
create or replace view pg_catalog.svv_columns as
    select table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable,
        data_type, character_maximum_length, numeric_precision, numeric_scale
    from information_schema.columns;
create or replace view pg_catalog.svv_tables as
select table_catalog, table_schema, table_name, table_type, null::varchar as remarks
from information_schema.tables;

create or replace view pg_catalog.svv_roles as
    select oid::int as role_id, rolname as role_name, null::name as role_owner, null::text as external_id
    from pg_catalog.pg_roles where not rolcanlogin and rolname not like 'pg\_%';
create table if not exists pg_catalog.load_errors (
    user_name text, query_id bigint, session_id int, database_name text, table_id oid, start_time timestamp,
    file_name text, line_number bigint, column_name text, column_type text, column_length text, "position" int,
    error_code int, error_message text
);
-- A superuser sees all rows, others their own.
create or replace view pg_catalog.sys_load_error_detail as
    select r.oid::int as user_id, query_id, 0::bigint as transaction_id, session_id,
        database_name::char(64) as database_name, table_id::int as table_id, start_time,
        file_name::char(256) as file_name, line_number, column_name::char(127) as column_name,
        column_type::char(10) as column_type, column_length::char(10) as column_length, "position", error_code,
        error_message::char(512) as error_message
    from pg_catalog.load_errors join pg_catalog.pg_roles r on r.rolname = user_name
    where user_name = current_user or (select rolsuper from pg_catalog.pg_roles where rolname = current_user);
grant select on pg_catalog.svv_columns, pg_catalog.svv_tables, pg_catalog.svv_roles, pg_catalog.sys_load_error_detail to public;

-- varchar(n) and char(n) count bytes in Redshift; PostgreSQL's count characters.
create or replace procedure pg_catalog.count_bytes(target regclass) language plpgsql as $$
declare
    one record;
begin
    for one in
        select conname from pg_constraint where conrelid = target and conname like 'bytes of %'
    loop
        execute format('alter table %s drop constraint %I', target, one.conname);
    end loop;
    for one in
        select attname, atttypmod - 4 as width from pg_attribute
        where attrelid = target and attnum > 0 and not attisdropped and atttypmod > 4
            and atttypid in ('varchar'::regtype, 'bpchar'::regtype)
    loop
        execute format('alter table %s add constraint %I check (octet_length(%I) <= %s)',
            target, left(format('bytes of %s <= %s', one.attname, one.width), 63), one.attname, one.width);
    end loop;
end $$;
