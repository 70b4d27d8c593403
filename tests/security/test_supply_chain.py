"""What is installed is what was locked, and the job that may deploy runs nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.parts import layer
from tests.test_contributing import npm_locks

ROOT = Path(__file__).parents[2]
LOCKS = sorted(
    path.relative_to(ROOT).as_posix()
    for paths in (ROOT.glob("requirements*.txt"), (ROOT / "lambdas").rglob("requirements*.txt"))
    for path in paths
)
_PIN = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==\S+( ; .+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def problems(lock: str) -> list[str]:
    """Lines of a lock that pin no version, have no hash, or name a place to fetch from."""
    found = []
    for requirement in lock.replace("\\\n", " ").splitlines():
        if not requirement.strip() or requirement.startswith("#"):
            continue
        pin, *hashes = re.split(r"\s+(?=--hash=)", requirement.strip())
        if not _PIN.fullmatch(pin) or not hashes or not all(_HASH.fullmatch(given) for given in hashes):
            found.append(requirement.strip()[:80])
    return found


def test_the_locks_are_those_that_something_installs() -> None:
    assert LOCKS == [
        "lambdas/analyse_experiments/requirements.txt",
        "lambdas/authorize_reader/requirements.txt",
        "lambdas/build_datasets/requirements.txt",
        "lambdas/forget_users/requirements.txt",
        "lambdas/requirements.txt",
        "lambdas/run_dbt/requirements.txt",
        "requirements-account.txt",
        "requirements-checkov.txt",
        "requirements-checks.txt",
        "requirements-dev.txt",
        "requirements-local.txt",
        "requirements-spark4.txt",
        "requirements.txt",
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_pinned_and_hashed_and_names_no_place(lock: str) -> None:
    assert problems((ROOT / lock).read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "six==1.17.0",
        "six>=1 --hash=sha256:" + "0" * 64,
        "six==1.17.0 --hash=md5:" + "0" * 32,
        "six==1.17.0 --hash=sha256:" + "0" * 63,
        "six @ https://example.org/six.whl --hash=sha256:" + "0" * 64,
        "--index-url https://example.org/simple",
        "--extra-index-url https://example.org/simple",
        "--find-links /somewhere",
        "-e .",
        "./six.whl",
    ],
)
def test_a_line_without_hash_or_with_a_place_is_noticed(line: str) -> None:
    text = (ROOT / "lambdas" / "requirements.txt").read_text()
    assert problems(text + line + "\n") == [line[:80]]


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text()
    return {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


LAYERS = [
    "lambdas/analyse_experiments/requirements.txt",
    "lambdas/authorize_reader/requirements.txt",
    "lambdas/build_datasets/requirements.txt",
    "lambdas/forget_users/requirements.txt",
    "lambdas/requirements.txt",
    "lambdas/run_dbt/requirements.txt",
]


@pytest.mark.parametrize("lock", LAYERS)
def test_a_layer_has_the_versions_that_are_tested(lock: str) -> None:
    tested = _pins("requirements-dev.txt")
    assert {name: v for name, v in _pins(lock).items() if tested.get(name, v) != v} == {}


@pytest.fixture
def small_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One package of the layer's own lock; built with the real uv."""
    monkeypatch.setattr(layer, "BUILD_FOLDER", tmp_path / "build")
    text = (ROOT / "lambdas" / "requirements.txt").read_text().replace("\\\n", " ")
    line = next(line for line in text.splitlines() if line.startswith("six=="))
    path = tmp_path / "requirements.txt"
    path.write_text(line + "\n")
    return path


def test_a_layer_whose_hash_is_right_is_built(small_lock: Path) -> None:
    assert (layer._built(small_lock) / "python" / "six.py").is_file()


@pytest.mark.parametrize("change", ["another hash", "no hash"])
def test_a_layer_whose_hash_is_wrong_or_missing_is_not_built(
    small_lock: Path, change: str, tmp_path: Path
) -> None:
    text = small_lock.read_text()
    pin = text.split()[0]
    small_lock.write_text(f"{pin} --hash=sha256:{'0' * 64}\n" if change == "another hash" else f"{pin}\n")
    with pytest.raises(layer.LayerNotBuilt, match=r"(?i)hash"):
        layer._built(small_lock)
    assert list((tmp_path / "build" / "layers").iterdir()) == []


def test_every_installation_in_the_makefiles_checks_hashes() -> None:
    makefiles = [ROOT / "Makefile", *ROOT.glob("packages/Makefile")]  # a fork has the first alone
    lines = [line for makefile in makefiles for line in makefile.read_text().splitlines()]
    installs = [line for line in lines if "pip install" in line]
    assert len(installs) == 5 + len(makefiles)
    # What lies in this repository has no lock: it brings no other package.
    assert [line.split()[-2:] for line in installs if "--require-hashes" not in line] == [
        ["--no-deps", "$(RUNTIME)"],  # for Glue 5.1
        ["--no-deps", "$(RUNTIME)"],  # for Glue 6.0
    ]


def test_uv_downloads_no_python_of_its_own() -> None:
    """A Python that fits is the machine's; the message says how to name it."""
    makefile = (ROOT / "Makefile").read_text()
    assert "export UV_PYTHON_DOWNLOADS := never" in makefile.splitlines()
    rule = makefile.partition("\n$(SPARK4): ")[2].partition("\n\n")[0]
    assert "make SPARK4_PYTHON=/path/to/python3.13" in rule


def test_the_makefile_finds_uvs_own_lines_in_the_lock(tmp_path: Path) -> None:
    rule = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "/^uv==/" in line)
    command = rule.strip().removeprefix("@").replace("$$", "$").replace("$(VENV)", str(tmp_path))
    subprocess.run(["bash", "-ec", command], cwd=ROOT, check=True)
    text = (tmp_path / "uv.txt").read_text()
    assert problems(text) == []
    assert re.findall(r"^([a-z]\S*)==", text, re.MULTILINE) == ["uv"]


def test_a_lock_is_made_with_hashes_and_without_the_address_of_an_index() -> None:
    makefile = (ROOT / "Makefile").read_text()
    compile_line = next(line for line in makefile.splitlines() if line.startswith("COMPILE :="))
    assert {"--generate-hashes", "--no-emit-index-url", "--no-header"} <= set(compile_line.split())
    written = re.findall(r"-o (\S+requirements\S*\.txt|requirements\S*\.txt)", makefile)
    assert sorted(written) == LOCKS


@pytest.mark.parametrize("folder", npm_locks())
def test_the_lock_of_npm_has_hashes_and_no_host(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    installed = {name: entry for name, entry in packages.items() if name}
    assert [n for n, entry in installed.items() if not entry.get("integrity", "").startswith("sha512-")] == []
    assert [n for n, entry in installed.items() if "resolved" in entry] == []
    assert installed


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())["jobs"])


def test_only_the_deploying_job_may_mint_a_token_and_it_waits_for_review(jobs: dict[str, Any]) -> None:
    may = {name for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert may == {"deploy", "preflight", "smoke"}
    assert jobs["deploy"]["needs"] == ["build", "preflight"]
    assert jobs["deploy"]["environment"] == "${{ inputs.environment }}"
    assert jobs["build"]["permissions"] == {"contents": "read"}
    # The deploy role trusts the environment's name: no other job may carry it.
    assert [name for name, job in jobs.items() if "environment" in job] == ["deploy"]
    for looking in ("preflight", "smoke"):
        roles = [
            s["with"]["role-to-assume"]
            for s in jobs[looking]["steps"]
            if "role-to-assume" in s.get("with", {})
        ]
        assert roles == [
            f"${{{{ vars[format('AWS_{looking.upper()}_ROLE_ARN_{{0}}', inputs.environment)] }}}}"
        ]


def test_what_was_deployed_is_looked_at_afterwards(jobs: dict[str, Any]) -> None:
    assert jobs["smoke"]["needs"] == "deploy"
    assert jobs["smoke"]["steps"][-1]["run"] == 'make smoke ENV="$ENVIRONMENT" ON=aws'
    assert "!inputs.first" in jobs["smoke"]["if"], "before the first run nothing is there to look at"


def test_the_deploying_job_runs_the_locked_command_line_on_the_artifact_and_nothing_else(
    jobs: dict[str, Any],
) -> None:
    steps = jobs["deploy"]["steps"]
    assert [step["run"].strip().splitlines() for step in steps if "run" in step] == [
        ["npm ci --ignore-scripts --no-audit --no-fund"],
        ['echo "$SHA256  assembly.tar" | sha256sum --check --strict', "tar --extract --file assembly.tar"],
        ["node_modules/.bin/cdk deploy --app cdk.out --all --require-approval never"],
    ]
    checkout = steps[0]["with"]
    assert checkout["sparse-checkout"].split() == ["/package.json", "/package-lock.json"]
    assert steps[-2]["uses"].startswith("aws-actions/configure-aws-credentials@")  # after all that is fetched


def test_what_is_still_the_examples_is_refused_before_the_assembly_is_built(jobs: dict[str, Any]) -> None:
    synth = next(step["run"] for step in jobs["build"]["steps"] if step.get("name") == "synth")
    assert synth.splitlines() == [
        '.venv/bin/python -m checks.ready "$ENVIRONMENT"',
        'make synth ENV="$ENVIRONMENT"',
    ]


def test_the_assembly_that_is_deployed_is_the_one_that_was_built(jobs: dict[str, Any]) -> None:
    assert jobs["build"]["outputs"] == {"sha256": "${{ steps.pack.outputs.sha256 }}"}
    unpacking = next(step for step in jobs["deploy"]["steps"] if "env" in step)
    assert unpacking["env"] == {"SHA256": "${{ needs.build.outputs.sha256 }}"}


def test_the_packing_and_unpacking_of_an_assembly_work_and_notice_a_change(
    jobs: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "cdk.out" / ".hidden").mkdir(parents=True)
    (tmp_path / "cdk.out" / ".hidden" / "file").write_text("x")
    pack = next(step["run"] for step in jobs["build"]["steps"] if step.get("id") == "pack")
    unpack = next(step["run"] for step in jobs["deploy"]["steps"] if "env" in step)
    output = tmp_path / "output"
    shell = ["bash", "-e", "-o", "pipefail", "-c"]
    path = "/usr/bin:/bin"
    subprocess.run([*shell, pack], cwd=tmp_path, check=True, env={"GITHUB_OUTPUT": str(output), "PATH": path})
    given = {"SHA256": output.read_text().strip().removeprefix("sha256="), "PATH": path}
    shutil.rmtree(tmp_path / "cdk.out")
    subprocess.run([*shell, unpack], cwd=tmp_path, check=True, env=given)
    assert (tmp_path / "cdk.out" / ".hidden" / "file").read_text() == "x"
    with (tmp_path / "assembly.tar").open("ab") as archive:
        archive.write(b"more")
    assert subprocess.run([*shell, unpack], cwd=tmp_path, check=False, env=given).returncode != 0
