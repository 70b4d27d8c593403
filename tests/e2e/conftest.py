"""One endpoint for the session: synthesized, deployed, loaded with a generated shop, run once."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from local import cli
from local.demo.generated import generate
from stacks.synthesis import synthesize
from tests import example
from tests.e2e.line import Line, deployed


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    home = tmp_path_factory.mktemp("home")
    environment = {
        "OSUSUME_CONFIG": str(example.folder()),
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
        try:
            yield deployed(home=home, cdk_out=_synthesized(home), settings=example.settings(), shop=shop)
        finally:
            cli.run_down(argparse.Namespace())


@pytest.fixture(scope="session")
def first_run(line: Line) -> str:
    """The id of the first, full run."""
    return line.run()


def _synthesized(home: Path) -> Path:
    folder = home / "cdk.out"
    synthesize(environment="dev", folder=folder)
    return folder
