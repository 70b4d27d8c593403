from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.recommendations_source import check_recommendations_source
from ..models.recommendations_source import RecommendationsSource
from ..models.recommendations_user_state_type_1 import check_recommendations_user_state_type_1
from ..models.recommendations_user_state_type_1 import RecommendationsUserStateType1
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.recommendations_items_item import RecommendationsItemsItem
    from ..models.recommendations_rules_item import RecommendationsRulesItem


T = TypeVar("T", bound="Recommendations")


@_attrs_define
class Recommendations:
    """
    Attributes:
        recommendation_id (str): Events of this answer name it
        items (list[RecommendationsItemsItem]):
        placement (None | str):
        source (RecommendationsSource): The list that was found
        version (None | str): The run that made it; null for the default
        degraded (bool): Something failed and another list stood in
        experiment (None | str):
        variant (None | str):
        next_cursor (None | str): Send it as `cursor`; null at the end
        rules (list[RecommendationsRulesItem] | Unset): With explain=true
        user_state (None | RecommendationsUserStateType1 | Unset): With explain=true: the state of the user, where the
            answer hangs on it
    """

    recommendation_id: str
    items: list[RecommendationsItemsItem]
    placement: None | str
    source: RecommendationsSource
    version: None | str
    degraded: bool
    experiment: None | str
    variant: None | str
    next_cursor: None | str
    rules: list[RecommendationsRulesItem] | Unset = UNSET
    user_state: None | RecommendationsUserStateType1 | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.recommendations_items_item import RecommendationsItemsItem  # noqa: PLC0415
        from ..models.recommendations_rules_item import RecommendationsRulesItem  # noqa: PLC0415

        recommendation_id = self.recommendation_id

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        placement: None | str
        placement = self.placement

        source: str = self.source

        version: None | str
        version = self.version

        degraded = self.degraded

        experiment: None | str
        experiment = self.experiment

        variant: None | str
        variant = self.variant

        next_cursor: None | str
        next_cursor = self.next_cursor

        rules: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.rules, Unset):
            rules = []
            for rules_item_data in self.rules:
                rules_item = rules_item_data.to_dict()
                rules.append(rules_item)

        user_state: None | str | Unset
        if isinstance(self.user_state, Unset):
            user_state = UNSET
        elif isinstance(self.user_state, str):
            user_state = self.user_state
        else:
            user_state = self.user_state

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "recommendationId": recommendation_id,
                "items": items,
                "placement": placement,
                "source": source,
                "version": version,
                "degraded": degraded,
                "experiment": experiment,
                "variant": variant,
                "nextCursor": next_cursor,
            }
        )
        if rules is not UNSET:
            field_dict["rules"] = rules
        if user_state is not UNSET:
            field_dict["userState"] = user_state

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.recommendations_items_item import RecommendationsItemsItem  # noqa: PLC0415
        from ..models.recommendations_rules_item import RecommendationsRulesItem  # noqa: PLC0415

        d = dict(src_dict)
        recommendation_id = d.pop("recommendationId")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = RecommendationsItemsItem.from_dict(items_item_data)

            items.append(items_item)

        def _parse_placement(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        placement = _parse_placement(d.pop("placement"))

        source = check_recommendations_source(d.pop("source"))

        def _parse_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        version = _parse_version(d.pop("version"))

        degraded = d.pop("degraded")

        def _parse_experiment(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        experiment = _parse_experiment(d.pop("experiment"))

        def _parse_variant(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        variant = _parse_variant(d.pop("variant"))

        def _parse_next_cursor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_cursor = _parse_next_cursor(d.pop("nextCursor"))

        _rules = d.pop("rules", UNSET)
        rules: list[RecommendationsRulesItem] | Unset = UNSET
        if _rules is not UNSET:
            rules = []
            for rules_item_data in _rules:
                rules_item = RecommendationsRulesItem.from_dict(rules_item_data)

                rules.append(rules_item)

        def _parse_user_state(data: object) -> None | RecommendationsUserStateType1 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                user_state_type_1 = check_recommendations_user_state_type_1(data)

                return user_state_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RecommendationsUserStateType1 | Unset, data)

        user_state = _parse_user_state(d.pop("userState", UNSET))

        recommendations = cls(
            recommendation_id=recommendation_id,
            items=items,
            placement=placement,
            source=source,
            version=version,
            degraded=degraded,
            experiment=experiment,
            variant=variant,
            next_cursor=next_cursor,
            rules=rules,
            user_state=user_state,
        )

        recommendations.additional_properties = d
        return recommendations

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
