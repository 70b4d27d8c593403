from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.recommendations_items_item_source import check_recommendations_items_item_source
from ..models.recommendations_items_item_source import RecommendationsItemsItemSource
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.recommendations_items_item_metadata import RecommendationsItemsItemMetadata


T = TypeVar("T", bound="RecommendationsItemsItem")


@_attrs_define
class RecommendationsItemsItem:
    """
    Attributes:
        item_id (str):
        score (float | None): Of the recipe; null where it gives none
        position (int):
        source (RecommendationsItemsItemSource): The list that the item is of
        metadata (RecommendationsItemsItemMetadata | Unset): The item fields that `fields` asks for
    """

    item_id: str
    score: float | None
    position: int
    source: RecommendationsItemsItemSource
    metadata: RecommendationsItemsItemMetadata | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.recommendations_items_item_metadata import RecommendationsItemsItemMetadata  # noqa: PLC0415

        item_id = self.item_id

        score: float | None
        score = self.score

        position = self.position

        source: str = self.source

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "itemId": item_id,
                "score": score,
                "position": position,
                "source": source,
            }
        )
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.recommendations_items_item_metadata import RecommendationsItemsItemMetadata  # noqa: PLC0415

        d = dict(src_dict)
        item_id = d.pop("itemId")

        def _parse_score(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        score = _parse_score(d.pop("score"))

        position = d.pop("position")

        source = check_recommendations_items_item_source(d.pop("source"))

        _metadata = d.pop("metadata", UNSET)
        metadata: RecommendationsItemsItemMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = RecommendationsItemsItemMetadata.from_dict(_metadata)

        recommendations_items_item = cls(
            item_id=item_id,
            score=score,
            position=position,
            source=source,
            metadata=metadata,
        )

        recommendations_items_item.additional_properties = d
        return recommendations_items_item

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
