"""The templates of an environment of a later generation whose datasets have gained fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.__main__ import synthesize
from checks.assembly import Assembly
from checks.catalogue import QUICK, check
from checks.finding import Finding
from checks.policies import roles
from checks.rules.workflows import states
from checks.simulation import visits, workflows
from config import avro
from tests import example
from tests.changes import add_field, changed, new_dataset_group, write
from tests.mutations.mutation import known, with_template

CHANGES = (add_field("users"), add_field("items", "SEASON"), new_dataset_group)


@pytest.fixture(scope="module")
def gained(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder: Path = tmp_path_factory.mktemp("config")
    (folder / "dev.yaml").write_text((example.folder() / "dev.yaml").read_text())
    write(folder / "dev.yaml", *CHANGES)
    return synthesize("dev", folder)


def new(assembly: Assembly) -> list[Finding]:
    """Findings that the example's own templates don't have."""
    return [finding for finding in check(assembly, QUICK) if finding not in known()]


def test_every_state_is_passed_and_only_the_earlier_generation_is_a_finding(gained: Assembly) -> None:
    """Which the deployment takes out of the template; docs/changing.md says to acknowledge it."""
    found = new(gained)
    assert {finding.rule for finding in found} == {"replacement"}
    assert len(found) == 7 and all("Personalize" in finding.why for finding in found)
    passed = {(visit.workflow.logical_id, visit.name) for visit in visits(gained)}
    written = {(w.logical_id, name) for w in workflows(gained) for name, _ in states(w.definition)}
    assert passed == written
    assert "UpdateDataset" in {name for _, name in written}


def test_the_role_may_make_these_schemas_and_no_others(gained: Assembly) -> None:
    settings = changed(example.content(), *CHANGES)
    arns = {
        settings.names.personalize_arn(f"schema/{schema.name(settings.names)}")
        for schema in avro.schemas(settings.datasets).values()
        if schema.added
    }
    [role] = [role for role in roles(gained) if role.key.startswith("Training/TrainRole")]
    assert len(arns) == 2 and all(role.allows("personalize:CreateSchema", arn) for arn in arns)
    assert not role.allows(
        "personalize:CreateSchema", settings.names.personalize_arn("schema/osusume-dev-other")
    )


def test_a_generation_has_a_group_datasets_and_schemas_of_its_own(gained: Assembly) -> None:
    [(_, _, group)] = gained.each("AWS::Personalize::DatasetGroup")
    assert group["Name"] == "osusume-dev-v2"
    names = {properties["Name"] for _, _, properties in gained.each("AWS::Personalize::Schema")}
    assert names == {"osusume-dev-interactions-v2", "osusume-dev-users-v2", "osusume-dev-items-v2"}


def edited(assembly: Assembly, edit: Callable[[dict[str, Any]], None]) -> Assembly:
    """The workflow that trains, with another item of `UpdateDatasets` for users."""
    template = json.loads(json.dumps(assembly.templates["Training"]))
    for resource in template["Resources"].values():
        text = json.dumps(resource.get("Properties", {}).get("DefinitionString", ""))
        if "UpdateDatasets" in text:
            _edit(resource["Properties"], edit)
    return with_template(assembly, "Training", template)


def _edit(properties: dict[str, Any], edit: Callable[[dict[str, Any]], None]) -> None:
    definition = json.loads(properties["DefinitionString"])
    update = definition["States"]["UpdateDatasets"]
    before, _, rest = update["Items"].partition("[{")
    listed, end = json.JSONDecoder().raw_decode("[{" + rest)
    schema = json.loads(listed[0]["schema"]["Schema"])
    edit(schema)
    listed[0]["schema"]["Schema"] = json.dumps(schema)
    update["Items"] = before + json.dumps(listed) + ("[{" + rest)[end:]
    properties["DefinitionString"] = json.dumps(definition)


def rename(schema: dict[str, Any]) -> None:
    schema["fields"][-1]["name"] = "OTHER"


def forbid_null(schema: dict[str, Any]) -> None:
    schema["fields"][-1]["type"] = "string"


def forget(schema: dict[str, Any]) -> None:
    del schema["version"]


@pytest.mark.parametrize(
    ("edit", "rule", "why"),
    [
        (rename, "personalize-columns", "the import fails"),
        (forbid_null, "personalize-schema", "UpdateDataset refuses the schema"),
        (forget, "personalize-schema", "version must be"),
    ],
)
def test_a_schema_that_the_workflow_would_be_refused_is_found(
    gained: Assembly, edit: Callable[[dict[str, Any]], None], rule: str, why: str
) -> None:
    [finding] = [finding for finding in new(edited(gained, edit)) if finding.rule == rule]
    assert why in finding.why
