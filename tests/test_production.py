"""What is deployed knows nothing of the laptop that runs it too: no word of it in its code, texts or settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import folders

ROOT = folders.ROOT
# What people and applications run; any other folder is deployed, or makes what is.
NOT_DEPLOYED = frozenset("assess bench checks clients/python local operations".split())
FOLDERS = [name for name in folders.TEMPLATE if name not in NOT_DEPLOYED | {"app.py"}]
FILES = ("app.py", "cdk.json")
WORDS = re.compile(
    r"laptop|(?<![a-z])local(?:ly|host|stack)?(?![a-z])|(?<![a-z])demo(?!te)|127\.0\.0|0\.0\.0\.0(?!/0)|loopback"
    r"|endpoint_url|ministack|(?<![a-z])moto(?![a-z])|emulat|stand-?_?in\b|embedded (?:server|postgres)"
    r"|this machine|osusume_(?:home|port|local)|dbt_adapter|sqlite",
    re.IGNORECASE,
)
# (file, line) with its reason: words that mean something else there.
INNOCENT = {
    (
        "stacks/parts/layer.py",
        "# Never pulled: the local bundling either succeeds or raises.",
    ): "the CDK's term",
    (
        "config/cors.py",
        '_THIS_MACHINE = re.compile(r"localhost|[a-z0-9.-]+\\.localhost|127\\.0\\.0\\.1|\\[::1\\]")',
    ): "an origin of the application's own pages",
    (
        "config/cors.py",
        "return f\"http is for pages of this machine (localhost): write https{plain.removeprefix('http')}\"",
    ): "an origin of the application's own pages",
    (
        "config/addresses.py",
        '_REFUSED = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")))',
    ): "ranges that EC2 refuses",
    (
        "lambdas/shared/direct.py",
        'self._url = meta.endpoint_url.rstrip("/") + "/"',
    ): "botocore's name of a service's address",
    ("stacks/parts/layer.py", "local=_Packages(requirements),"): "the CDK's argument",
}


def production() -> list[Path]:
    deployed = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    return [
        path
        for path in [*deployed, *(ROOT / name for name in FILES)]
        if path.is_file()
        and not {"__pycache__", "target", "logs"} & set(path.parts)
        and path.suffix != ".pyc"
    ]


def named(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if WORDS.search(line)]


def test_nothing_that_is_deployed_knows_of_the_laptop() -> None:
    found = [(str(path.relative_to(ROOT)), line) for path in production() for line in named(path.read_text())]
    assert [one for one in found if one not in INNOCENT] == []


def test_every_innocent_word_is_still_there() -> None:
    for file, line in INNOCENT:
        assert line in named((ROOT / file).read_text())


def test_the_look_is_at_all_that_is_deployed() -> None:
    names = {str(path.relative_to(ROOT)) for path in production()}
    assert {"analysis", "config", "dashboards", "glue_jobs", "lambdas", "stacks", "warehouse"} == set(FOLDERS)
    assert {"lambdas/run_dbt/profile.py", "warehouse/profiles.yml", "config/common.yaml", "cdk.json"} <= names
    assert len(names) > 120


@pytest.mark.parametrize(
    "line",
    [
        "osusume_local_read_timeout_ms: int = 150",
        'LOOPBACK = ("127.0.0.1", "localhost", "::1")',
        "# only the laptop runtime sets these",
        'os.environ.get("AWS_ENDPOINT_URL")',
        'client("s3", endpoint_url=url)',
        "if is_local:",
        "run_locally = True",
        'BUILD_FOLDER = ROOT / ".local" / "build"',
        "Made by the demo's simulator",
        "target: \"{{ env_var('DBT_ADAPTER', 'redshift') }}\"",
        "an embedded server",
        "with moto.mock_aws():",
        "LocalStack answers otherwise",
    ],
)
def test_a_line_that_knows_of_it_is_noticed(line: str) -> None:
    assert named(line) == [line]


@pytest.mark.parametrize(
    "line",
    ["locale, allocate, motor", "embedded metric format", "0.0.0.0/0 is the internet", "standing in a queue"],
)
def test_words_that_only_contain_one_are_not(line: str) -> None:
    assert named(line) == []
