with

after_inference as (

    select
        cast({{ run_time('run_id') }} as date) as acted_on,
        cast('after inference' as varchar(16)) as acted_where,
        cast(solution as varchar(1024)) as list_of,
        rule_name,
        outcome,
        cast('not said' as varchar(16)) as made_by,
        items_changed,
        changed_lists,
        lists
    from {{ ref('fct_rule_actions') }}

),

answers as (

    select
        event_id,
        cast(answered_at as date) as acted_on,
        cast(coalesce(placement, 'not said') as varchar(1024)) as list_of,
        cast(case when is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        rules_acted
    from {{ ref('stg_application_log__answers') }}
    where answer_source is not null

),

{# Rules of which none acted are in no list of them; so the answers are counted apart. -#}
asked as (

    select
        acted_on,
        list_of,
        made_by,
        count(*) as lists
    from answers
    group by acted_on, list_of, made_by

),

places as (
    {{ numbers(21) }}

),

acted as (

    select
        answers.event_id,
        answers.acted_on,
        answers.list_of,
        answers.made_by,
        split_part(answers.rules_acted, ',', places.n + 1) as told
    from answers
    inner join places on split_part(answers.rules_acted, ',', places.n + 1) <> ''

),

counted as (

    select
        acted_on,
        list_of,
        made_by,
        cast(split_part(told, '=', 1) as varchar(64)) as rule_name,
        sum(cast(split_part(told, '=', 2) as bigint)) as items_changed,
        count(distinct event_id) as changed_lists
    from acted
    group by acted_on, list_of, made_by, cast(split_part(told, '=', 1) as varchar(64))

),

unioned as (

    select * from after_inference

    union all

    select
        counted.acted_on,
        cast('at read time' as varchar(16)) as acted_where,
        counted.list_of,
        counted.rule_name,
        cast('changed' as varchar(16)) as outcome,
        counted.made_by,
        counted.items_changed,
        counted.changed_lists,
        asked.lists
    from counted
    inner join asked
        on counted.acted_on = asked.acted_on
        and counted.list_of = asked.list_of
        and counted.made_by = asked.made_by

),

final as (

    select
        acted_on,
        acted_where,
        list_of,
        rule_name,
        outcome,
        made_by,
        cast(sum(items_changed) as bigint) as items_changed,
        cast(sum(changed_lists) as bigint) as changed_lists,
        cast(sum(lists) as bigint) as lists
    from unioned
    group by acted_on, acted_where, list_of, rule_name, outcome, made_by

)

select * from final
