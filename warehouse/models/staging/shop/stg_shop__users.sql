with

source as (

    select * from {{ source('shop', 'users') }}

),

renamed as (

    select
        user_id,
        {%- for column in metadata_columns('users', 'user_id') %}
        {{ column }},
        {%- endfor %}
        run_id,
        loaded_at
    from source

)

select * from renamed
