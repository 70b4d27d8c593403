with

source as (

    select * from {{ source('personalize', 'recommendations') }}

),

{# Runs of before the ranking as inferred was kept tell nothing of it. -#}
renamed as (

    select
        run_id,
        solution,
        entity_id,
        item_id,
        score,
        inferred_rank as inferred_position,
        rank as list_position,
        rule as rule_name,
        loaded_at
    from source
    where inferred_rank is not null or rule is not null

)

select * from renamed
