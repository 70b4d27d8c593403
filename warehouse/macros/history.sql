{#
Whether a model adds to what it made of earlier runs. Without a warehouse (`dbt compile --no-introspect`) nobody knows,
and `vars: {as_incremental: true}` says so.
#}
{% macro adds_to_history() %}
    {{ return(var('as_incremental', false) if flags.INTROSPECT == false else is_incremental()) }}
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
