"""Next-best-action: actions, their interactions, and recommendations of them."""

from __future__ import annotations

import random

import pytest

from tests.personalize.conftest import (
    BUCKET,
    INTERACTIONS,
    Shop,
    World,
    failure,
    interactions_csv,
    make_group,
    schema,
    trained,
)

USER = {"name": "USER_ID", "type": "string"}
ACTION = {"name": "ACTION_ID", "type": "string"}
ACTIONS = schema("Actions", ACTION, {"name": "VALUE", "type": ["null", "long"]})
ACTION_INTERACTIONS = schema(
    "ActionInteractions",
    USER,
    ACTION,
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
)


def action_interactions_csv() -> str:
    """Even users take "join", odd users take "install"."""
    chance, lines = random.Random(3), ["USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP"]
    for user in range(60):
        for step in range(12):
            action = ("join", "install")[step % 2]
            likes = (user + step) % 2 == 0
            kind = "Taken" if chance.random() < (0.8 if likes else 0.1) else "Not Taken"
            lines.append(f"u{user},{action},{kind},{1_700_000_000 + step * 3600 + user}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def engaged(world: World, role: str) -> Shop:
    sources = {
        "INTERACTIONS": (INTERACTIONS, interactions_csv()),
        "ACTIONS": (ACTIONS, "ACTION_ID,VALUE\njoin,3\ninstall,5\n"),
        "ACTION_INTERACTIONS": (ACTION_INTERACTIONS, action_interactions_csv()),
    }
    return make_group(world, role, "engaged", sources)


def test_users_get_the_actions_that_they_take(world: World, engaged: Shop) -> None:
    version = trained(world, engaged, "actions", "aws-next-best-action")
    api = world.personalize
    campaign = api.create_campaign(name="actions", solutionVersionArn=version)["campaignArn"]
    world.active("campaign", campaign)
    ask = world.runtime.get_action_recommendations
    even, odd = (ask(campaignArn=campaign, userId=user)["actionList"] for user in ("u4", "u5"))
    assert [one["actionId"] for one in even] == ["join", "install"]
    assert [one["actionId"] for one in odd] == ["install", "join"]
    assert all(0 <= one["score"] <= 1 for one in even + odd)
    dear = api.create_filter(
        name="dear",
        datasetGroupArn=engaged.group,
        filterExpression="INCLUDE ActionID WHERE Actions.VALUE > $V",
    )["filterArn"]
    world.active("filter", dear)
    found = ask(campaignArn=campaign, userId="u4", filterArn=dear, filterValues={"V": "4"})["actionList"]
    assert [one["actionId"] for one in found] == ["install"]
    refused = failure(world.runtime.get_recommendations, campaignArn=campaign, userId="u4")
    assert refused[0] == "InvalidInputException"
    assert failure(ask, campaignArn=campaign)[1] == "userId is required."


def test_actions_and_their_interactions_are_put_one_by_one(world: World, engaged: Shop) -> None:
    api = world.personalize
    dataset = api.describe_dataset(datasetArn=engaged.datasets["ACTION_INTERACTIONS"])["dataset"]
    tracker = api.create_event_tracker(name="t", datasetGroupArn=engaged.group)
    world.active("event_tracker", tracker["eventTrackerArn"])
    action = {
        "actionId": "join",
        "userId": "u4",
        "sessionId": "s",
        "timestamp": 1_700_200_000,
        "eventType": "Taken",
    }
    for tracking in (tracker["trackingId"], dataset["trackingId"]):
        world.events.put_action_interactions(trackingId=tracking, actionInteractions=[action])
    # Of two events of one id the first counts: a caller may send again what it doesn't know to be taken.
    for kind in ("Viewed", "Taken"):
        again = {**action, "eventId": "e", "actionId": "rate", "eventType": kind}
        world.events.put_action_interactions(trackingId=dataset["trackingId"], actionInteractions=[again])
    world.events.put_actions(
        datasetArn=engaged.datasets["ACTIONS"], actions=[{"actionId": "rate", "properties": '{"value": 9}'}]
    )
    rows = {}
    for kind in ("ACTIONS", "ACTION_INTERACTIONS"):
        job = api.create_dataset_export_job(
            jobName=f"put-{kind}",
            datasetArn=engaged.datasets[kind],
            roleArn=engaged.role,
            jobOutput={"s3DataDestination": {"path": f"s3://{BUCKET}/put/"}},
        )["datasetExportJobArn"]
        assert world.active("dataset_export_job", job)["ingestionMode"] == "PUT"
        rows[kind] = world.get(f"put/put-{kind}.csv").splitlines()[1:]
        listed = api.list_dataset_export_jobs(datasetArn=engaged.datasets[kind])["datasetExportJobs"]
        assert [one["datasetExportJobArn"] for one in listed] == [job]
    assert rows["ACTIONS"] == ["rate,9"] or rows["ACTIONS"] == ["rate,9.0"]
    assert rows["ACTION_INTERACTIONS"] == ["u4,join,Taken,1700200000", "u4,rate,Viewed,1700200000"]
    api.delete_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
    world.gone("event_tracker", tracker["eventTrackerArn"])


def test_action_interactions_put_now_change_what_is_offered_next(world: World, engaged: Shop) -> None:
    [campaign] = [
        one["campaignArn"]
        for one in world.personalize.list_campaigns()["campaigns"]
        if one["name"] == "actions"
    ]
    dataset = world.personalize.describe_dataset(datasetArn=engaged.datasets["ACTION_INTERACTIONS"])
    tracking = dataset["dataset"]["trackingId"]
    for first, second in (("join", "install"), ("install", "join")):
        user = f"fond-of-{first}"
        events = [
            {
                "actionId": action,
                "userId": user,
                "sessionId": user,
                "timestamp": 1_700_050_000 + 60 * number,
                "eventType": kind,
            }
            for number in range(5)
            for action, kind in ((first, "Taken"), (second, "Not Taken"))
        ]
        for event in events:
            world.events.put_action_interactions(trackingId=tracking, actionInteractions=[event])
        offered = world.runtime.get_action_recommendations(campaignArn=campaign, userId=user)["actionList"]
        assert [one["actionId"] for one in offered] == [first, second]
