{# The integers 0 .. count - 1 as rows of one column `n`: neither engine's row generator runs on the other. #}
{% macro numbers(count) -%}
    {%- for n in range(count) %}
    select {{ n }} as n{{ ' union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
