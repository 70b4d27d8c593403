{#
Whether a model adds to what it made of earlier runs. `vars: {as_incremental: true}` compiles it so without a warehouse.
#}
{% macro adds_to_history() %}
    {{ return(is_incremental() or var('as_incremental', false)) }}
{% endmacro %}

{#
Of an incremental model by run: the newest run, which may be loaded again, and runs that it has not yet. Rows of older
runs stay as they were made, since the warehouse keeps the lists of five runs.
#}
{% macro new_runs(run_id) -%}
    {#- Named whatever is built: dbt learns of dependencies before it knows. #}
    {%- set lists = ref('stg_personalize__recommendations') %}
    {%- if adds_to_history() %}
    where
        {{ run_id }} not in (select run_id from {{ this }})
        or {{ run_id }} = (select max(run_id) from {{ lists }})
    {%- endif %}
{%- endmacro %}
