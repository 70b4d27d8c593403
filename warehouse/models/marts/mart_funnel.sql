with

shown as (

    select
        cast(shown_at as date) as shown_on,
        list_position,
        cast(case when recommendation_id is null then 'the application' else 'the API' end as varchar(32)) as chosen_by,
        cast(coalesce(placement, 'not said') as varchar(1024)) as placement,
        cast(coalesce(lists_of_run, 'not known') as varchar(16)) as lists_of_run,
        cast(case when is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        was_clicked,
        was_bought
    from {{ ref('fct_recommendations_shown') }}

),

final as (

    select
        shown_on,
        list_position,
        chosen_by,
        placement,
        lists_of_run,
        made_by,
        count(*) as shown_items,
        sum(case when was_clicked then 1 else 0 end) as clicked_items,
        sum(case when was_bought then 1 else 0 end) as bought_items
    from shown
    group by shown_on, list_position, chosen_by, placement, lists_of_run, made_by

)

select * from final
