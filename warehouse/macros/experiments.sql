{# What the configuration says of metrics: config/experiments.py, measured(). #}
{% macro measured() %}
    {{ return(configured('experiments')) }}
{% endmacro %}

{# The metrics as rows: metric, event, counts, per. #}
{% macro metric_rows() -%}
    {%- set metrics = measured()['metrics'] %}
    {%- for metric in metrics or [{'name': '', 'event': '', 'counts': '', 'per': none}] %}
    select
        cast('{{ metric.name }}' as varchar(64)) as metric,
        cast('{{ metric.event | replace("'", "''") }}' as varchar(1024)) as event,
        cast('{{ metric.counts }}' as varchar(16)) as counts,
        cast({{ "'" ~ metric.per | replace("'", "''") ~ "'" if metric.per else 'null' }} as varchar(1024)) as per
    {%- if not metrics %}
    where false
    {%- endif %}
    {{- ' union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# What an action adds to a metric's outcome. #}
{% macro outcome_of(action, metric) -%}
    sum(
        case
            when {{ action }}.event_type <> {{ metric }}.event then 0
            when {{ metric }}.counts = 'value' then coalesce({{ action }}.event_value, 0)
            else 1
        end
    )
{%- endmacro %}

{% macro base_of(action, metric) -%}
    sum(case when {{ action }}.event_type = {{ metric }}.per then 1 else 0 end)
{%- endmacro %}
