with

shown as (

    select
        *,
        row_number() over (
            partition by user_id, item_id
            order by shown_at, event_id, list_position
        ) - 1 as shown_before
    from {{ ref('fct_recommendations_shown') }}

),

{% for history, relation, at, kind in [
    ('bought', ref('stg_shop__orders'), 'ordered_at', none),
    ('dismissed', ref('stg_application_log__events'), 'occurred_at', 'dismiss'),
    ('undone', ref('stg_application_log__events'), 'occurred_at', 'undo'),
] -%}
{{ history }} as (

    select
        shown.event_id,
        shown.list_position,
        max(actions.{{ at }}) as acted_at
    from shown
    inner join {{ relation }} as actions
        on shown.user_id = actions.user_id
        and shown.item_id = actions.item_id
        and actions.{{ at }} < shown.shown_at
    {%- if kind %}
    where actions.event_type = '{{ kind }}'
    {%- endif %}
    group by shown.event_id, shown.list_position

),

{% endfor -%}
known as (

    select
        cast(shown.shown_at as date) as shown_on,
        cast(case when shown.is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        shown.was_clicked,
        shown.was_bought,
        shown.shown_before,
        {{ dbt.datediff('bought.acted_at', 'shown.shown_at', 'day') }} as days_since_bought,
        dismissed.acted_at is not null
        and (undone.acted_at is null or undone.acted_at < dismissed.acted_at) as is_dismissed
    from shown
    left join bought on shown.event_id = bought.event_id and shown.list_position = bought.list_position
    left join dismissed on shown.event_id = dismissed.event_id and shown.list_position = dismissed.list_position
    left join undone on shown.event_id = undone.event_id and shown.list_position = undone.list_position

),

looked_at as (

    select
        known.*,
        cast('shown' as varchar(16)) as history,
        cast(
            case
                when shown_before = 0 then '0 times'
                when shown_before = 1 then '1 time'
                when shown_before = 2 then '2 times'
                else '3 or more'
            end as varchar(64)
        ) as band
    from known

    union all

    select
        known.*,
        cast('bought' as varchar(16)) as history,
        cast(
            case
                when days_since_bought is null then 'never'
                when days_since_bought <= 7 then '0 to 7 days'
                when days_since_bought <= 30 then '8 to 30 days'
                else 'longer ago'
            end as varchar(64)
        ) as band
    from known

    union all

    select
        known.*,
        cast('dismissed' as varchar(16)) as history,
        cast(case when is_dismissed then 'dismissed' else 'not dismissed' end as varchar(64)) as band
    from known

),

final as (

    select
        shown_on,
        history,
        band,
        made_by,
        count(*) as shown_items,
        sum(case when was_clicked then 1 else 0 end) as clicked_items,
        sum(case when was_bought then 1 else 0 end) as bought_items
    from looked_at
    group by shown_on, history, band, made_by

)

select * from final
