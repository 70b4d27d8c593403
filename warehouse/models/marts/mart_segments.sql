with

members as (

    select * from {{ ref('fct_segment_members') }}

),

solution_runs as (

    select
        run_id,
        solution,
        lag(run_id) over (partition by solution order by run_id) as previous_run_id
    from (select distinct run_id, solution from members) as distinct_runs

),

counted as (

    select
        members.run_id,
        members.solution,
        members.segment,
        solution_runs.previous_run_id,
        count(*) as members,
        count(before.user_id) as kept_members
    from members
    inner join solution_runs
        on members.run_id = solution_runs.run_id and members.solution = solution_runs.solution
    left join members as before
        on
            solution_runs.previous_run_id = before.run_id
            and members.solution = before.solution
            and members.segment = before.segment
            and members.user_id = before.user_id
    group by members.run_id, members.solution, members.segment, solution_runs.previous_run_id

),

final as (

    select
        run_id,
        {{ run_time('run_id') }} as run_at,
        {{ recency('run_id') }} as recency,
        solution,
        segment,
        members,
        case when previous_run_id is not null then kept_members end as kept_members
    from counted

)

select * from final
