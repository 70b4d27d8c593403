with

source as (

    select * from {{ source('quality', 'quarantine') }}

),

renamed as (

    select
        run_id,
        dataset,
        source,
        reason,
        source_key,
        source_file,
        wrong_value,
        loaded_at
    from source

)

select * from renamed
