"""What a destruction retains is in nobody's way: CloudFormation adopts it by its name, or its name is freed."""

from __future__ import annotations

from pathlib import Path

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from checks.rules.retention import fixed_name
from operations.destroy import KEPT, freed
from tests.stacks.conftest import Assembly


def adopted_by_name(kind: str, region: str, given: dict[str, object]) -> bool:
    """User guide, "Import AWS resources automatically": the primary identifier stands in the template."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind).schema
    return all(path.removeprefix("/properties/") in given for path in schema["primaryIdentifier"])


def test_a_retained_name_is_adopted_or_freed(tmp_path: Path) -> None:
    assembly = Assembly("prod", tmp_path)
    settings, found = assembly.settings, {}
    for place, resource in assembly.resources():
        name = fixed_name(resource["Type"], resource.get("Properties", {}))
        if "Retain" in resource.get("DeletionPolicy", "") and name and place.split("/")[0] not in KEPT:
            found[name] = (resource["Type"], resource["Properties"])
    adopted = {
        name
        for name, (kind, properties) in found.items()
        if adopted_by_name(kind, settings.region, properties)
    }
    assert set(found) - adopted <= set(freed(settings.names))
    assert {kind for kind, _ in found.values()} >= {
        "AWS::DynamoDB::Table",
        "AWS::Logs::LogGroup",
        "AWS::RedshiftServerless::Namespace",
        "AWS::SecretsManager::Secret",
    }
    assert adopted and set(found) - adopted, "both ways are looked at"


def test_the_readers_secret_goes_with_its_database(tmp_path: Path) -> None:
    assembly = Assembly("prod", tmp_path)
    name = assembly.settings.names.aurora_reader_secret
    (secret,) = [
        resource
        for _, resource in assembly.resources("AWS::SecretsManager::Secret")
        if resource["Properties"].get("Name") == name
    ]
    assert secret["DeletionPolicy"] == "Delete"
