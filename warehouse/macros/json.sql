{# JSON arrays kept as text: null where the text is no JSON. #}

{% macro json_array_size(column) -%}
    json_array_length({{ column }}, true)
{%- endmacro %}

{% macro json_array_element(column, index) -%}
    {# The function gives varchar(65535), and joins pay for the width: an id has 256 characters. #}
    cast(json_extract_array_element_text({{ column }}, {{ index }}, true) as varchar(1024))
{%- endmacro %}
