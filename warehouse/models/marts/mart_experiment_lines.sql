{# A view, as mart_experiment_results is. -#}
{{ config(materialized='view') }}

with

results as (

    select * from {{ ref('stg_experiments__results') }} where role = 'primary'

),

final as (

    {% for line, column in [
        ('lift', 'lift'),
        ('interval, low', 'interval_low'),
        ('interval, high', 'interval_high'),
        ('always-valid, low', 'band_low'),
        ('always-valid, high', 'band_high'),
    ] -%}
    select
        day,
        experiment,
        experiment_version,
        variant,
        cast(experiment || ' ' || experiment_version || ' ' || variant as varchar(256)) as comparison,
        cast('{{ line }}' as varchar(32)) as line,
        cast(variant || ': {{ line }}' as varchar(128)) as series,
        {{ column }} as line_value,
        made_by
    from results
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final
