from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.events_events_item_type import check_events_events_item_type
from ..models.events_events_item_type import EventsEventsItemType
from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="EventsEventsItem")


@_attrs_define
class EventsEventsItem:
    """
    Attributes:
        event_id (str): Yours; the same of the same user twice is one event
        type_ (EventsEventsItemType):
        occurred_at (datetime.datetime): With its offset
        user_id (str | Unset):
        anonymous_id (str | Unset): In place of userId
        item_id (str | Unset):
        item_ids (list[str] | Unset):
        session_id (str | Unset):
        recommendation_id (str | Unset):
        placement (str | Unset): Where it was shown or clicked; of an impression, so that experiments count it
        position (int | Unset): `position` of the item in the answer; of itemIds that of the first
        value (float | Unset): A price, or the share that was watched
    """

    event_id: str
    type_: EventsEventsItemType
    occurred_at: datetime.datetime
    user_id: str | Unset = UNSET
    anonymous_id: str | Unset = UNSET
    item_id: str | Unset = UNSET
    item_ids: list[str] | Unset = UNSET
    session_id: str | Unset = UNSET
    recommendation_id: str | Unset = UNSET
    placement: str | Unset = UNSET
    position: int | Unset = UNSET
    value: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        event_id = self.event_id

        type_: str = self.type_

        occurred_at = self.occurred_at.isoformat()

        user_id = self.user_id

        anonymous_id = self.anonymous_id

        item_id = self.item_id

        item_ids: list[str] | Unset = UNSET
        if not isinstance(self.item_ids, Unset):
            item_ids = self.item_ids

        session_id = self.session_id

        recommendation_id = self.recommendation_id

        placement = self.placement

        position = self.position

        value = self.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "eventId": event_id,
                "type": type_,
                "occurredAt": occurred_at,
            }
        )
        if user_id is not UNSET:
            field_dict["userId"] = user_id
        if anonymous_id is not UNSET:
            field_dict["anonymousId"] = anonymous_id
        if item_id is not UNSET:
            field_dict["itemId"] = item_id
        if item_ids is not UNSET:
            field_dict["itemIds"] = item_ids
        if session_id is not UNSET:
            field_dict["sessionId"] = session_id
        if recommendation_id is not UNSET:
            field_dict["recommendationId"] = recommendation_id
        if placement is not UNSET:
            field_dict["placement"] = placement
        if position is not UNSET:
            field_dict["position"] = position
        if value is not UNSET:
            field_dict["value"] = value

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        event_id = d.pop("eventId")

        type_ = check_events_events_item_type(d.pop("type"))

        occurred_at = datetime.datetime.fromisoformat(d.pop("occurredAt"))

        user_id = d.pop("userId", UNSET)

        anonymous_id = d.pop("anonymousId", UNSET)

        item_id = d.pop("itemId", UNSET)

        item_ids = cast(list[str], d.pop("itemIds", UNSET))

        session_id = d.pop("sessionId", UNSET)

        recommendation_id = d.pop("recommendationId", UNSET)

        placement = d.pop("placement", UNSET)

        position = d.pop("position", UNSET)

        value = d.pop("value", UNSET)

        events_events_item = cls(
            event_id=event_id,
            type_=type_,
            occurred_at=occurred_at,
            user_id=user_id,
            anonymous_id=anonymous_id,
            item_id=item_id,
            item_ids=item_ids,
            session_id=session_id,
            recommendation_id=recommendation_id,
            placement=placement,
            position=position,
            value=value,
        )

        return events_events_item
