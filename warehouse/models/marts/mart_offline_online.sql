with

shown as (

    select
        lists_of_run as run_id,
        cast({{ solution_of('placement') }} as varchar(64)) as solution,
        cast(case when is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        was_clicked,
        was_bought
    from {{ ref('fct_recommendations_shown') }}
    -- What an experiment changed is of another list than the placement's.
    where lists_of_run is not null and recommendation_id is not null and variant is null

),

online as (

    select
        run_id,
        solution,
        made_by,
        count(*) as shown_items,
        sum(case when was_clicked then 1 else 0 end) as clicked_items,
        sum(case when was_bought then 1 else 0 end) as bought_items
    from shown
    where solution is not null
    group by run_id, solution, made_by

),

versions as (

    select
        solution,
        run_id,
        solution_version_arn,
        metric_value,
        lead(run_id) over (partition by solution order by run_id, solution_version_arn) as next_run_id
    from {{ ref('fct_solution_version_metrics') }}
    where metric = '{{ configured("gate_metric") }}' and is_promoted

),

final as (

    select
        online.run_id,
        {{ run_time('online.run_id') }} as run_at,
        {{ recency('online.run_id') }} as recency,
        online.solution,
        online.made_by,
        versions.solution_version_arn,
        cast('{{ configured("gate_metric") }}' as varchar(128)) as metric,
        versions.metric_value as offline_value,
        online.shown_items,
        online.clicked_items,
        online.bought_items
    from online
    left join versions
        on online.solution = versions.solution
        and online.run_id >= versions.run_id
        and (versions.next_run_id is null or online.run_id < versions.next_run_id)

)

select * from final
