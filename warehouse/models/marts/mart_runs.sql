with

figures as (

    select * from {{ ref('stg_quality__data_quality') }}

),

quarantine as (

    select * from {{ ref('stg_quality__quarantine') }}

),

recommendations as (

    select * from {{ ref('stg_personalize__recommendations') }}

),

versions as (

    select * from {{ ref('stg_personalize__solution_version_metrics') }}

),

noted as (

    select * from {{ ref('stg_pipeline__runs') }}

),

costs as (

    select
        run_id,
        sum(cost_usd) as priced_cost_usd,
        sum(case when cost_usd is null then 1 else 0 end) as unpriced_items
    from {{ ref('mart_run_costs') }}
    group by run_id

),

runs as (

    select distinct run_id from figures
    union
    select distinct run_id from recommendations
    union
    select distinct run_id from versions
    union
    select distinct run_id from noted

),

{% set datasets = ['interactions', 'users', 'items'] -%}
rows_read as (

    select
        run_id,
        {%- for dataset in datasets %}
        max(case when figure = 'rows.{{ dataset }}' then figure_value end) as {{ dataset }}_rows,
        {%- endfor %}
        max(loaded_at) as loaded_at
    from figures
    group by run_id

),

wrong_rows as (

    select
        run_id,
        count(*) as quarantined_rows
    from quarantine
    group by run_id

),

published as (

    select
        run_id,
        count(*) as published_positions,
        count(distinct solution) as published_solutions
    from recommendations
    group by run_id

),

judged as (

    select
        run_id,
        count(distinct solution_version_arn) as judged_versions,
        count(distinct case when is_promoted then solution_version_arn end) as promoted_versions
    from versions
    group by run_id

),

final as (

    select
        runs.run_id,
        {{ run_time('runs.run_id') }} as run_at,
        {{ recency('runs.run_id') }} as recency,
        noted.run_mode,
        coalesce(rows_read.loaded_at, noted.loaded_at) as loaded_at,
        {% for name, start, end in [
            ('minutes_to_warehouse', run_time('runs.run_id'), 'coalesce(rows_read.loaded_at, noted.loaded_at)'),
            ('minutes_preparing', run_time('runs.run_id'), 'noted.prepared_at'),
            ('minutes_training', 'noted.prepared_at', 'noted.trained_at'),
            ('minutes_recommending', 'noted.trained_at', 'noted.served_at'),
        ] -%}
        cast({{ dbt.datediff(start, end, 'second') }} as double precision) / 60 as {{ name }},
        {% endfor -%}
        noted.dpu_hours,
        costs.priced_cost_usd,
        coalesce(costs.unpriced_items, 0) as unpriced_items,
        {%- for dataset in datasets %}
        cast(rows_read.{{ dataset }}_rows as bigint) as {{ dataset }}_rows,
        {%- endfor %}
        coalesce(wrong_rows.quarantined_rows, 0) as quarantined_rows,
        coalesce(published.published_positions, 0) as published_positions,
        coalesce(published.published_solutions, 0) as published_solutions,
        coalesce(judged.judged_versions, 0) as judged_versions,
        coalesce(judged.promoted_versions, 0) as promoted_versions
    from runs
    left join rows_read on runs.run_id = rows_read.run_id
    left join wrong_rows on runs.run_id = wrong_rows.run_id
    left join published on runs.run_id = published.run_id
    left join judged on runs.run_id = judged.run_id
    left join noted on runs.run_id = noted.run_id
    left join costs on runs.run_id = costs.run_id

)

select * from final
