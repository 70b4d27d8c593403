{# A view: twice the rows of the published lists, which nothing reads but the counts of fct_rule_actions. -#}
{{ config(materialized='view') }}

with

rankings as (

    select * from {{ ref('stg_personalize__rankings') }}

),

final as (

    select
        run_id,
        solution,
        entity_id,
        item_id,
        score,
        inferred_position,
        list_position,
        rule_name,
        cast(
            case
                when list_position is null then 'taken out'
                when inferred_position is null then 'put in'
                when list_position < inferred_position then 'moved up'
                when list_position > inferred_position then 'moved down'
                else 'as inferred'
            end as varchar(16)
        ) as outcome
    from rankings

)

select * from final
