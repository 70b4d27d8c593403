"""Contains all the data models used in inputs/outputs"""

from .actions import Actions
from .actions_actions_item import ActionsActionsItem
from .deletion import Deletion
from .deletion_state import DeletionState
from .events import Events
from .events_answer import EventsAnswer
from .events_answer_rejected_item import EventsAnswerRejectedItem
from .events_events_item import EventsEventsItem
from .events_events_item_type import EventsEventsItemType
from .health import Health
from .health_status import HealthStatus
from .health_versions import HealthVersions
from .items_to_rank import ItemsToRank
from .problem import Problem
from .recommendations import Recommendations
from .recommendations_items_item import RecommendationsItemsItem
from .recommendations_items_item_metadata import RecommendationsItemsItemMetadata
from .recommendations_items_item_source import RecommendationsItemsItemSource
from .recommendations_rules_item import RecommendationsRulesItem
from .recommendations_rules_item_moved_item import RecommendationsRulesItemMovedItem
from .recommendations_rules_item_removed_item import RecommendationsRulesItemRemovedItem
from .recommendations_source import RecommendationsSource
from .recommendations_user_state_type_1 import RecommendationsUserStateType1
from .segment import Segment
from .segment_members_item import SegmentMembersItem

__all__ = (
    "Actions",
    "ActionsActionsItem",
    "Deletion",
    "DeletionState",
    "Events",
    "EventsAnswer",
    "EventsAnswerRejectedItem",
    "EventsEventsItem",
    "EventsEventsItemType",
    "Health",
    "HealthStatus",
    "HealthVersions",
    "ItemsToRank",
    "Problem",
    "Recommendations",
    "RecommendationsItemsItem",
    "RecommendationsItemsItemMetadata",
    "RecommendationsItemsItemSource",
    "RecommendationsRulesItem",
    "RecommendationsRulesItemMovedItem",
    "RecommendationsRulesItemRemovedItem",
    "RecommendationsSource",
    "RecommendationsUserStateType1",
    "Segment",
    "SegmentMembersItem",
)
