{{ config(materialized='incremental', unique_key=['run_id', 'solution'], on_schema_change='append_new_columns') }}

with

recommendations as (

    select * from {{ ref('fct_recommendations') }}

),

coverage as (

    select * from {{ ref('mart_catalogue_coverage') }}

),

items as (

    select item_id from {{ ref('dim_items') }}

),

users as (

    select user_id from {{ ref('dim_users') }}

),

-- The first 25 of each list: what a person sees, and what Personalize's own metrics look at.
listed as (

    select * from recommendations where list_position <= 25

),

totals as (

    select
        (select count(*) from users) as known_users,
        (select count(*) from items) as catalogue_items

),

scores as (

    select
        run_id,
        solution,
        count(score) as scored_positions,
        avg(cast(score as double precision)) as mean_score
    from listed
    group by run_id, solution

),

covered as (

    select
        recommendations.run_id,
        recommendations.solution,
        count(distinct users.user_id) as covered_users
    from recommendations
    inner join users on recommendations.entity_id = users.user_id
    where {{ audience('recommendations.solution') }} = 'user'
    group by recommendations.run_id, recommendations.solution

),

item_positions as (

    select
        listed.run_id,
        listed.solution,
        listed.item_id,
        count(*) as positions,
        row_number() over (
            partition by listed.run_id, listed.solution
            order by count(*), listed.item_id
        ) as place,
        count(*) over (partition by listed.run_id, listed.solution) as different_items
    from listed
    inner join items on listed.item_id = items.item_id
    group by listed.run_id, listed.solution, listed.item_id

),

-- Items in no list stand first, with 0 positions: they add to the number of items and nothing to the sums.
concentration as (

    select
        item_positions.run_id,
        item_positions.solution,
        2 * sum(
            cast(totals.catalogue_items - item_positions.different_items + item_positions.place as double precision)
            * item_positions.positions
        ) as weighted_positions,
        sum(cast(item_positions.positions as double precision)) as positions,
        cast(max(totals.catalogue_items) as double precision) as catalogue_items
    from item_positions
    cross join totals
    group by item_positions.run_id, item_positions.solution

),

item_interactions as (

    select
        interactions.item_id,
        count(*) as interactions,
        row_number() over (order by count(*) desc, interactions.item_id) as place
    from {{ ref('fct_interactions') }} as interactions
    inner join items on interactions.item_id = items.item_id
    group by interactions.item_id

),

-- The tenth of the catalogue that people touch most.
popular_items as (

    select
        item_interactions.item_id,
        item_interactions.interactions
    from item_interactions
    cross join totals
    where item_interactions.place * 10 <= totals.catalogue_items + 9

),

popularity as (

    select
        item_positions.run_id,
        item_positions.solution,
        sum(case when popular_items.item_id is not null then item_positions.positions else 0 end) as popular_positions,
        sum(item_positions.positions) as known_positions
    from item_positions
    left join popular_items on item_positions.item_id = popular_items.item_id
    group by item_positions.run_id, item_positions.solution

),

popular_interactions as (

    select
        cast((select sum(interactions) from popular_items) as double precision)
        / nullif((select sum(interactions) from item_interactions), 0) as popular_interaction_share

),

solution_runs as (

    select
        run_id,
        solution,
        lag(run_id) over (partition by solution order by run_id) as previous_run_id
    from (select distinct run_id, solution from recommendations) as distinct_runs

),

-- Lists of somebody who had one in the run before.
lists_twice as (

    select
        listed.run_id,
        listed.solution,
        listed.entity_id,
        solution_runs.previous_run_id,
        count(*) as positions
    from listed
    inner join solution_runs on listed.run_id = solution_runs.run_id and listed.solution = solution_runs.solution
    inner join (select distinct run_id, solution, entity_id from listed) as before
        on
            solution_runs.previous_run_id = before.run_id
            and listed.solution = before.solution
            and listed.entity_id = before.entity_id
    group by listed.run_id, listed.solution, listed.entity_id, solution_runs.previous_run_id

),

kept as (

    select
        lists_twice.run_id,
        lists_twice.solution,
        lists_twice.entity_id,
        count(*) as kept_positions
    from lists_twice
    inner join listed
        on
            lists_twice.run_id = listed.run_id
            and lists_twice.solution = listed.solution
            and lists_twice.entity_id = listed.entity_id
    inner join listed as before
        on
            lists_twice.previous_run_id = before.run_id
            and lists_twice.solution = before.solution
            and lists_twice.entity_id = before.entity_id
            and listed.item_id = before.item_id
    group by lists_twice.run_id, lists_twice.solution, lists_twice.entity_id

),

overlap as (

    select
        lists_twice.run_id,
        lists_twice.solution,
        count(*) as compared_lists,
        sum(lists_twice.positions) as compared_positions,
        sum(coalesce(kept.kept_positions, 0)) as kept_positions
    from lists_twice
    left join kept
        on
            lists_twice.run_id = kept.run_id
            and lists_twice.solution = kept.solution
            and lists_twice.entity_id = kept.entity_id
    group by lists_twice.run_id, lists_twice.solution

),

final as (

    select
        coverage.run_id,
        coverage.solution,
        cast({{ audience('coverage.solution') }} as varchar(16)) as audience,
        coverage.lists,
        covered.covered_users,
        case when covered.covered_users is not null then totals.known_users end as known_users,
        cast(covered.covered_users as double precision) / nullif(totals.known_users, 0) as user_coverage,
        1 - cast(covered.covered_users as double precision) / nullif(totals.known_users, 0) as fallback_share,
        coverage.coverage as catalogue_coverage,
        cast(concentration.weighted_positions as double precision)
        / nullif(concentration.catalogue_items * concentration.positions, 0)
        - cast(concentration.catalogue_items + 1 as double precision)
        / nullif(concentration.catalogue_items, 0) as gini,
        cast(popularity.popular_positions as double precision)
        / nullif(popularity.known_positions, 0) as popular_share,
        popular_interactions.popular_interaction_share,
        coverage.sameness,
        overlap.compared_lists,
        cast(overlap.kept_positions as double precision)
        / nullif(overlap.compared_positions, 0) as overlap_with_previous_run,
        scores.scored_positions,
        scores.mean_score
    from coverage
    cross join totals
    cross join popular_interactions
    left join covered on coverage.run_id = covered.run_id and coverage.solution = covered.solution
    left join concentration
        on coverage.run_id = concentration.run_id and coverage.solution = concentration.solution
    left join popularity on coverage.run_id = popularity.run_id and coverage.solution = popularity.solution
    left join overlap on coverage.run_id = overlap.run_id and coverage.solution = overlap.solution
    left join scores on coverage.run_id = scores.run_id and coverage.solution = scores.solution
    {{ new_runs('coverage.run_id') }}

)

select * from final
