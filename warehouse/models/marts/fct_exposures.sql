with

exposures as (

    select * from {{ ref('stg_experiments__exposures') }}

),

final as (

    select
        experiment,
        experiment_version,
        unit_id,
        min(variant) as variant,
        min(exposed_at) as first_exposed_at,
        cast(min(exposed_at) as date) as first_exposed_on,
        count(*) as days_exposed,
        min(variant) <> max(variant) as is_mixed
    from exposures
    group by experiment, experiment_version, unit_id

)

select * from final
