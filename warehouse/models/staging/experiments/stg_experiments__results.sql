with

source as (

    select * from {{ source('experiments', 'experiment_results') }}

),

{# What a later run said of the same day stands in place of what an earlier one said. -#}
said as (

    select
        source.*,
        row_number() over (
            partition by experiment, version, day, role, variant, metric, segment_name, segment_value
            order by run_id desc, loaded_at desc
        ) as runs_ago
    from source

),

renamed as (

    select
        experiment,
        version as experiment_version,
        day,
        role,
        variant,
        metric,
        segment_name,
        segment_value,
        users,
        control_users,
        expected_users,
        control_mean,
        variant_mean,
        lift,
        interval_low,
        interval_high,
        band_low,
        band_high,
        p as p_value,
        adjusted_p,
        guard,
        ratio_p,
        days_left,
        decision,
        decision_en,
        decision_ja,
        made_by,
        run_id,
        loaded_at
    from said
    where runs_ago = 1

)

select * from renamed
