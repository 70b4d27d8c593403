with

source as (

    select * from {{ source('personalize', 'segments') }}

),

renamed as (

    select
        run_id,
        solution,
        segment,
        rank as segment_position,
        user_id,
        loaded_at
    from source

)

select * from renamed
