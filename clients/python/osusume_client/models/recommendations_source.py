from typing import Literal

RecommendationsSource = Literal["default", "personal", "popular", "related", "trending"]

RECOMMENDATIONS_SOURCE_VALUES: set[RecommendationsSource] = {
    "default",
    "personal",
    "popular",
    "related",
    "trending",
}


def check_recommendations_source(value: str) -> RecommendationsSource:
    if value in RECOMMENDATIONS_SOURCE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RECOMMENDATIONS_SOURCE_VALUES!r}")
