"""The analysis of experiments after the marts are built, and who is told of a decision, the first time that it is made.

The event on EventBridge's default bus is for machines: whatever stops a variant listens to `stops`. The mail is for
people. What was told is noted last, so that a decision is told once more rather than never.
"""

from __future__ import annotations

from config import layout
from config.experiments import designs
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata

FUNCTION = "analyse_experiments"
DETAIL_TYPE = "Experiment decided"
_ITEM = "$states.result.Item"


def is_analysed(settings: Settings) -> bool:
    return bool(designs(settings.experiments))


def states(settings: Settings, *, output: str) -> States:
    """States from `AnalyseExperiments`, which needs the variable `runs`, to the end; `output` is an expression."""
    return {
        "AnalyseExperiments": asl.invoke(
            settings.names.function_arn(FUNCTION),
            {"run_id": jsonata("$runs[-1]")},
            Assign={"decisions": jsonata("$states.result.Payload.decisions")},
            Next="TellDecisions",
        ),
        "TellDecisions": asl.inline_map(
            jsonata("$decisions"),
            _telling(settings),
            start="Decision",
            MaxConcurrency=1,
            Output=jsonata(output),
            End=True,
        ),
    }


def _telling(settings: Settings) -> States:
    return {
        "Decision": {
            "Type": "Pass",
            "Assign": {"decided": jsonata("$states.input")},
            "Next": "KnownDecision",
        },
        "KnownDecision": asl.task(
            asl.GET_ITEM,
            {"TableName": settings.names.control_table, "Key": _key(), "ConsistentRead": True},
            Output=jsonata(f"{{'known': $exists({_ITEM}) ? {_ITEM}.decision.S : 'none'}}"),
            Next="IsNew",
        ),
        "IsNew": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata("$states.input.known = $decided.decision"),
                    "Next": "ToldBefore",
                }
            ],
            "Default": "AnnounceDecision",
        },
        "ToldBefore": {"Type": "Succeed"},
        "AnnounceDecision": _announce(settings, Next="MailDecision"),
        "MailDecision": _mail(settings, Next="NoteDecision"),
        "NoteDecision": asl.task(
            asl.PUT_ITEM,
            {
                "TableName": settings.names.control_table,
                "Item": {**_key(), "decision": {"S": jsonata("$decided.decision")}},
            },
            Next="Told",
        ),
        "Told": {"Type": "Succeed"},
    }


def _key() -> dict[str, object]:
    names = {name: f"$decided.{name}" for name in ("experiment", "version", "variant")}
    return {layout.PK: {"S": jsonata(asl.joined(layout.DECISION, **names))}}


def _announce(settings: Settings, *, Next: str) -> State:
    detail = {
        name: jsonata(f"$decided.{name}")
        for name in ("experiment", "version", "variant", "decision", "stops", "words_en", "words_ja")
    }
    entry = {
        "Source": settings.names.prefix,
        "DetailType": DETAIL_TYPE,
        "Detail": {**detail, "run_id": jsonata("$runs[-1]")},
    }
    return asl.task(asl.PUT_EVENTS, {"Entries": [entry]}, Next=Next)


def _mail(settings: Settings, *, Next: str) -> State:
    opening = asl.literal(f"{settings.names.prefix}: ")
    subject = (
        f"$substring({opening} & $decided.experiment & ': ' & $decided.decision, 0, {asl.SUBJECT_CHARACTERS})"
    )
    lines = (
        f"{opening} & $decided.experiment & ', version ' & $decided.version & ', variant ' & $decided.variant",
        "$decided.words_en",
        "$decided.words_ja",
        f"{asl.literal(f'All figures: make experiment ENV={settings.environment} ON=aws NAME=')} & $decided.experiment",
    )
    message = f"$join([{', '.join(lines)}], '\\n')"
    return asl.task(
        asl.NOTIFY,
        {
            "TopicArn": settings.names.topic_arn,
            "Subject": jsonata(subject),
            "Message": jsonata(message),
        },
        Next=Next,
    )


def statements(settings: Settings, *, key_arn: str) -> list[Statement]:
    if not is_analysed(settings):
        return []
    names = settings.names
    bus = f"arn:aws:events:{settings.region}:{settings.account}:event-bus/default"
    return [
        allow("lambda:InvokeFunction", names.function_arn(FUNCTION)),
        allow(["dynamodb:GetItem", "dynamodb:PutItem"], names.table_arn(names.control_table)),
        allow("events:PutEvents", bus),
        allow("sns:Publish", names.topic_arn),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], key_arn),
    ]
