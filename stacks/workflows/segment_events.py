"""The event that says that segments are ready, for a campaign tool: EventBridge's default bus, one entry each."""

from __future__ import annotations

from config import layout
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata
from stacks.workflows.batches import SEGMENTS, of_kind

DETAIL_TYPE = "Segments ready"


def states(settings: Settings, *, next_state: str) -> States:
    """`AnnounceSegments`, where segments are configured; variable: `run_id`. The segments serve by then."""
    if not of_kind(settings, SEGMENTS):
        return {}
    return {"AnnounceSegments": _announce(settings, Next=next_state)}


def _announce(settings: Settings, *, Next: str) -> State:
    entries = [_entry(settings, solution.name) for solution in of_kind(settings, SEGMENTS)]
    return asl.task(asl.PUT_EVENTS, {"Entries": entries}, Next=Next)


def _entry(settings: Settings, solution: str) -> dict[str, object]:
    folder = asl.joined(layout.SEGMENTS, run_id="$run_id", solution=asl.literal(solution))
    return {
        "Source": settings.names.prefix,
        "DetailType": DETAIL_TYPE,
        "Detail": {
            "solution": solution,
            "run_id": jsonata("$run_id"),
            "bucket": settings.names.results_bucket,
            "prefix": jsonata(folder),
        },
    }


def statements(settings: Settings) -> list[Statement]:
    if not of_kind(settings, SEGMENTS):
        return []
    bus = f"arn:aws:events:{settings.region}:{settings.account}:event-bus/default"
    return [allow("events:PutEvents", bus)]
