with

figures as (

    select * from {{ ref('stg_quality__data_quality') }}

),

final as (

    select
        run_id,
        {{ run_time('run_id') }} as run_at,
        {{ recency('run_id') }} as recency,
        figure,
        figure_value,
        lowest_allowed,
        highest_allowed,
        cast(
            case
                when figure_value < lowest_allowed then 'too low'
                when figure_value > highest_allowed then 'too high'
                when lowest_allowed is null and highest_allowed is null then 'no bound yet'
                else 'within bounds'
            end as varchar(16)
        ) as verdict
    from figures

)

select * from final
