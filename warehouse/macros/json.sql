{# JSON arrays kept as text. Redshift has functions of its own; PostgreSQL has operators. #}

{% macro json_array_size(column) -%}
    {{ return(adapter.dispatch('json_array_size', 'osusume')(column)) }}
{%- endmacro %}

{% macro default__json_array_size(column) -%}
    json_array_length({{ column }}, true)
{%- endmacro %}

{% macro postgres__json_array_size(column) -%}
    json_array_length(cast({{ column }} as json))
{%- endmacro %}

{# dbt-redshift falls back to postgres__ before default__. #}
{% macro redshift__json_array_size(column) -%}
    {{ osusume.default__json_array_size(column) }}
{%- endmacro %}

{% macro json_array_element(column, index) -%}
    {{ return(adapter.dispatch('json_array_element', 'osusume')(column, index)) }}
{%- endmacro %}

{% macro default__json_array_element(column, index) -%}
    json_extract_array_element_text({{ column }}, {{ index }}, true)
{%- endmacro %}

{% macro postgres__json_array_element(column, index) -%}
    cast({{ column }} as json) ->> {{ index }}
{%- endmacro %}

{% macro redshift__json_array_element(column, index) -%}
    {{ osusume.default__json_array_element(column, index) }}
{%- endmacro %}
