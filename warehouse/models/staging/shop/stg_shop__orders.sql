with

source as (

    select * from {{ source('shop', 'orders') }}

),

renamed as (

    select
        order_id,
        user_id,
        item_id,
        ordered_at,
        sales_value,
        run_id,
        loaded_at
    from source

)

select * from renamed
