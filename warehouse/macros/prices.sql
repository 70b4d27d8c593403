{# List prices of what a run uses, as rows: driver, price_usd, price_read_on. See config/prices.py. #}
{% macro price_rows() -%}
    {%- set prices = configured('prices') %}
    {%- for price in prices or [{'driver': '', 'usd': 0, 'read_on': '2026-01-01'}] %}
    select
        cast('{{ price.driver }}' as varchar(64)) as driver,
        cast({{ price.usd }} as double precision) as price_usd,
        cast('{{ price.read_on }}' as date) as price_read_on
    {%- if not prices %}
    where false
    {%- endif %}
    {{- ' union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The first solution of a placement's lists: who answers there unless it has no list. #}
{% macro solution_of(placement) -%}
    {%- set placements = configured('placements') %}
    case
        {%- for name, solution in placements.items() %}
        when {{ placement }} = '{{ name }}' then '{{ solution }}'
        {%- endfor %}
        when false then null
    end
{%- endmacro %}
