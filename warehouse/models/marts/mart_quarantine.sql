with

quarantine as (

    select * from {{ ref('stg_quality__quarantine') }}

),

final as (

    select
        run_id,
        {{ run_time('run_id') }} as run_at,
        dataset,
        source,
        reason,
        count(*) as quarantined_rows,
        min(source_key) as first_source_key,
        min(wrong_value) as first_wrong_value
    from quarantine
    group by run_id, dataset, source, reason

)

select * from final
