with

events as (

    select * from {{ ref('stg_application_log__events') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

runs as (

    select
        run_id,
        served_at,
        lead(served_at) over (order by served_at, run_id) as next_served_at
    from {{ ref('stg_pipeline__runs') }}
    where served_at is not null

),

positions as (
    {{ numbers(var('max_impression_items')) }}

),

impressions as (

    select * from events where event_type = '{{ configured("impression_event") }}' and shown_items is not null

),

shown as (

    select
        impressions.event_id,
        impressions.list_start + positions.n + 1 as list_position,
        impressions.user_id,
        {{ json_array_element('impressions.shown_items', 'positions.n') }} as item_id,
        impressions.occurred_at as shown_at,
        impressions.session_id,
        impressions.recommendation_id,
        impressions.placement,
        impressions.experiment,
        impressions.variant,
        impressions.is_served,
        impressions.is_simulated
    from impressions
    inner join positions on positions.n < impressions.shown_count

),

{# An action counts for the last time the item was shown before it, within the window, and for no other. -#}
{% for outcome, actions, key, at in [
    ('clicks', "(select * from events where event_type = '" ~ configured('click_event') ~ "')", 'event_id', 'occurred_at'),
    ('purchases', 'orders', 'order_id', 'ordered_at'),
] -%}
{{ outcome }}_ranked as (

    select
        shown.event_id,
        shown.list_position,
        actions.{{ at }} as acted_at,
        row_number() over (
            partition by actions.{{ key }}, actions.user_id, actions.item_id
            order by shown.shown_at desc, shown.event_id, shown.list_position
        ) as showings_ago
    from shown
    inner join {{ actions }} as actions
        on shown.user_id = actions.user_id
        and shown.item_id = actions.item_id
        and actions.{{ at }} >= shown.shown_at
        and actions.{{ at }} < {{ dbt.dateadd('day', configured('attribution_days'), 'shown.shown_at') }}

),

{{ outcome }} as (

    select
        event_id,
        list_position,
        min(acted_at) as acted_at
    from {{ outcome }}_ranked
    where showings_ago = 1
    group by event_id, list_position

),

{% endfor -%}
final as (

    select
        shown.event_id,
        shown.list_position,
        shown.user_id,
        shown.item_id,
        shown.shown_at,
        shown.session_id,
        shown.recommendation_id,
        shown.placement,
        shown.experiment,
        shown.variant,
        case when shown.recommendation_id is not null then runs.run_id end as lists_of_run,
        shown.is_served,
        shown.is_simulated,
        clicks.acted_at is not null as was_clicked,
        clicks.acted_at as clicked_at,
        purchases.acted_at is not null as was_bought,
        purchases.acted_at as bought_at
    from shown
    left join clicks
        on shown.event_id = clicks.event_id
        and shown.list_position = clicks.list_position
    left join purchases
        on shown.event_id = purchases.event_id
        and shown.list_position = purchases.list_position
    left join runs
        on shown.shown_at >= runs.served_at
        and (runs.next_served_at is null or shown.shown_at < runs.next_served_at)

)

select * from final
