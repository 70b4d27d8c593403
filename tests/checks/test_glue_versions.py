"""etl.glue_version 6.0: what it deploys has no finding, and what 6.0 needs is asked for."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks import acknowledged
from checks.acknowledged import CDK_NAG, CHECKOV
from checks.assembly import Assembly
from checks.catalogue import FAMILIES, check
from checks.rules import code, values
from checks.synthesized import synthesize
from tests import example
from tests.checks.test_rules import properties
from tests.mutations.mutation import shipped, with_template

STACKS = ("Preparation", "Publishing")


def on_glue_6(**arguments: Any) -> Assembly:
    """The shipped templates, their jobs on 6.0 with other arguments."""
    made = shipped()
    for stack in STACKS:
        template = copy.deepcopy(made.templates[stack])
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Glue::Job":
                resource["Properties"]["GlueVersion"] = "6.0"
                resource["Properties"]["DefaultArguments"] |= arguments
        made = with_template(made, stack, template)
    return made


def test_jobs_of_glue_6_with_what_5_1_was_given_have_no_finding() -> None:
    made = on_glue_6()
    assert [str(finding) for finding in (*values.check(made), *code.check(made))] == []


def test_glue_6_reaches_s3_by_s3a_whose_region_is_asked_for() -> None:
    other = code.check(on_glue_6(**{"--conf": "spark.hadoop.fs.s3a.endpoint.region=us-east-2"}))
    assert {finding.rule for finding in other} == {"code-spark-region"} and len(other) == 3


def test_a_template_of_a_version_that_nobody_looked_up_is_a_finding() -> None:
    template = copy.deepcopy(shipped().templates["Preparation"])
    properties(template, "BuildDatasetsJob").update(GlueVersion="6.1")
    [found] = values.check(with_template(shipped(), "Preparation", template))
    assert found.rule == "value-range" and "6.1" in str(found)


@pytest.mark.nightly
def test_the_configuration_with_glue_6_has_no_finding_that_is_not_acknowledged(tmp_path: Path) -> None:
    content = example.content(etl={"glue_version": "6.0"}, environment="sample")
    (tmp_path / "sample.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    known = acknowledged.read().without(CDK_NAG, CHECKOV)
    left = known.left(check(synthesize("sample", tmp_path), FAMILIES), everything=False)
    assert [str(finding) for finding in left] == []
