{#
What the configuration says to the marts: the function that builds them gives it as JSON, dbt_project.yml's vars stand
where it does not (warehouse/load/variables.py).
#}
{% macro configured(name) %}
    {% set given = fromjson(env_var('WAREHOUSE_VARIABLES', '{}')) %}
    {{ return(given.get(name, var(name))) }}
{% endmacro %}

{# For whom a solution makes its lists: `user`, `item` or `everyone`; `unknown` for one that the configuration lost. #}
{% macro audience(solution) -%}
    case
        {%- for name, audience in configured('audiences').items() %}
        when {{ solution }} = '{{ name }}' then '{{ audience }}'
        {%- endfor %}
        when {{ solution }} is not null then 'unknown'
    end
{%- endmacro %}

{# The first categorical field of the items; null where they have none. #}
{% macro category_column() -%}
    {%- set name = configured('category_column') -%}
    {{ adapter.quote(name) if name else 'cast(null as varchar(1024))' }}
{%- endmacro %}

{# The start of a run, from its id YYYYMMDDTHHMMSSZ. #}
{% macro run_time(run_id) -%}
    cast(
        substring({{ run_id }}, 1, 4) || '-' || substring({{ run_id }}, 5, 2) || '-' || substring({{ run_id }}, 7, 2)
        || ' ' || substring({{ run_id }}, 10, 2) || ':' || substring({{ run_id }}, 12, 2)
        || ':' || substring({{ run_id }}, 14, 2) as timestamp
    )
{%- endmacro %}

{# Whether a row is of the newest run of all the rows: `newest` or `earlier`. #}
{% macro recency(run_id) -%}
    cast(case when {{ run_id }} = max({{ run_id }}) over () then 'newest' else 'earlier' end as varchar(16))
{%- endmacro %}
