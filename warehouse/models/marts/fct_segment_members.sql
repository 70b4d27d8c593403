with

segments as (

    select * from {{ ref('stg_personalize__segments') }}

),

runs as (

    select
        run_id,
        row_number() over (order by run_id desc) as runs_ago
    from (select distinct run_id from segments) as distinct_runs

),

final as (

    select
        segments.run_id,
        segments.solution,
        segments.segment,
        segments.segment_position,
        segments.user_id,
        runs.runs_ago = 1 as is_newest_run
    from segments
    inner join runs on segments.run_id = runs.run_id

)

select * from final
