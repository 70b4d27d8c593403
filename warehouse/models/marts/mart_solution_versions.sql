with

versions as (

    select
        *,
        row_number() over (partition by solution_version_arn order by metric) as place
    from {{ ref('fct_solution_version_metrics') }}

),

final as (

    select
        run_id,
        {{ run_time('run_id') }} as run_at,
        {{ recency('run_id') }} as recency,
        solution,
        recipe,
        solution_version_arn,
        training_mode,
        training_hours,
        estimated_cost_usd,
        cast(case when is_promoted then 'promoted' else 'held back' end as varchar(16)) as decision,
        reason
    from versions
    where place = 1

)

select * from final
