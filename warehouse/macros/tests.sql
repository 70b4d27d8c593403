{# Generic tests: each selects the rows that break it. #}

{% test unique_combination(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}


{% test accepted_range(model, column_name, min_value=none, max_value=none) %}

select {{ column_name }}
from {{ model }}
where
    false
    {%- if min_value is not none %}
    or {{ column_name }} < {{ min_value }}
    {%- endif %}
    {%- if max_value is not none %}
    or {{ column_name }} > {{ max_value }}
    {%- endif %}

{% endtest %}


{% test not_before(model, column_name, earlier) %}

select {{ earlier }}, {{ column_name }}
from {{ model }}
where {{ column_name }} < {{ earlier }}

{% endtest %}


{# The highest position of each list equals its number of rows: no position is missing. #}
{% test ranks_without_gaps(model, column_name, list_columns) %}

select {{ list_columns | join(', ') }}
from {{ model }}
group by {{ list_columns | join(', ') }}
having max({{ column_name }}) <> count(*) or min({{ column_name }}) <> 1

{% endtest %}
