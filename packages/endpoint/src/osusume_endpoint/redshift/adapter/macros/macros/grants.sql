{# Grantees of Redshift are users, groups or roles, which a prefix tells; PostgreSQL has roles alone. #}

{% macro redshift__apply_grants(relation, grant_config, should_revoke=True) %}
    {%- set plain = {} -%}
    {%- for privilege, grantees in (grant_config or {}).items() -%}
        {%- set names = [] -%}
        {%- for grantee in grantees -%}
            {%- do names.append(grantee.split(':')[-1]) -%}
        {%- endfor -%}
        {%- do plain.update({privilege: names}) -%}
    {%- endfor -%}
    {{ default__apply_grants(relation, plain, should_revoke) }}
{% endmacro %}
