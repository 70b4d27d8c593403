with

actions as (

    select * from {{ ref('fct_rule_actions') }}

),

final as (

    select
        run_id,
        {{ run_time('run_id') }} as run_at,
        {{ recency('run_id') }} as recency,
        solution,
        rule_name,
        outcome,
        items_changed,
        different_items,
        changed_lists,
        lists
    from actions

)

select * from final
