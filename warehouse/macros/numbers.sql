{# The integers 0 .. count - 1 as rows of one column `n`: Redshift's generate_series runs on its leader node alone. #}
{% macro numbers(count) -%}
    {%- for n in range(count) %}
    select {{ n }} as n{{ ' union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
