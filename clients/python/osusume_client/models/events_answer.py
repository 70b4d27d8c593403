from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.events_answer_rejected_item import EventsAnswerRejectedItem


T = TypeVar("T", bound="EventsAnswer")


@_attrs_define
class EventsAnswer:
    """
    Attributes:
        accepted (int): Kept, now or before
        duplicates (int): Of them, kept before
        rejected (list[EventsAnswerRejectedItem]):
    """

    accepted: int
    duplicates: int
    rejected: list[EventsAnswerRejectedItem]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.events_answer_rejected_item import EventsAnswerRejectedItem  # noqa: PLC0415

        accepted = self.accepted

        duplicates = self.duplicates

        rejected = []
        for rejected_item_data in self.rejected:
            rejected_item = rejected_item_data.to_dict()
            rejected.append(rejected_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "accepted": accepted,
                "duplicates": duplicates,
                "rejected": rejected,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.events_answer_rejected_item import EventsAnswerRejectedItem  # noqa: PLC0415

        d = dict(src_dict)
        accepted = d.pop("accepted")

        duplicates = d.pop("duplicates")

        rejected = []
        _rejected = d.pop("rejected")
        for rejected_item_data in _rejected:
            rejected_item = EventsAnswerRejectedItem.from_dict(rejected_item_data)

            rejected.append(rejected_item)

        events_answer = cls(
            accepted=accepted,
            duplicates=duplicates,
            rejected=rejected,
        )

        events_answer.additional_properties = d
        return events_answer

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
