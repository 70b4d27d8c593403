with

events as (

    select * from {{ ref('stg_application_log__events') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

unioned as (

    select
        cast(occurred_at as date) as occurred_on,
        event_type,
        cast(case when is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        user_id
    from events

    union all

    select
        cast(ordered_at as date) as occurred_on,
        cast('order item' as varchar(1024)) as event_type,
        cast('not said' as varchar(16)) as made_by,
        user_id
    from orders

),

final as (

    select
        occurred_on,
        event_type,
        made_by,
        count(*) as events,
        count(distinct user_id) as users
    from unioned
    group by occurred_on, event_type, made_by

)

select * from final
