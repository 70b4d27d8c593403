{# A view: the analysis stores its rows after the marts are built. -#}
{{ config(materialized='view') }}

with

results as (

    select * from {{ ref('stg_experiments__results') }}

),

final as (

    select
        day,
        experiment,
        experiment_version,
        role,
        variant,
        metric,
        segment_name,
        segment_value,
        cast(
            case when role <> 'ratio' then experiment || ' ' || experiment_version || ' ' || variant end as varchar(256)
        ) as comparison,
        cast(
            case
                when day = max(day) over (partition by experiment, experiment_version, role) then 'newest'
                else 'earlier'
            end as varchar(16)
        ) as recency,
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
        p_value,
        adjusted_p,
        guard,
        ratio_p,
        days_left,
        decision,
        decision_en,
        decision_ja,
        made_by,
        run_id
    from results

)

select * from final
