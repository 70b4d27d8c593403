with

versions as (

    select * from {{ ref('fct_solution_version_metrics') }} where metric = '{{ configured("gate_metric") }}'

),

-- Promoted versions before each one; the last of them served while it was judged.
judged as (

    select
        versions.*,
        count(case when is_promoted then 1 end) over (
            partition by solution
            order by run_id, solution_version_arn
            rows between unbounded preceding and 1 preceding
        ) as promoted_before
    from versions

),

promoted as (

    select
        solution,
        metric_value,
        row_number() over (partition by solution order by run_id, solution_version_arn) as place
    from versions
    where is_promoted

),

final as (

    select
        judged.run_id,
        {{ run_time('judged.run_id') }} as run_at,
        judged.solution,
        judged.recipe,
        judged.solution_version_arn,
        judged.metric,
        judged.metric_value,
        promoted.metric_value as serving_value,
        promoted.metric_value * {{ configured('gate_floor') }} as floor_value,
        cast(case when judged.is_promoted then 'promoted' else 'held back' end as varchar(16)) as decision
    from judged
    left join promoted on judged.solution = promoted.solution and judged.promoted_before = promoted.place

)

select * from final
