{# What a version was stays when the configuration knows it no more: nothing else keeps it. -#}
{{ config(
    materialized='incremental',
    unique_key=['experiment', 'experiment_version', 'variant'],
    on_schema_change='append_new_columns',
    full_refresh=false
) }}

with

definitions as (
    {{ experiment_rows() }}

),

final as (

    select
        experiment,
        experiment_version,
        variant,
        weight,
        is_control,
        layer,
        starts_on,
        ends_on,
        primary_metric,
        detectable_effect
    from definitions

)

select * from final
