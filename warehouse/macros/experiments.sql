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

{# The experiments as rows, one for each variant: see variables.py. #}
{% macro experiment_rows() -%}
    {%- set variants = configured('experiment_variants') %}
    {%- for one in variants or [{}] %}
    select
        cast('{{ one.experiment }}' as varchar(64)) as experiment,
        cast('{{ one.version }}' as varchar(16)) as experiment_version,
        cast('{{ one.variant }}' as varchar(64)) as variant,
        cast({{ one.weight or 0 }} as double precision) as weight,
        {{ 'true' if one.is_control else 'false' }} as is_control,
        cast('{{ one.layer }}' as varchar(64)) as layer,
        cast({{ "'" ~ one.starts ~ "'" if one.starts else 'null' }} as date) as starts_on,
        cast({{ "'" ~ one.ends ~ "'" if one.ends else 'null' }} as date) as ends_on,
        cast('{{ one.primary }}' as varchar(64)) as primary_metric,
        cast({{ one.detectable or 0 }} as double precision) as detectable_effect
    {%- if not variants %}
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
