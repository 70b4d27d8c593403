with

recommendations as (

    select * from {{ ref('fct_recommendations') }}

),

counted as (

    select
        run_id,
        solution,
        list_position,
        count(*) as lists,
        count(score) as scored_lists,
        sum(score) as score_total
    from recommendations
    where list_position <= 25
    group by run_id, solution, list_position

),

final as (

    select
        run_id,
        {{ run_time('run_id') }} as run_at,
        {{ recency('run_id') }} as recency,
        solution,
        list_position,
        lists,
        scored_lists,
        score_total
    from counted

)

select * from final
