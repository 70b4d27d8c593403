with

answers as (

    select
        cast(answered_at as date) as answered_on,
        cast(coalesce(placement, 'not said') as varchar(1024)) as placement,
        cast(coalesce(answer_source, 'not known') as varchar(16)) as answer_source,
        cast(case when is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        answer_source is not null as is_known,
        is_fallback,
        is_degraded
    from {{ ref('stg_application_log__answers') }}

),

final as (

    select
        answered_on,
        placement,
        answer_source,
        made_by,
        count(*) as answers,
        sum(case when is_known then 1 else 0 end) as known_answers,
        sum(case when is_fallback then 1 else 0 end) as fallback_answers,
        sum(case when is_degraded then 1 else 0 end) as degraded_answers
    from answers
    group by answered_on, placement, answer_source, made_by

)

select * from final
