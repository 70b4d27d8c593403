with

recommendations as (

    select * from {{ ref('stg_personalize__recommendations') }}

),

runs as (

    select
        run_id,
        row_number() over (order by run_id desc) as runs_ago
    from (select distinct run_id from recommendations) as distinct_runs

),

final as (

    select
        recommendations.run_id,
        recommendations.solution,
        recommendations.entity_id,
        recommendations.list_position,
        recommendations.item_id,
        recommendations.score,
        runs.runs_ago = 1 as is_newest_run
    from recommendations
    inner join runs on recommendations.run_id = runs.run_id

)

select * from final
