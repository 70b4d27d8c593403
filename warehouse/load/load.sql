-- Loads one run from the results bucket into the schema `raw`, after tables.sql in the same transaction.
-- Running it twice for a run leaves the same rows.
--
-- Placeholders (string.Template):
--   $results_bucket, $run_id, $copy_role_arn, $database
--   $users_column_names, $items_column_names   names only, "user_id, age", of WAREHOUSE_COLUMNS (see tables.sql)
--
-- COPY names the columns because a column that is left out takes its default (loaded_at), and one that is
-- only missing from the JSON takes null. COPY fails where a folder holds no file: the jobs write one even when
-- it has no rows.

copy raw.users (run_id, $users_column_names)
from 's3://$results_bucket/runs/$run_id/warehouse/users/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

copy raw.items (run_id, $items_column_names)
from 's3://$results_bucket/runs/$run_id/warehouse/items/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from raw.orders;

copy raw.orders (run_id, order_id, user_id, item_id, ordered_at, sales_value)
from 's3://$results_bucket/runs/$run_id/warehouse/orders/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from raw.interactions;

copy raw.interactions (run_id, user_id, item_id, occurred_at, event_type, event_value)
from 's3://$results_bucket/runs/$run_id/warehouse/interactions/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

-- Events arrive by export window, and windows overlap: one row for each event_id, the newest delivery's.
create temp table new_events (like raw.events including defaults);

copy new_events (
    run_id, event_id, event_type, user_id, item_id, occurred_at,
    session_id, recommendation_id, value, impression, simulated
)
from 's3://$results_bucket/runs/$run_id/warehouse/events/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from raw.events
using new_events
where raw.events.event_id = new_events.event_id;

insert into raw.events (
    run_id, event_id, event_type, user_id, item_id, occurred_at,
    session_id, recommendation_id, value, impression, simulated
)
select
    run_id, event_id, event_type, user_id, item_id, occurred_at,
    session_id, recommendation_id, value, impression, simulated
from (
    select
        new_events.*,
        row_number() over (partition by event_id order by occurred_at, user_id) as delivery
    from new_events
) as deliveries
where delivery = 1;

drop table new_events;

delete from raw.recommendations where run_id = '$run_id';

copy raw.recommendations (run_id, solution, entity_id, rank, item_id, score)
from 's3://$results_bucket/runs/$run_id/warehouse/recommendations/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

delete from raw.recommendations
where run_id < (
    select min(run_id)
    from (select distinct run_id from raw.recommendations order by run_id desc limit 5) as kept
);

delete from raw.solution_version_metrics where run_id = '$run_id';

copy raw.solution_version_metrics (
    run_id, solution, recipe, solution_version_arn, metric, value, promoted, created_at
)
from 's3://$results_bucket/runs/$run_id/warehouse/solution_version_metrics/'
iam_role '$copy_role_arn'
format json 'auto'
gzip
timeformat 'auto';

-- dbt and the dashboards connect as other users than the loader: users of this database are IAM identities that
-- may call GetCredentials for it, and no others.
grant usage on schema raw to public;

grant select on all tables in schema raw to public;

grant create on database $database to public;
