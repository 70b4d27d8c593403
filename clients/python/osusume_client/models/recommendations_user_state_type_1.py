from typing import Literal

RecommendationsUserStateType1 = Literal["active", "just_bought", "lapsed", "new"]

RECOMMENDATIONS_USER_STATE_TYPE_1_VALUES: set[RecommendationsUserStateType1] = {
    "active",
    "just_bought",
    "lapsed",
    "new",
}


def check_recommendations_user_state_type_1(value: str) -> RecommendationsUserStateType1:
    if value in RECOMMENDATIONS_USER_STATE_TYPE_1_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {RECOMMENDATIONS_USER_STATE_TYPE_1_VALUES!r}"
    )
