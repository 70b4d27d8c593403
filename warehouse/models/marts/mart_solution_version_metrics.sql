with

metrics as (

    select * from {{ ref('fct_solution_version_metrics') }}

),

popularity as (

    select
        run_id,
        metric,
        max(metric_value) as popularity_value
    from metrics
    where recipe = 'aws-popularity-count'
    group by run_id, metric

),

final as (

    select
        metrics.run_id,
        {{ run_time('metrics.run_id') }} as run_at,
        {{ recency('metrics.run_id') }} as recency,
        metrics.solution,
        metrics.recipe,
        metrics.solution_version_arn,
        metrics.metric,
        metrics.metric_value,
        popularity.popularity_value,
        metrics.metric_value - popularity.popularity_value as above_popularity,
        cast(case when metrics.is_promoted then 'promoted' else 'held back' end as varchar(16)) as decision
    from metrics
    left join popularity on metrics.run_id = popularity.run_id and metrics.metric = popularity.metric

)

select * from final
