{# Columns that the configuration gives raw.users or raw.items, without the key. #}
{% macro metadata_columns(table, key) %}
    {% set columns = fromjson(env_var('WAREHOUSE_COLUMNS', tojson(var('columns')))) %}
    {{ return(columns[table].keys() | reject('equalto', key) | list) }}
{% endmacro %}
