with

users as (

    select * from {{ ref('stg_shop__users') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

user_orders as (

    select
        user_id,
        count(distinct order_id) as orders,
        count(*) as order_items,
        sum(sales_value) as sales_value,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at
    from orders
    group by user_id

),

final as (

    select
        users.user_id,
        {%- for column in metadata_columns('users', 'user_id') %}
        users.{{ column }},
        {%- endfor %}
        coalesce(user_orders.orders, 0) as orders,
        coalesce(user_orders.order_items, 0) as order_items,
        coalesce(user_orders.sales_value, 0) as sales_value,
        user_orders.first_ordered_at,
        user_orders.last_ordered_at
    from users
    left join user_orders on users.user_id = user_orders.user_id

)

select * from final
