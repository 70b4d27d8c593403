"""A deployment that no dataset can follow is refused before the CDK's command line is called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from config.settings import Settings
from operations import adopt, deploy, experiments, first
from operations.place import Place, Refused
from tests import example
from tests.changes import Change, add_field, changed, new_dataset_group
from tests.checks.test_preflight import deployed

CONTEXT = {"name": "QUANTITY", "column": "quantity", "type": "int", "nullable": True}


def context(content: dict[str, Any]) -> None:
    content["datasets"]["interactions"]["fields"] = [CONTEXT]


def _named(done: list[str], name: str) -> list[str]:
    done.append(name)
    return []


def ran(client: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the deployment called, in order."""
    done: list[str] = []
    monkeypatch.setattr(first, "parts", lambda place: _named(done, "first"))
    monkeypatch.setattr(adopt, "adopt_warehouse", lambda place: done.append("adopt"))
    monkeypatch.setattr(experiments, "redeliver", lambda place: None)
    place = Place(settings, Mock(client=lambda service: {"personalize": client}[service]))
    try:
        deploy.deploy(place, approval="never", run=lambda words: done.append(words[0]))
    except Refused:
        assert done == []
        raise
    return done


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            context,
            "datasets.interactions: field QUANTITY came after the dataset was created, and only users and items",
        ),
        (add_field("users", added=False), "datasets.users: field SEGMENT came after the dataset was created"),
    ],
)
def test_fields_that_no_dataset_can_take_are_refused_before_anything_is_called(
    monkeypatch: pytest.MonkeyPatch, change: Change, says: str
) -> None:
    with pytest.raises(Refused) as refused:
        ran(deployed(example.settings()), changed(example.content(), change), monkeypatch)
    text = str(refused.value)
    assert text.startswith(says) and "raise datasets.schema_version" in text
    assert text.endswith("Nothing was changed")


@pytest.mark.parametrize("changes", [[], [add_field("users")], [context, new_dataset_group]])
def test_fields_that_the_next_run_or_a_new_group_takes_are_deployed(
    monkeypatch: pytest.MonkeyPatch, changes: list[Change]
) -> None:
    settings = changed(example.content(), *changes)
    assert ran(deployed(example.settings()), settings, monkeypatch) == ["first", "deploy", "adopt"]


def test_who_may_not_ask_is_told_which_rights_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeDataset")

    with pytest.raises(Refused, match="who deploys needs personalize:DescribeDataset"):
        ran(SimpleNamespace(describe_dataset=denied), example.settings(), monkeypatch)
