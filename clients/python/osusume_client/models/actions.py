from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.actions_actions_item import ActionsActionsItem


T = TypeVar("T", bound="Actions")


@_attrs_define
class Actions:
    """
    Attributes:
        recommendation_id (str): Events of this answer name it
        actions (list[ActionsActionsItem]):
        solution (str):
        version (None | str): Of the solution; null where none was asked
        degraded (bool): The campaign didn't answer: propose nothing
    """

    recommendation_id: str
    actions: list[ActionsActionsItem]
    solution: str
    version: None | str
    degraded: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.actions_actions_item import ActionsActionsItem  # noqa: PLC0415

        recommendation_id = self.recommendation_id

        actions = []
        for actions_item_data in self.actions:
            actions_item = actions_item_data.to_dict()
            actions.append(actions_item)

        solution = self.solution

        version: None | str
        version = self.version

        degraded = self.degraded

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "recommendationId": recommendation_id,
                "actions": actions,
                "solution": solution,
                "version": version,
                "degraded": degraded,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.actions_actions_item import ActionsActionsItem  # noqa: PLC0415

        d = dict(src_dict)
        recommendation_id = d.pop("recommendationId")

        actions = []
        _actions = d.pop("actions")
        for actions_item_data in _actions:
            actions_item = ActionsActionsItem.from_dict(actions_item_data)

            actions.append(actions_item)

        solution = d.pop("solution")

        def _parse_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        version = _parse_version(d.pop("version"))

        degraded = d.pop("degraded")

        actions = cls(
            recommendation_id=recommendation_id,
            actions=actions,
            solution=solution,
            version=version,
            degraded=degraded,
        )

        actions.additional_properties = d
        return actions

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
