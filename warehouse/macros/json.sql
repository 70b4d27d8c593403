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

{# Redshift's function gives varchar(65535), and joins pay for the width: an id has 256 characters. #}
{% macro default__json_array_element(column, index) -%}
    cast(json_extract_array_element_text({{ column }}, {{ index }}, true) as varchar(1024))
{%- endmacro %}

{% macro postgres__json_array_element(column, index) -%}
    cast(cast({{ column }} as json) ->> {{ index }} as varchar(1024))
{%- endmacro %}

{% macro redshift__json_array_element(column, index) -%}
    {{ osusume.default__json_array_element(column, index) }}
{%- endmacro %}
