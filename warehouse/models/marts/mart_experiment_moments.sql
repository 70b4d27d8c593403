with

exposures as (

    -- Who was shown several variants tells nothing of any of them.
    select * from {{ ref('fct_exposures') }} where not is_mixed

),

interactions as (

    select * from {{ ref('fct_interactions') }}

),

events as (

    select * from {{ ref('stg_application_log__events') }}

),

users as (

    select * from {{ ref('dim_users') }}

),

metrics as (
    {{ metric_rows() }}

),

actions as (

    select
        user_id,
        event_type,
        occurred_at,
        event_value
    from interactions
    union all
    select
        user_id,
        event_type,
        occurred_at,
        event_value
    from events
    where event_type = '{{ configured("impression_event") }}'

),

{# A row where the user was first exposed, so that who does nothing counts, and one for each day on which they acted. -#}
daily as (

    select
        exposures.experiment,
        exposures.experiment_version,
        exposures.variant,
        exposures.unit_id,
        metrics.metric,
        cast(actions.occurred_at as date) as day,
        cast({{ outcome_of('actions', 'metrics') }} as double precision) as day_outcome,
        cast({{ base_of('actions', 'metrics') }} as double precision) as day_base
    from exposures
    inner join actions
        on exposures.unit_id = actions.user_id and actions.occurred_at >= exposures.first_exposed_at
    inner join metrics on actions.event_type = metrics.event or actions.event_type = metrics.per
    group by
        exposures.experiment,
        exposures.experiment_version,
        exposures.variant,
        exposures.unit_id,
        metrics.metric,
        cast(actions.occurred_at as date)
    union all
    select
        exposures.experiment,
        exposures.experiment_version,
        exposures.variant,
        exposures.unit_id,
        metrics.metric,
        exposures.first_exposed_on as day,
        cast(0 as double precision) as day_outcome,
        cast(0 as double precision) as day_base
    from exposures
    cross join metrics

),

days as (

    select
        experiment,
        experiment_version,
        variant,
        unit_id,
        metric,
        day,
        sum(day_outcome) as day_outcome,
        sum(day_base) as day_base
    from daily
    group by experiment, experiment_version, variant, unit_id, metric, day

),

earlier as (

    select
        exposures.experiment,
        exposures.experiment_version,
        exposures.unit_id,
        metrics.metric,
        cast({{ outcome_of('actions', 'metrics') }} as double precision) as outcome,
        cast({{ base_of('actions', 'metrics') }} as double precision) as base
    from exposures
    inner join actions
        on exposures.unit_id = actions.user_id
        and actions.occurred_at < exposures.first_exposed_at
        and actions.occurred_at
        >= {{ dbt.dateadd('day', -measured()['pre_period_days'], 'exposures.first_exposed_at') }}
    inner join metrics on actions.event_type = metrics.event or actions.event_type = metrics.per
    group by exposures.experiment, exposures.experiment_version, exposures.unit_id, metrics.metric

),

totals as (

    select
        days.*,
        sum(day_outcome) over (
            partition by experiment, experiment_version, unit_id, metric
            order by day
            rows unbounded preceding
        ) as total_outcome,
        sum(day_base) over (
            partition by experiment, experiment_version, unit_id, metric
            order by day
            rows unbounded preceding
        ) as total_base,
        row_number() over (
            partition by experiment, experiment_version, unit_id, metric
            order by day
        ) as nth_day
    from days

),

{# A user's four figures as they are since that day, and as they were before it: nothing before the first. -#}
figures as (

    select
        totals.experiment,
        totals.experiment_version,
        totals.variant,
        totals.unit_id,
        totals.metric,
        totals.day,
        case when totals.nth_day = 1 then 1 else 0 end as is_first,
        case when metrics.per is null then 1 else 0 end as is_mean,
        totals.day_outcome,
        totals.day_base,
        case
            when metrics.counts <> 'users' then totals.total_outcome
            when totals.total_outcome > 0 then 1
            else 0
        end as outcome,
        case
            when totals.nth_day = 1 then 0
            when metrics.counts <> 'users' then totals.total_outcome - totals.day_outcome
            when totals.total_outcome - totals.day_outcome > 0 then 1
            else 0
        end as outcome_was,
        case when metrics.per is null then 1 else totals.total_base end as base,
        case
            when totals.nth_day = 1 then 0
            when metrics.per is null then 1
            else totals.total_base - totals.day_base
        end as base_was,
        case
            when metrics.counts <> 'users' then coalesce(earlier.outcome, 0)
            when coalesce(earlier.outcome, 0) > 0 then 1
            else 0
        end as before,
        case when metrics.per is null then 1 else coalesce(earlier.base, 0) end as before_base
    from totals
    inner join metrics on totals.metric = metrics.metric
    left join earlier
        on totals.experiment = earlier.experiment
        and totals.experiment_version = earlier.experiment_version
        and totals.unit_id = earlier.unit_id
        and totals.metric = earlier.metric

),

moved as (

    select
        figures.*,
        case when is_first = 1 then 0 else before end as before_was,
        case when is_first = 1 then 0 else before_base end as before_base_was,
        outcome - outcome_was as day_change
    from figures

),

{# By these changes the sums over users move: no row for a user and a day without news is needed. -#}
changes as (

    select
        experiment,
        experiment_version,
        variant,
        unit_id,
        metric,
        day,
        is_mean,
        is_first as users,
        outcome - outcome_was as outcome,
        base - base_was as base,
        before - before_was as before,
        before_base - before_base_was as before_base,
        outcome * outcome - outcome_was * outcome_was as outcome_outcome,
        outcome * base - outcome_was * base_was as outcome_base,
        outcome * before - outcome_was * before_was as outcome_before,
        outcome * before_base - outcome_was * before_base_was as outcome_before_base,
        base * base - base_was * base_was as base_base,
        base * before - base_was * before_was as base_before,
        base * before_base - base_was * before_base_was as base_before_base,
        before * before - before_was * before_was as before_before,
        before * before_base - before_was * before_base_was as before_before_base,
        before_base * before_base - before_base_was * before_base_was as before_base_before_base,
        day_change as day_outcome,
        day_base,
        day_change * day_change as day_outcome_outcome,
        day_change * day_base as day_outcome_base,
        day_base * day_base as day_base_base
    from moved

),

segmented as (

    select
        changes.*,
        cast('all' as varchar(128)) as segment_name,
        cast('all' as varchar(256)) as segment_value
    from changes
    {%- for segment in measured()['segments'] %}
    union all
    select
        changes.*,
        cast('{{ segment }}' as varchar(128)) as segment_name,
        cast(left(coalesce(users.{{ adapter.quote(segment) }}, 'unknown'), 60) as varchar(256)) as segment_value
    from changes
    left join users on changes.unit_id = users.user_id
    {%- endfor %}

),

summed as (

    select
        experiment,
        experiment_version,
        variant,
        day,
        metric,
        segment_name,
        segment_value,
        max(is_mean) as is_mean,
        sum(users) as users,
        sum(outcome) as outcome,
        sum(base) as base,
        sum(before) as before,
        sum(before_base) as before_base,
        sum(outcome_outcome) as outcome_outcome,
        sum(outcome_base) as outcome_base,
        sum(outcome_before) as outcome_before,
        sum(outcome_before_base) as outcome_before_base,
        sum(base_base) as base_base,
        sum(base_before) as base_before,
        sum(base_before_base) as base_before_base,
        sum(before_before) as before_before,
        sum(before_before_base) as before_before_base,
        sum(before_base_before_base) as before_base_before_base,
        sum(day_outcome) as day_outcome,
        sum(day_base) as day_base,
        sum(day_outcome_outcome) as day_outcome_outcome,
        sum(day_outcome_base) as day_outcome_base,
        sum(day_base_base) as day_base_base
    from segmented
    group by experiment, experiment_version, variant, day, metric, segment_name, segment_value

),

cumulative as (

    select
        experiment,
        experiment_version,
        variant,
        day,
        metric,
        segment_name,
        segment_value,
        is_mean,
        sum(users) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as users,
        sum(outcome) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as outcome,
        sum(base) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as base,
        sum(before) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as before,
        sum(before_base) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as before_base,
        sum(outcome_outcome) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as outcome_outcome,
        sum(outcome_base) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as outcome_base,
        sum(outcome_before) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as outcome_before,
        sum(outcome_before_base) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as outcome_before_base,
        sum(base_base) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as base_base,
        sum(base_before) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as base_before,
        sum(base_before_base) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as base_before_base,
        sum(before_before) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as before_before,
        sum(before_before_base) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as before_before_base,
        sum(before_base_before_base) over (
            partition by experiment, experiment_version, variant, metric, segment_name, segment_value
            order by day
            rows unbounded preceding
        ) as before_base_before_base,
        day_outcome,
        day_base,
        day_outcome_outcome,
        day_outcome_base,
        day_base_base
    from summed

),

final as (

    select
        experiment,
        experiment_version,
        variant,
        day,
        metric,
        segment_name,
        segment_value,
        cast(users as bigint) as users,
        outcome,
        base,
        before,
        before_base,
        outcome_outcome,
        outcome_base,
        outcome_before,
        outcome_before_base,
        base_base,
        base_before,
        base_before_base,
        before_before,
        before_before_base,
        before_base_before_base,
        day_outcome,
        case when is_mean = 1 then users else day_base end as day_base,
        day_outcome_outcome,
        case when is_mean = 1 then day_outcome else day_outcome_base end as day_outcome_base,
        case when is_mean = 1 then users else day_base_base end as day_base_base
    from cumulative

)

select * from final
