"""The variations of the example have no finding; nor has any environment of config/, of which no more is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from checks import acknowledged, nag
from checks.acknowledged import CDK_NAG, CHECKOV
from checks.assembly import Assembly
from checks.catalogue import FAMILIES, check
from checks.rules.workflows import states
from checks.simulation import visits, workflows
from config import files
from tests import example
from tests.checks.test_examples import ENVIRONMENT, FOLDER, content, with_dashboards


def test_the_examples_templates_have_no_finding_that_is_not_acknowledged(assembly: Assembly) -> None:
    known = acknowledged.read().without(CDK_NAG, CHECKOV)
    assert [str(finding) for finding in known.left(check(assembly, FAMILIES))] == []


def test_no_environment_of_config_has_a_finding_that_is_not_acknowledged(of_config: Assembly) -> None:
    known = acknowledged.read().without(CDK_NAG, CHECKOV)
    assert [str(finding) for finding in known.left(check(of_config, FAMILIES), everything=False)] == []


def test_the_simulation_passes_every_state_of_every_workflow(assembly: Assembly) -> None:
    passed = {(visit.workflow.logical_id, visit.name) for visit in visits(assembly)}
    written = {(w.logical_id, name) for w in workflows(assembly) for name, _ in states(w.definition)}
    assert passed == written
    assert len(written) > 80


@pytest.mark.slow
@pytest.mark.parametrize("environment", files.environments(example.CONFIG))
def test_cdk_nag_finds_nothing_that_is_not_acknowledged(environment: str) -> None:
    known = acknowledged.read().of(CDK_NAG)
    found = nag.check(environment, example.CONFIG)
    assert [str(finding) for finding in known.left(found, everything=False)] == []


@pytest.mark.nightly
@pytest.mark.slow
def test_every_acknowledgement_of_cdk_nag_is_needed(tmp_path: Path) -> None:
    """RDS10 only in dev: prod protects its database. Dashboards, pages and tokens, builds are in neither."""
    violations = [one for name in example.VARIATIONS for one in nag.check(name, example.folder())]
    examples = (content(FOLDER / f"{name}.yaml") for name in ("browsers", "items-and-segments"))
    for number, more in enumerate((with_dashboards(), *examples)):
        (folder := tmp_path / str(number)).mkdir()
        (folder / f"{ENVIRONMENT}.yaml").write_text(yaml.safe_dump(more, sort_keys=False))
        violations += nag.check(ENVIRONMENT, folder)
    assert len(violations) > 100
    assert acknowledged.read().of(CDK_NAG).unneeded(violations) == []


def test_a_violation_that_nothing_acknowledges_is_a_finding() -> None:
    violation = nag.finding(nag.Violation("Storage/Raw/Resource", "AwsSolutions-S2"))
    [finding] = acknowledged.read().of(CDK_NAG).left([violation], everything=False)
    assert (finding.stack, finding.rule) == ("Storage", "cdk-nag-AwsSolutions-S2")


def test_a_pack_that_did_not_report_is_no_success() -> None:
    report = {"pluginReports": [{"pluginName": "AwsSolutions", "violations": []}]}
    with pytest.raises(RuntimeError, match=r"reported \['AwsSolutions'\], not AwsSolutions, Serverless"):
        list(nag._violations(report))
