with

source as (

    select * from {{ source('personalize', 'solution_version_metrics') }}

),

renamed as (

    select
        solution_version_arn,
        metric,
        solution,
        recipe,
        value as metric_value,
        promoted as is_promoted,
        reason,
        hyperparameters,
        training_mode,
        training_hours,
        estimated_cost_usd,
        created_at as judged_at,
        run_id,
        loaded_at
    from source

)

select * from renamed
