from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.recommendations_rules_item_moved_item import RecommendationsRulesItemMovedItem
    from ..models.recommendations_rules_item_removed_item import RecommendationsRulesItemRemovedItem


T = TypeVar("T", bound="RecommendationsRulesItem")


@_attrs_define
class RecommendationsRulesItem:
    """
    Attributes:
        rule (str):
        kind (str):
        removed (list[RecommendationsRulesItemRemovedItem]):
        moved (list[RecommendationsRulesItemMovedItem]):
        added (list[str]):
    """

    rule: str
    kind: str
    removed: list[RecommendationsRulesItemRemovedItem]
    moved: list[RecommendationsRulesItemMovedItem]
    added: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.recommendations_rules_item_moved_item import RecommendationsRulesItemMovedItem  # noqa: PLC0415
        from ..models.recommendations_rules_item_removed_item import RecommendationsRulesItemRemovedItem  # noqa: PLC0415

        rule = self.rule

        kind = self.kind

        removed = []
        for removed_item_data in self.removed:
            removed_item = removed_item_data.to_dict()
            removed.append(removed_item)

        moved = []
        for moved_item_data in self.moved:
            moved_item = moved_item_data.to_dict()
            moved.append(moved_item)

        added = self.added

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rule": rule,
                "kind": kind,
                "removed": removed,
                "moved": moved,
                "added": added,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.recommendations_rules_item_moved_item import RecommendationsRulesItemMovedItem  # noqa: PLC0415
        from ..models.recommendations_rules_item_removed_item import RecommendationsRulesItemRemovedItem  # noqa: PLC0415

        d = dict(src_dict)
        rule = d.pop("rule")

        kind = d.pop("kind")

        removed = []
        _removed = d.pop("removed")
        for removed_item_data in _removed:
            removed_item = RecommendationsRulesItemRemovedItem.from_dict(removed_item_data)

            removed.append(removed_item)

        moved = []
        _moved = d.pop("moved")
        for moved_item_data in _moved:
            moved_item = RecommendationsRulesItemMovedItem.from_dict(moved_item_data)

            moved.append(moved_item)

        added = cast(list[str], d.pop("added"))

        recommendations_rules_item = cls(
            rule=rule,
            kind=kind,
            removed=removed,
            moved=moved,
            added=added,
        )

        recommendations_rules_item.additional_properties = d
        return recommendations_rules_item

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
