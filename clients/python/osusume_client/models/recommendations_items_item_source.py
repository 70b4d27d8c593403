from typing import Literal

RecommendationsItemsItemSource = Literal[
    "default", "personal", "popular", "promoted", "related", "trending", "unranked"
]

RECOMMENDATIONS_ITEMS_ITEM_SOURCE_VALUES: set[RecommendationsItemsItemSource] = {
    "default",
    "personal",
    "popular",
    "promoted",
    "related",
    "trending",
    "unranked",
}


def check_recommendations_items_item_source(value: str) -> RecommendationsItemsItemSource:
    if value in RECOMMENDATIONS_ITEMS_ITEM_SOURCE_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {RECOMMENDATIONS_ITEMS_ITEM_SOURCE_VALUES!r}"
    )
