{%- set sources = [
    ('orders', ref('stg_shop__orders'), 'ordered_at'),
    ('events', ref('stg_application_log__events'), 'occurred_at'),
    ('interactions', ref('stg_personalize__interactions'), 'occurred_at'),
    ('recommendations', ref('stg_personalize__recommendations'), 'loaded_at'),
    ('solution_version_metrics', ref('stg_personalize__solution_version_metrics'), 'judged_at'),
] -%}

with

{% for name, relation, at in sources -%}
{{ name }} as (

    select
        cast('{{ name }}' as varchar(64)) as source,
        count(*) as row_count,
        max(run_id) as newest_run_id,
        max({{ at }}) as newest_at,
        max(loaded_at) as loaded_at
    from {{ relation }}

),

{% endfor -%}
unioned as (
    {% for name, relation, at in sources %}
    select * from {{ name }}{{ ' union all' if not loop.last }}
    {%- endfor %}

),

final as (

    select
        source,
        row_count,
        newest_run_id,
        newest_at,
        loaded_at,
        cast({{ dbt.datediff('newest_at', 'loaded_at', 'hour') }} as bigint) as hours_behind
    from unioned

)

select * from final
