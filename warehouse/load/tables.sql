-- Tables of the schema `raw`, in Redshift's SQL. The function load_warehouse runs this file and then load.sql
-- as one batch of the Data API: one transaction, at most 40 statements, each ended by a semicolon at the end
-- of a line (there is none elsewhere).
--
-- Placeholders (string.Template):
--   $users_columns, $items_columns   names and types, "user_id varchar(256), age varchar(256)", made of the
--                                    environment variable WAREHOUSE_COLUMNS, a JSON object
--                                    {"users": {"user_id": "varchar(256)", ...}, "items": {...}}
--                                    (warehouse/load/columns.py makes it of the configuration)
--
-- Users and items are snapshots whose columns the configuration decides, so each run makes the tables anew.
-- Their staging views go with them and come back in the dbt build that follows, marts are tables and stay.

create schema if not exists raw;

drop table if exists raw.users cascade;

create table raw.users (
    run_id varchar(16) not null,
    loaded_at timestamp not null default getdate(),
    $users_columns
)
diststyle all
sortkey (user_id);

drop table if exists raw.items cascade;

create table raw.items (
    run_id varchar(16) not null,
    loaded_at timestamp not null default getdate(),
    $items_columns
)
diststyle all
sortkey (item_id);

create table if not exists raw.orders (
    run_id varchar(16) not null,
    loaded_at timestamp not null default getdate(),
    order_id varchar(256),
    user_id varchar(256),
    item_id varchar(256),
    ordered_at timestamp,
    sales_value double precision
)
distkey (user_id)
sortkey (ordered_at);

create table if not exists raw.events (
    run_id varchar(16) not null,
    loaded_at timestamp not null default getdate(),
    event_id varchar(256),
    event_type varchar(256),
    user_id varchar(256),
    item_id varchar(256),
    occurred_at timestamp,
    session_id varchar(256),
    recommendation_id varchar(256),
    value double precision,
    impression varchar(65535),
    simulated boolean
)
distkey (user_id)
sortkey (occurred_at);

create table if not exists raw.interactions (
    run_id varchar(16) not null,
    loaded_at timestamp not null default getdate(),
    user_id varchar(256),
    item_id varchar(256),
    occurred_at timestamp,
    event_type varchar(256),
    event_value double precision
)
distkey (user_id)
sortkey (occurred_at);

create table if not exists raw.recommendations (
    run_id varchar(16) not null,
    loaded_at timestamp not null default getdate(),
    solution varchar(64),
    entity_id varchar(256),
    rank integer,
    item_id varchar(256),
    score double precision
)
distkey (entity_id)
sortkey (run_id, solution);

create table if not exists raw.solution_version_metrics (
    run_id varchar(16) not null,
    loaded_at timestamp not null default getdate(),
    solution varchar(64),
    recipe varchar(64),
    solution_version_arn varchar(256),
    metric varchar(128),
    value double precision,
    promoted boolean,
    created_at timestamp
)
diststyle all
sortkey (created_at);
