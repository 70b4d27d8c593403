from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.deletion_state import check_deletion_state
from ..models.deletion_state import DeletionState
from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="Deletion")


@_attrs_define
class Deletion:
    """
    Attributes:
        deletion_id (str):
        state (DeletionState): Ask again for one that failed: it goes on
        requested_at (datetime.datetime):
        finished_at (datetime.datetime | Unset):
        report (str | Unset): Where the report of what was removed lies
    """

    deletion_id: str
    state: DeletionState
    requested_at: datetime.datetime
    finished_at: datetime.datetime | Unset = UNSET
    report: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        deletion_id = self.deletion_id

        state: str = self.state

        requested_at = self.requested_at.isoformat()

        finished_at: str | Unset = UNSET
        if not isinstance(self.finished_at, Unset):
            finished_at = self.finished_at.isoformat()

        report = self.report

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "deletionId": deletion_id,
                "state": state,
                "requestedAt": requested_at,
            }
        )
        if finished_at is not UNSET:
            field_dict["finishedAt"] = finished_at
        if report is not UNSET:
            field_dict["report"] = report

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        deletion_id = d.pop("deletionId")

        state = check_deletion_state(d.pop("state"))

        requested_at = datetime.datetime.fromisoformat(d.pop("requestedAt"))

        _finished_at = d.pop("finishedAt", UNSET)
        finished_at: datetime.datetime | Unset
        if isinstance(_finished_at, Unset):
            finished_at = UNSET
        else:
            finished_at = datetime.datetime.fromisoformat(_finished_at)

        report = d.pop("report", UNSET)

        deletion = cls(
            deletion_id=deletion_id,
            state=state,
            requested_at=requested_at,
            finished_at=finished_at,
            report=report,
        )

        deletion.additional_properties = d
        return deletion

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
