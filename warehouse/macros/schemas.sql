{# A model's own schema is its name, not `<target schema>_<name>`: one environment has one database. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
