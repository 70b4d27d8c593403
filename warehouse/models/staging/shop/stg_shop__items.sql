with

source as (

    select * from {{ source('shop', 'items') }}

),

renamed as (

    select
        item_id,
        {%- for column in metadata_columns('items', 'item_id') %}
        {{ column }},
        {%- endfor %}
        run_id,
        loaded_at
    from source

)

select * from renamed
