from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.errors import ApiError
from osusume_endpoint.glue import arguments

sys.path.append(str(Path(arguments.__file__).with_name("shim")))
from awsglue.utils import GlueArgumentError, getResolvedOptions

JOB: dict[str, Any] = {
    "Name": "j",
    "GlueVersion": "5.1",
    "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/j.py"},
    "DefaultArguments": {"--a": "default", "--b": "default", "--fixed": "default"},
    "NonOverridableArguments": {"--fixed": "job"},
}


def test_run_arguments_win_over_defaults_and_fixed_ones_over_both() -> None:
    merged = arguments.merge(JOB, {"--a": "run", "--fixed": "run"}, run_id="jr_1")
    assert (merged["--a"], merged["--b"], merged["--fixed"]) == ("run", "default", "job")
    assert (merged["--JOB_NAME"], merged["--JOB_RUN_ID"]) == ("j", "jr_1")


def test_the_script_sees_its_arguments_and_the_names_glue_adds() -> None:
    merged = arguments.merge(JOB, {"--out": "s3://b/out"}, run_id="jr_1")
    argv = ["script", *arguments.resolve(JOB, merged).script]
    assert getResolvedOptions(argv, ["JOB_NAME", "a", "out"]) == {
        "JOB_NAME": "j",
        "a": "default",
        "out": "s3://b/out",
    }
    with pytest.raises(GlueArgumentError, match="--zone"):
        getResolvedOptions(argv, ["zone"])


def test_settings_that_a_session_can_take_are_told_from_those_that_need_a_new_jvm() -> None:
    given = {
        "--conf": "spark.sql.shuffle.partitions=3 --conf spark.driver.memory=2g --conf spark.sql.extensions=x"
    }
    resolved = arguments.resolve(JOB, given)
    assert resolved.runtime_conf == {"spark.sql.shuffle.partitions": "3"}
    assert resolved.static_conf == {"spark.driver.memory": "2g", "spark.sql.extensions": "x"}


def test_settings_of_s3a_need_no_jvm_of_their_own() -> None:
    conf = "spark.hadoop.fs.s3a.endpoint.region=ap-northeast-1 --conf spark.sql.shuffle.partitions=3"
    resolved = arguments.resolve(JOB, {"--conf": conf})
    assert (resolved.runtime_conf, resolved.static_conf) == ({"spark.sql.shuffle.partitions": "3"}, {})


def test_ansi_mode_comes_with_glue_6() -> None:
    resolved = arguments.resolve({**JOB, "GlueVersion": "6.0"}, {})
    assert resolved.runtime_conf == {"spark.sql.ansi.enabled": "true"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"GlueVersion": "4.0"}, "GlueVersion '4.0'"),
        ({"GlueVersion": ""}, "GlueVersion ''"),
        ({"Command": {"Name": "pythonshell", "ScriptLocation": "s3://b/j.py"}}, "'pythonshell'"),
        ({"Command": {"Name": "glueetl", "ScriptLocation": "/tmp/j.py"}}, "/tmp/j.py"),
    ],
)
def test_a_job_that_cannot_run_faithfully_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ApiError, match=named):
        arguments.check_job({**JOB, **change})


@pytest.mark.parametrize("name", [*arguments.NOT_EMULATED])
def test_an_argument_that_would_have_to_be_ignored_is_refused(name: str) -> None:
    with pytest.raises(ApiError, match=name):
        arguments.check_arguments(JOB, {name: "x"})
