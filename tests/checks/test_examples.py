"""The configurations in docs/examples: each synthesizes and has no finding; together they have every recipe."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml

from checks import acknowledged, nag
from checks.acknowledged import CDK_NAG, CHECKOV
from checks.assembly import Assembly
from checks.catalogue import FAMILIES, check
from checks.rules.workflows import states
from checks.simulation import visits, workflows
from checks.synthesized import synthesize
from config.recipes import RECIPES
from config.settings import Settings
from tests import example

FOLDER = example.CONFIG.parent / "docs" / "examples"
FILES = sorted(FOLDER.glob("*.yaml"))
# An environment that was never deployed, of which no baseline is kept.
ENVIRONMENT = "sample"
# Parts that an environment may do without: tests/stacks/test_parts.py looks at each by day.
NIGHTLY = ("database-only", "existing", "log-only", "small", "streaming", "without-warehouse")
# Each takes most of a minute; one such, with tokens and pages, stays by day (browsers).
NIGHTLY += ("items-and-segments", "people")
EACH = pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, marks=[pytest.mark.nightly] * (file.stem in NIGHTLY), id=file.stem)
        for file in FILES
    ],
)


def content(file: Path) -> example.Content:
    return example.content(**yaml.safe_load(file.read_text()), environment=ENVIRONMENT)


def with_dashboards() -> example.Content:
    """QuickSight's need a subscription, so no environment that is shipped and no example has them."""
    owner = "arn:aws:quicksight:ap-northeast-1:111111111111:user/default/owner"
    quicksight = {"enabled": True, "principal_arn": owner, "viewer_arns": [f"{owner}-of-none"]}
    return example.content(environment=ENVIRONMENT, analytics={"quicksight": quicksight})


@cache
def assembly(file: Path, folder: Path) -> Assembly:
    (folder / f"{ENVIRONMENT}.yaml").write_text(yaml.safe_dump(content(file), sort_keys=False))
    return synthesize(ENVIRONMENT, folder)


@EACH
def test_an_example_has_no_finding_and_no_state_that_nothing_reaches(file: Path, tmp_path: Path) -> None:
    made = assembly(file, tmp_path)
    known = acknowledged.read().without(CDK_NAG, CHECKOV)
    assert [str(finding) for finding in known.left(check(made, FAMILIES), everything=False)] == []
    passed = {(visit.workflow.logical_id, visit.name) for visit in visits(made)}
    written = {(w.logical_id, name) for w in workflows(made) for name, _ in states(w.definition)}
    assert passed == written


@pytest.mark.nightly
@pytest.mark.parametrize("delivery", ["appconfig", "deployment"])
def test_an_experiment_has_no_finding(delivery: str, tmp_path: Path) -> None:
    """No example has one, since its days pass; both ways of delivering it are a configuration's to choose."""
    changed = example.content(
        environment=ENVIRONMENT, experiments={**example.experiments(), "delivery": delivery}
    )
    (tmp_path / f"{ENVIRONMENT}.yaml").write_text(yaml.safe_dump(changed, sort_keys=False))
    made = synthesize(ENVIRONMENT, tmp_path)
    known = acknowledged.read().without(CDK_NAG, CHECKOV)
    assert [str(finding) for finding in known.left(check(made, FAMILIES), everything=False)] == []


@pytest.mark.nightly
def test_dashboards_of_quicksight_have_no_finding(tmp_path: Path) -> None:
    (tmp_path / f"{ENVIRONMENT}.yaml").write_text(yaml.safe_dump(with_dashboards(), sort_keys=False))
    made, known = synthesize(ENVIRONMENT, tmp_path), acknowledged.read()
    assert "Dashboards" in made.templates
    found = [*known.without(CDK_NAG, CHECKOV).left(check(made, FAMILIES), everything=False),
             *known.of(CDK_NAG).left(nag.check(ENVIRONMENT, tmp_path), everything=False)]  # fmt: skip
    assert [str(one) for one in found] == []


@pytest.mark.nightly
def test_what_pages_and_tokens_add_is_known_to_cdk_nag(tmp_path: Path) -> None:
    """`make check` asks it too. Methods that nobody signs are there alone."""
    made = content(FOLDER / "browsers.yaml")
    (tmp_path / f"{ENVIRONMENT}.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    found = nag.check(ENVIRONMENT, tmp_path)
    assert len(found) > 50, "it looked"
    assert [str(one) for one in acknowledged.read().of(CDK_NAG).left(found, everything=False)] == []


def test_together_the_examples_have_every_recipe() -> None:
    used = {one.recipe for file in FILES for one in Settings.model_validate(content(file)).solutions}
    assert used == set(RECIPES)
