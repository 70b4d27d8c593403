with

recommendations as (

    select * from {{ ref('fct_recommendations') }} where list_position <= 25

),

interactions as (

    select * from {{ ref('fct_interactions') }}

),

items as (

    select
        item_id,
        cast(coalesce({{ category_column() }}, 'none') as varchar(1024)) as category
    from {{ ref('dim_items') }}

),

newest_run as (

    select max(run_id) as run_id from recommendations

),

counted as (

    select
        recommendations.run_id,
        recommendations.solution as series,
        items.category,
        count(*) as positions
    from recommendations
    inner join items on recommendations.item_id = items.item_id
    group by recommendations.run_id, recommendations.solution, items.category

    union all

    -- What people do, to hold the lists against. The newest run's interactions are the only ones here.
    select
        newest_run.run_id,
        cast('interactions' as varchar(64)) as series,
        items.category,
        count(*) as positions
    from interactions
    inner join items on interactions.item_id = items.item_id
    cross join newest_run
    where newest_run.run_id is not null
    group by newest_run.run_id, items.category

),

largest as (

    select
        category,
        row_number() over (order by sum(positions) desc, category) as place
    from counted
    group by category

),

grouped as (

    select
        counted.run_id,
        counted.series,
        case when largest.place <= 9 then counted.category else 'other' end as category,
        cast(sum(counted.positions) as bigint) as positions
    from counted
    inner join largest on counted.category = largest.category
    group by
        counted.run_id,
        counted.series,
        case when largest.place <= 9 then counted.category else 'other' end

),

final as (

    select
        run_id,
        {{ run_time('run_id') }} as run_at,
        {{ recency('run_id') }} as recency,
        series,
        category,
        positions
    from grouped

)

select * from final
