"""A deployed environment that has run gains a field, other weights and another solution; then asks for too much."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from config.settings import Settings, load
from local import cli
from local.demo import loader
from local.demo.generated import generate
from local.demo.progress import RunFailed
from stacks.synthesis import synthesize
from stacks.workflows import solutions
from tests import example
from tests.changes import Change, add_field, change_solution, set_weight, write
from tests.e2e.line import Line, deployed

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]
DISCOUNT = {"popularity_discount_factor": "0.4"}


class Changing:
    """One environment, whose configuration is in `folder`."""

    def __init__(self, home: Path, line: Line, folder: Path) -> None:
        self.home, self.line, self.folder = home, line, folder

    def deploy(self, *changes: Change) -> Settings:
        write(self.folder / "dev.yaml", *changes)
        return self.deploy_as_it_is()

    def deploy_as_it_is(self) -> Settings:
        out = self.home / "changed"
        synthesize(environment="dev", folder=out, configuration=self.folder)
        assert cli.run_deploy(argparse.Namespace(cdk_out=out)) == 0
        self.line.settings = load("dev", self.folder)
        return self.line.settings

    def output(self) -> dict[str, Any]:
        """Of a run of the pipeline."""
        run = self.line.follow(self.line.fire())
        return dict(json.loads(run.execution.description["output"]))


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changing]:
    home = tmp_path_factory.mktemp("changing")
    folder = home / "config"
    shutil.copytree(example.folder(), folder)
    environment = {
        "OSUSUME_CONFIG": str(folder),
        "OSUSUME_HOME": str(home),
        "OSUSUME_PORT": "0",
        "OSUSUME_WAIT_SCALE": "0.01",
        "OSUSUME_VALIDATE_RESPONSES": "1",
        "OSUSUME_DIE_WITH_PARENT": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        shop = generate(now=pd.Timestamp.now("UTC") - pd.Timedelta(hours=1))
        out = home / "cdk.out"
        synthesize(environment="dev", folder=out)
        try:
            line = deployed(home=home, cdk_out=out, settings=load("dev", folder), shop=shop)
            yield Changing(home, line, folder)
        finally:
            cli.run_down(argparse.Namespace())


def test_documented_changes_reach_the_next_run_and_others_are_refused_before_it(changing: Changing) -> None:
    line = changing.line
    before = line.settings
    assert changing.output()["unused_solutions"] == []
    _add_the_column(line)
    after = changing.deploy(
        add_field("users"), set_weight("click", 0.7), change_solution("related", hyperparameters=DISCOUNT)
    )
    output = changing.output()
    _field_is_everywhere(line, after)
    _solutions_are_the_configured_ones(line, after, output["versions"])
    assert set(output["unused_solutions"]) == {
        solutions.name(before, one) for one in before.solutions if one.name in ("personal", "related")
    }
    _what_no_dataset_takes_is_refused(changing)


def _add_the_column(line: Line) -> None:
    with (
        closing(loader.connect(line.client, secret=line.settings.aurora_secret)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("alter table users add column segment text")
        cursor.execute("update users set segment = case when length(user_id) > 2 then 'new' else 'old' end")
        connection.commit()


def _field_is_everywhere(line: Line, settings: Settings) -> None:
    personalize = line.client("personalize")
    dataset = personalize.describe_dataset(datasetArn=settings.names.dataset_arn("users"))["dataset"]
    schema = personalize.describe_schema(schemaArn=dataset["schemaArn"])["schema"]["schema"]
    assert "SEGMENT" in [field["name"] for field in json.loads(schema)["fields"]]
    rows = line.warehouse("select segment, count(*) from marts.dim_users group by segment order by 1")
    assert {str(segment) for segment, _ in rows} <= {"new", "old"} and len(rows) >= 1


def _solutions_are_the_configured_ones(line: Line, settings: Settings, versions: dict[str, str]) -> None:
    personalize = line.client("personalize")
    configs = {
        name: personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"][
            "solutionConfig"
        ]
        for name, arn in versions.items()
    }
    events = configs["personal"]["eventsConfig"]["eventParametersList"]
    assert {row["eventType"]: row["weight"] for row in events}["click"] == 0.7
    assert configs["related"]["algorithmHyperParameters"] == DISCOUNT
    assert {arn.split("/")[1] for arn in versions.values()} == {
        solutions.name(settings, one) for one in settings.solutions
    }


def _what_no_dataset_takes_is_refused(changing: Changing) -> None:
    """The field, taken out of the configuration again."""
    file = changing.folder / "dev.yaml"
    shutil.copy(example.folder() / "dev.yaml", file)
    changing.deploy_as_it_is()
    with pytest.raises(RunFailed) as failed:
        changing.output()
    assert "field SEGMENT is gone" in str(failed.value)
    assert "raise datasets.schema_version" in str(failed.value)
