with

source as (

    select * from {{ source('experiments', 'exposures') }}

),

deliveries as (

    select
        source.*,
        row_number() over (partition by exposure_id order by exposed_at, run_id, variant) as delivery
    from source

),

renamed as (

    select
        exposure_id,
        experiment,
        version as experiment_version,
        variant,
        layer,
        unit_id,
        exposed_at,
        placement,
        recommendation_id,
        run_id,
        loaded_at
    from deliveries
    where delivery = 1

)

select * from renamed
