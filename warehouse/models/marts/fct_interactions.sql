with

interactions as (

    select * from {{ ref('stg_personalize__interactions') }}

),

final as (

    select
        user_id,
        item_id,
        event_type,
        occurred_at,
        event_value,
        cast(occurred_at as date) as occurred_on
    from interactions

)

select * from final
