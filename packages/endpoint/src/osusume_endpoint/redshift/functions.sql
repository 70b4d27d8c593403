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
