{# A model's own schema is its name, not `<target schema>_<name>`: one environment has one database. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

{# Dashboards and people read the marts as users of their own: see the grants in load/load.sql. #}
{% macro grant_marts(schemas) %}
    {% if target.schema in schemas %}
        grant usage on schema {{ target.schema }} to public;
        grant select on all tables in schema {{ target.schema }} to public;
    {% endif %}
{% endmacro %}
