with

items as (

    select * from {{ ref('stg_shop__items') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

item_orders as (

    select
        item_id,
        count(distinct user_id) as buyers,
        count(*) as order_items,
        sum(sales_value) as sales_value,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at
    from orders
    group by item_id

),

final as (

    select
        items.item_id,
        {%- for column in metadata_columns('items', 'item_id') %}
        items.{{ column }},
        {%- endfor %}
        coalesce(item_orders.buyers, 0) as buyers,
        coalesce(item_orders.order_items, 0) as order_items,
        coalesce(item_orders.sales_value, 0) as sales_value,
        item_orders.first_ordered_at,
        item_orders.last_ordered_at
    from items
    left join item_orders on items.item_id = item_orders.item_id

)

select * from final
