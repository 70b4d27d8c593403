with

shown as (

    select * from {{ ref('fct_recommendations_shown') }}

),

final as (

    select
        cast(shown_at as date) as shown_on,
        list_position,
        cast(case when recommendation_id is null then 'the application' else 'the API' end as varchar(32)) as chosen_by,
        cast(case when is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        count(*) as shown_items,
        sum(case when was_clicked then 1 else 0 end) as clicked_items,
        sum(case when was_bought then 1 else 0 end) as bought_items
    from shown
    group by
        cast(shown_at as date),
        list_position,
        case when recommendation_id is null then 'the application' else 'the API' end,
        case when is_simulated then 'simulator' else 'people' end

)

select * from final
