with

source as (

    select * from {{ source('quality', 'data_quality') }}

),

renamed as (

    select
        run_id,
        figure,
        value as figure_value,
        low as lowest_allowed,
        high as highest_allowed,
        loaded_at
    from source

)

select * from renamed
