with

events as (

    select * from {{ ref('stg_application_log__events') }}

),

final as (

    select
        cast(occurred_at as date) as told_on,
        event_type,
        placement,
        cast(case when is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        count(*) as events,
        count(distinct user_id) as users,
        count(distinct item_id) as items,
        count(recommendation_id) as of_recommendations,
        count(event_value) as valued_events,
        sum(event_value) as value_total
    from events
    where event_type <> '{{ configured("impression_event") }}'
    group by
        cast(occurred_at as date),
        event_type,
        placement,
        case when is_simulated then 'simulator' else 'people' end

)

select * from final
