with

source as (

    select * from {{ source('personalize', 'recommendations') }}

),

renamed as (

    select
        run_id,
        solution,
        entity_id,
        rank as list_position,
        item_id,
        score,
        loaded_at
    from source
    -- What a rule took out is in the table, too (stg_personalize__rankings).
    where rank is not null

)

select * from renamed
