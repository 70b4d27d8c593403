{{ config(materialized='incremental', unique_key=['run_id', 'solution', 'rule_name', 'outcome'], on_schema_change='append_new_columns') }}

with

rankings as (

    select * from {{ ref('fct_rankings') }}

),

-- Whatever rules did, each run and solution has so many lists.
listed as (

    select
        run_id,
        solution,
        count(distinct entity_id) as lists
    from rankings
    group by run_id, solution

),

acted as (

    select
        run_id,
        solution,
        rule_name,
        outcome,
        count(*) as items_changed,
        count(distinct item_id) as different_items,
        count(distinct entity_id) as changed_lists
    from rankings
    where rule_name is not null
    group by run_id, solution, rule_name, outcome

),

final as (

    select
        acted.run_id,
        acted.solution,
        acted.rule_name,
        acted.outcome,
        acted.items_changed,
        acted.different_items,
        acted.changed_lists,
        listed.lists
    from acted
    inner join listed on acted.run_id = listed.run_id and acted.solution = listed.solution
    {{ new_runs('acted.run_id') }}

)

select * from final
