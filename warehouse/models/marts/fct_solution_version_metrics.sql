with

metrics as (

    select * from {{ ref('stg_personalize__solution_version_metrics') }}

),

final as (

    select
        solution_version_arn,
        metric,
        run_id,
        solution,
        recipe,
        metric_value,
        lag(metric_value) over (
            partition by solution, metric
            order by run_id, solution_version_arn
        ) as previous_metric_value,
        is_promoted,
        reason,
        hyperparameters,
        training_mode,
        training_hours,
        estimated_cost_usd,
        judged_at
    from metrics

)

select * from final
