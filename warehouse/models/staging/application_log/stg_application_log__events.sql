with

source as (

    select * from {{ source('application_log', 'events') }}

),

renamed as (

    select
        event_id,
        event_type,
        user_id,
        item_id,
        occurred_at,
        session_id,
        recommendation_id,
        value as event_value,
        impression as shown_items,
        -- Here, so that it is counted once for each row and not for each position that a join tries.
        {{ json_array_size('impression') }} as shown_count,
        coalesce(simulated, false) as is_simulated,
        run_id,
        loaded_at,
        event_id like 'served#%' as is_served
    from source

),

{# The id of the API's own event: served#<start>#<placement>#<experiment>#<variant>#<recommendationId>. Whatever else
   names the answer learns its placement and variant by it. -#}
answered as (

    select
        *,
        case when is_served then cast(split_part(event_id, '#', 2) as integer) else 0 end as list_start,
        {% for column, part in [('placement', 3), ('experiment', 4), ('variant', 5)] -%}
        max(case when is_served then nullif(split_part(event_id, '#', {{ part }}), '') end)
            over (partition by user_id, recommendation_id) as {{ column }},
        {% endfor -%}
        max(case when not is_served and event_type = '{{ configured("impression_event") }}' then 1 else 0 end)
            over (partition by user_id, recommendation_id) as reported
    from renamed

),

{# What the application says of an answer takes the place of what the API says, so that nothing shown counts twice. -#}
final as (

    select
        event_id,
        event_type,
        user_id,
        item_id,
        occurred_at,
        session_id,
        recommendation_id,
        event_value,
        shown_items,
        shown_count,
        list_start,
        placement,
        experiment,
        variant,
        is_served,
        is_simulated,
        run_id,
        loaded_at
    from answered
    where not is_served or reported = 0

)

select * from final
