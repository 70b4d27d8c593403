from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.segment_members_item import SegmentMembersItem


T = TypeVar("T", bound="Segment")


@_attrs_define
class Segment:
    """
    Attributes:
        segment (str):
        solution (str):
        version (str): The run that made it
        members (list[SegmentMembersItem]):
        next_cursor (None | str): Send it as `cursor`; null at the end
    """

    segment: str
    solution: str
    version: str
    members: list[SegmentMembersItem]
    next_cursor: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.segment_members_item import SegmentMembersItem  # noqa: PLC0415

        segment = self.segment

        solution = self.solution

        version = self.version

        members = []
        for members_item_data in self.members:
            members_item = members_item_data.to_dict()
            members.append(members_item)

        next_cursor: None | str
        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "segment": segment,
                "solution": solution,
                "version": version,
                "members": members,
                "nextCursor": next_cursor,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.segment_members_item import SegmentMembersItem  # noqa: PLC0415

        d = dict(src_dict)
        segment = d.pop("segment")

        solution = d.pop("solution")

        version = d.pop("version")

        members = []
        _members = d.pop("members")
        for members_item_data in _members:
            members_item = SegmentMembersItem.from_dict(members_item_data)

            members.append(members_item)

        def _parse_next_cursor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_cursor = _parse_next_cursor(d.pop("nextCursor"))

        segment = cls(
            segment=segment,
            solution=solution,
            version=version,
            members=members,
            next_cursor=next_cursor,
        )

        segment.additional_properties = d
        return segment

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
