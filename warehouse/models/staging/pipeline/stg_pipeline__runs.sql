with

source as (

    select * from {{ source('pipeline', 'runs') }}

),

renamed as (

    select
        run_id,
        mode as run_mode,
        prepared_at,
        trained_at,
        served_at,
        dpu_hours,
        loaded_at
    from source

)

select * from renamed
