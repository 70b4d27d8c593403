with

results as (

    select * from {{ ref('fct_inference_results') }}

),

final as (

    select
        run_id,
        solution,
        {{ run_time('run_id') }} as run_at,
        {{ recency('run_id') }} as recency,
        audience,
        lists,
        covered_users,
        known_users,
        user_coverage,
        fallback_share,
        catalogue_coverage,
        gini,
        popular_share,
        popular_interaction_share,
        sameness,
        compared_lists,
        overlap_with_previous_run,
        scored_positions,
        mean_score
    from results

)

select * from final
