from __future__ import annotations

from pathlib import Path

import pytest

from checks.assembly import Assembly
from config.settings import Settings
from tests import example

OWNER = "arn:aws:quicksight:ap-northeast-1:111111111111:user/default/analyst"
VIEWERS = "arn:aws:quicksight:ap-northeast-1:111111111111:group/default/shop"


def settings() -> Settings:
    quicksight = {
        "enabled": True,
        "principal_arn": OWNER,
        "viewer_arns": [VIEWERS],
        "refresh_at": "06:30",
    }
    return example.settings(analytics={"quicksight": quicksight})


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The stack of the dashboards alone."""
    from aws_cdk import App

    from stacks.dashboards import DashboardsStack

    folder: Path = tmp_path_factory.mktemp("dashboards")
    app = App(outdir=str(folder), analytics_reporting=False)
    DashboardsStack(app, settings=settings())
    app.synth()
    return Assembly.read(folder)
