"""Environments without a part: what is not made, and that nothing is left of it in what is."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import pytest
import yaml

from config.settings import Settings
from operations import first
from operations.place import Place
from tests import example
from tests.stacks.conftest import ROOT, Assembly

Made = Callable[[str], Assembly]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An example of docs/examples, or two over each other, synthesized once."""

    @cache
    def make(names: str) -> Assembly:
        content = example.content()
        for name in names.split("+"):
            file = ROOT / "docs" / "examples" / f"{name}.yaml"
            content = example.files.merged(content, yaml.safe_load(file.read_text()))
        return Assembly("dev", tmp_path_factory.mktemp("part"), Settings.model_validate(content))

    return make


WITHOUT = {
    "log-only": (set(), ("extract-aurora", "grant-reader", "AWS::RDS::", "/aurora", "AWS::Glue::Connection")),
    "database-only": (set(), ("application-log", "record-events", "ExportTable")),
    "without-warehouse": ({"analytics"}, ("redshift", "Redshift", "run-dbt", "load-warehouse", "dev-load")),
    "log-only+without-warehouse": ({"analytics", "network"}, ("AWS::EC2::", "dev-load", "extract-aurora")),
}


@pytest.mark.parametrize("names", WITHOUT)
def test_what_an_environment_does_without_is_in_no_template(names: str, made: Made) -> None:
    absent, traces = WITHOUT[names]
    assembly = made(names)
    assert {"storage", "pipeline", "serving"} <= set(assembly.templates)
    assert not absent & set(assembly.templates)
    text = json.dumps(assembly.templates)
    assert [trace for trace in traces if trace in text] == []


@pytest.mark.parametrize("names", WITHOUT)
def test_a_first_deployment_waits_for_the_stacks_that_there_are(
    names: str, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    assembly = made(names)
    place = Place(settings=assembly.settings.model_copy(update={"removal": "retain"}))
    monkeypatch.setattr(first.stacks, "deployed", lambda place: [])
    assert first.parts(place) == sorted(assembly.templates)


def test_a_run_without_a_warehouse_ends_with_its_record(made: Made) -> None:
    states = made("without-warehouse").definition("pipeline")["States"]
    assert not {"AddPending", "RunLoad", "ExplainUnloaded", "NotifyUnloaded"} & set(states)
    assert states["NoteServing"]["Next"] == states["Served"]["Next"] == "RecordRun"
    assert states["WatchLateness"]["Next"] == "ReleaseLock"


@pytest.mark.parametrize(
    ("names", "branches"),
    [
        ("log-only", ["ExportKind"]),
        ("database-only", ["GrantReader"]),
        ("without-warehouse", ["GrantReader", "ExportKind"]),
    ],
)
def test_a_run_reads_the_sources_that_there_are(names: str, branches: list[str], made: Made) -> None:
    extract = made(names).definition("prepare")["States"]["Extract"]
    assert [branch["StartAt"] for branch in extract["Branches"]] == branches


@pytest.mark.parametrize(("names", "place"), [("log-only", "application log"), ("database-only", "lists")])
def test_a_forgetting_begins_where_something_is(names: str, place: str, made: Made) -> None:
    states = made(names).definition("forget")["States"]
    assert states["StartRemoving"]["Assign"]["position"]["place"] == place
