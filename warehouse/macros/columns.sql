{#
Columns that the configuration gives the landing tables users and items, without the key, quoted: a field may have
a name that Redshift reserves (TAG, OPEN, OFFSET). Both engines keep quoted lower case as it is.
#}
{% macro metadata_columns(table, key) %}
    {% set columns = fromjson(env_var('WAREHOUSE_COLUMNS', tojson(var('columns')))) %}
    {% set names = columns[table].keys() | reject('equalto', key) | list %}
    {% set quoted = [] %}
    {% for name in names %}{% do quoted.append(adapter.quote(name)) %}{% endfor %}
    {{ return(quoted) }}
{% endmacro %}
