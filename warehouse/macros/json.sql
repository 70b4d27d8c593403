{# JSON arrays kept as text: null where the text is no JSON. #}

{% macro json_array_size(column) -%}
    json_array_length({{ column }}, true)
{%- endmacro %}

{% macro json_array_element(column, index) -%}
    json_extract_array_element_text({{ column }}, {{ index }}, true)
{%- endmacro %}
