with

recommendations as (

    select * from {{ ref('fct_recommendations') }}

),

items as (

    select * from {{ ref('dim_items') }}

),

catalogue as (

    select count(*) as catalogue_items from items

),

recommended as (

    select
        recommendations.run_id,
        recommendations.solution,
        count(distinct recommendations.entity_id) as lists,
        count(distinct recommendations.item_id) as recommended_items,
        count(distinct items.item_id) as recommended_catalogue_items
    from recommendations
    left join items on recommendations.item_id = items.item_id
    group by recommendations.run_id, recommendations.solution

),

listed_items as (

    select
        run_id,
        solution,
        item_id,
        cast(count(*) as double precision) as lists
    from recommendations
    where list_position <= 25
    group by run_id, solution, item_id

),

-- An item in n lists is common to n (n - 1) ordered pairs of them: every pair counts, none is compared.
shared_items as (

    select
        run_id,
        solution,
        cast(sum(lists * (lists - 1)) as double precision) / 25 as common_pairs
    from listed_items
    group by run_id, solution

),

final as (

    select
        recommended.run_id,
        recommended.solution,
        recommended.lists,
        recommended.recommended_items,
        catalogue.catalogue_items,
        cast(recommended.recommended_catalogue_items as double precision)
        / nullif(catalogue.catalogue_items, 0) as coverage,
        cast(shared_items.common_pairs as double precision)
        / nullif(cast(recommended.lists as double precision) * (recommended.lists - 1), 0) as sameness
    from recommended
    left join shared_items
        on recommended.run_id = shared_items.run_id and recommended.solution = shared_items.solution
    cross join catalogue

)

select * from final
