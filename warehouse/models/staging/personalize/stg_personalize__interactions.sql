with

source as (

    select * from {{ source('personalize', 'interactions') }}

),

renamed as (

    select
        user_id,
        item_id,
        event_type,
        event_value,
        occurred_at,
        run_id,
        loaded_at
    from source

)

select * from renamed
