"""What a destruction removes in Personalize: of every generation, and the groups that CloudFormation gave up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import avro
from config.settings import Settings
from operations import personalize
from operations.place import ENDPOINT, Place
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import ACCOUNT, REGION, running
from tests import example
from tests.changes import Content, changed, new_dataset_group


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    home: Path = tmp_path_factory.mktemp("personalize")
    with running(home, plugins="iam,personalize,s3,guard") as endpoint:
        yield endpoint


def elsewhere(content: Content) -> None:
    zones = [f"{REGION}{zone}" for zone in "abc"]
    content.update(
        account=ACCOUNT, region=REGION, network={**content["network"], "availability_zones": zones}
    )


def there(client: Any, kind: str, own: str) -> list[str]:
    found = getattr(client, f"list_{kind}")()
    return sorted(one[own] for members in found.values() if isinstance(members, list) for one in members)


def made(client: Any, settings: Settings, name: str) -> None:
    """A dataset group with interactions and a solution that nobody trained."""
    group = client.create_dataset_group(name=name)["datasetGroupArn"]
    deadline = time.monotonic() + 30
    while client.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]["status"] != "ACTIVE":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    text = avro.schemas(settings.datasets)["interactions"].created_avro
    schema = client.create_schema(name=f"{name}-interactions", schema=text)["schemaArn"]
    client.create_dataset(
        name=f"{name}-interactions", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
    )
    recipe = "arn:aws:personalize:::recipe/aws-popularity-count"
    client.create_solution(
        name=f"{name}-popular", datasetGroupArn=group, recipeArn=recipe, performAutoTraining=False
    )


def test_solutions_of_every_generation_go_and_the_earlier_groups_with_them(
    cloud: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, cloud.url)
    settings = changed(example.content(), elsewhere, new_dataset_group)
    place, client = Place(settings, cloud), cloud.client("personalize")
    first, second = *settings.names.earlier_dataset_groups, settings.names.dataset_group
    for name in (first, second, "another"):
        made(client, settings, name)
    personalize.remove_models(place)
    assert there(client, "solutions", "name") == ["another-popular"]
    personalize.remove_earlier_groups(place)
    assert there(client, "dataset_groups", "name") == sorted([second, "another"])
    assert there(client, "datasets", "name") == sorted([f"{second}-interactions", "another-interactions"])
    personalize.remove_earlier_groups(place)  # a destruction that is repeated
