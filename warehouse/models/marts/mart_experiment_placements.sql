with

exposures as (

    select * from {{ ref('stg_experiments__exposures') }}

),

users as (

    -- Who was shown several variants tells nothing of any of them.
    select * from {{ ref('fct_exposures') }} where not is_mixed

),

shown as (

    select * from {{ ref('fct_recommendations_shown') }}

),

final as (

    select
        exposures.experiment,
        exposures.experiment_version,
        exposures.variant,
        cast(
            exposures.experiment || ' ' || exposures.experiment_version as varchar(256)
        ) as experiment_and_version,
        cast(shown.shown_at as date) as shown_on,
        exposures.placement,
        shown.list_position,
        cast(case when shown.is_simulated then 'simulator' else 'people' end as varchar(16)) as made_by,
        count(distinct shown.user_id) as shown_users,
        count(*) as shown_items,
        sum(case when shown.was_clicked then 1 else 0 end) as clicked_items,
        sum(case when shown.was_bought then 1 else 0 end) as bought_items
    from exposures
    inner join users
        on exposures.experiment = users.experiment
        and exposures.experiment_version = users.experiment_version
        and exposures.unit_id = users.unit_id
    inner join shown
        on exposures.unit_id = shown.user_id and exposures.recommendation_id = shown.recommendation_id
    group by
        exposures.experiment,
        exposures.experiment_version,
        exposures.variant,
        cast(shown.shown_at as date),
        exposures.placement,
        shown.list_position,
        case when shown.is_simulated then 'simulator' else 'people' end

)

select * from final
