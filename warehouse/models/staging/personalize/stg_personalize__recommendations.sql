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

)

select * from renamed
