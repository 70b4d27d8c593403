with

runs as (

    select * from {{ ref('stg_pipeline__runs') }}

),

figures as (

    select * from {{ ref('stg_quality__data_quality') }}

),

versions as (

    select * from {{ ref('mart_solution_versions') }}

),

published as (

    select * from {{ ref('fct_inference_results') }}

),

prices as (
    {{ price_rows() }}

),

recipes as (

    select
        solution,
        max(recipe) as recipe
    from versions
    group by solution

),

interactions as (

    select
        run_id,
        max(figure_value) as interactions
    from figures
    where figure = 'rows.interactions'
    group by run_id

),

-- How Personalize and Glue bill: v2 recipes train by interactions, others by hours; lists by who gets one.
used as (

    select
        versions.run_id,
        cast('training' as varchar(32)) as item,
        versions.solution,
        cast(
            case when versions.recipe like '%-v2' then 'Personalize v2 training' else 'Personalize training' end
            as varchar(64)
        ) as driver,
        cast(case when versions.recipe like '%-v2' then 'interactions' else 'hours' end as varchar(32)) as unit,
        sum(
            case when versions.recipe like '%-v2' then interactions.interactions else versions.training_hours end
        ) as amount
    from versions
    left join interactions on versions.run_id = interactions.run_id
    group by
        versions.run_id,
        versions.solution,
        versions.recipe

    union all

    select
        published.run_id,
        cast('lists' as varchar(32)) as item,
        published.solution,
        cast(
            case when recipes.recipe like '%-v2' then 'Personalize v2 lists' else 'Personalize lists' end
            as varchar(64)
        ) as driver,
        cast('lists' as varchar(32)) as unit,
        cast(published.lists as double precision) as amount
    from published
    left join recipes on published.solution = recipes.solution

    union all

    select
        run_id,
        cast('jobs' as varchar(32)) as item,
        cast('all' as varchar(64)) as solution,
        cast('Glue compute' as varchar(64)) as driver,
        cast('DPU-hours' as varchar(32)) as unit,
        dpu_hours as amount
    from runs

),

final as (

    select
        used.run_id,
        {{ run_time('used.run_id') }} as run_at,
        {{ recency('used.run_id') }} as recency,
        used.item,
        used.solution,
        used.amount,
        used.unit,
        used.driver,
        prices.price_usd,
        prices.price_read_on,
        used.amount * prices.price_usd as cost_usd
    from used
    left join prices on used.driver = prices.driver

)

select * from final
