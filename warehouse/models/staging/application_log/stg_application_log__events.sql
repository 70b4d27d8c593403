with

source as (

    select * from {{ source('application_log', 'events') }}

),

renamed as (

    select
        event_id,
        event_type,
        user_id,
        item_id,
        occurred_at,
        session_id,
        recommendation_id,
        value as event_value,
        impression as shown_items,
        coalesce(simulated, false) as is_simulated,
        run_id,
        loaded_at
    from source

)

select * from renamed
