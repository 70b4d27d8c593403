with

source as (

    select * from {{ source('application_log', 'events') }} where event_id like 'served#%'

),

final as (

    select
        event_id,
        recommendation_id,
        occurred_at as answered_at,
        nullif(split_part(event_id, '#', 3), '') as placement,
        {# `<source>;<degraded>;<fallback>;<rule>=<items>,...`: the job that prepares the log lets no other form pass. -#}
        nullif(split_part(served_as, ';', 1), '') as answer_source,
        nullif(split_part(served_as, ';', 2), '') = '1' as is_degraded,
        nullif(split_part(served_as, ';', 3), '') = '1' as is_fallback,
        nullif(split_part(served_as, ';', 4), '') as rules_acted,
        coalesce(simulated, false) as is_simulated,
        run_id,
        loaded_at
    from source

)

select * from final
