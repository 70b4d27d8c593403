-- Loads one run from the results bucket into the landing tables, in one transaction of the Data API (at most 40
-- statements, each ended by a semicolon at the end of a line; there is none elsewhere). The tables are those of
-- tables.py, which the function has made or widened before. Running it twice for a run leaves the same rows.
--
-- Placeholders (string.Template), the last three of them made by tables.py:
--   $results_bucket, $run_id, $copy_role_arn, $dbt_user
--   $landing, $mart_reader, $transformer, $reader_user   the schema, the database roles, who reads the marts
--   $run_mode, $run_prepared_at, ...           literals: 'full', or null
--   $create_users, $create_items               `create table ...`
--   $<table>_columns                           quoted names that COPY fills
--
-- COPY names the columns because a column that is left out takes its default (loaded_at), and one that is
-- only missing from the JSON takes null. COPY fails where a folder holds no file: the jobs write one even when
-- it has no rows.

-- Users and items are snapshots whose columns the configuration decides, so each run makes the tables anew.
-- Their staging views go with them and come back in the dbt build that follows, marts are tables and stay.
drop table if exists $landing.users, $landing.items cascade;

$create_users;

copy $landing.users ($users_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/users/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

$create_items;

copy $landing.items ($items_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/items/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from $landing.orders;

copy $landing.orders ($orders_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/orders/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from $landing.interactions;

copy $landing.interactions ($interactions_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/interactions/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

-- Events arrive as changes: the newest image of a key of the log stands in place of the earlier one, a deletion takes
-- it away, and what expired stays and says so. Rows of before event_key was kept are known by their event_id.
create temp table new_events (like $landing.events including defaults);

copy new_events ($events_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/events/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from $landing.events
using new_events
where $landing.events.event_key = new_events.event_key;

delete from $landing.events
using new_events
where $landing.events.event_id = new_events.event_id;

insert into $landing.events ($events_columns)
select $events_columns
from (
    select
        new_events.*,
        row_number() over (partition by event_id order by occurred_at, user_id) as delivery
    from new_events
    where coalesce(new_events.removed, '') <> 'deleted'
) as deliveries
where delivery = 1;

drop table new_events;

delete from $landing.recommendations where run_id = '$run_id';

copy $landing.recommendations ($recommendations_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/recommendations/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from $landing.recommendations
where run_id < (
    select min(run_id)
    from (select distinct run_id from $landing.recommendations order by run_id desc limit 5) as kept
);

delete from $landing.segments where run_id = '$run_id';

copy $landing.segments ($segments_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/segments/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from $landing.segments
where run_id < (
    select min(run_id)
    from (select distinct run_id from $landing.segments order by run_id desc limit 5) as kept
);

-- Here and below, what is older than `clean_up.warehouse_days` goes: a run's id is its start, so text compares as time.
delete from $landing.solution_version_metrics where run_id = '$run_id' or run_id < '$history_from';

copy $landing.solution_version_metrics ($solution_version_metrics_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/solution_version_metrics/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

-- A run reads days of exposures that an earlier one may have read in part: staging keeps the first of each.
delete from $landing.exposures where run_id = '$run_id';

copy $landing.exposures ($exposures_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/exposures/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from $landing.quarantine where run_id = '$run_id' or run_id < '$history_from';

copy $landing.quarantine ($quarantine_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/quarantine/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from $landing.data_quality where run_id = '$run_id' or run_id < '$history_from';

copy $landing.data_quality ($data_quality_columns)
from 's3://$results_bucket/runs/$run_id/warehouse/data_quality/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

-- How long the run took and what its jobs used, as the control table knows it: null for what it forgot.
delete from $landing.runs where run_id = '$run_id' or run_id < '$history_from';

insert into $landing.runs ($runs_columns)
values ('$run_id', $run_mode, $run_prepared_at, $run_trained_at, $run_served_at, $run_dpu_hours);

-- dbt reads what landed and owns what it makes; readers see the marts alone, and PUBLIC sees nothing.
create schema if not exists staging;

create schema if not exists marts;

grant role $transformer to "$dbt_user";

grant usage on schema $landing to role $transformer;

grant select on all tables in schema $landing to role $transformer;

grant usage, create on schema staging, marts to role $transformer;

grant usage on schema marts to role $mart_reader;

grant role $mart_reader to $reader_user;
