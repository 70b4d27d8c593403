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

final as (

    select
        recommended.run_id,
        recommended.solution,
        recommended.lists,
        recommended.recommended_items,
        catalogue.catalogue_items,
        cast(recommended.recommended_catalogue_items as double precision)
        / nullif(catalogue.catalogue_items, 0) as coverage
    from recommended
    cross join catalogue

)

select * from final
