"""Composition root: configuration -> stacks -> templates. No SDK, git or clock."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App

from config.errors import ConfigError
from config.settings import Settings, load
from stacks.analytics import AnalyticsStack
from stacks.dashboards import DashboardsStack
from stacks.forgetting import ForgettingStack
from stacks.network import NetworkStack
from stacks.observability import ObservabilityStack
from stacks.parts.layer import LayerNotBuilt
from stacks.parts.stack import EnvironmentStack
from stacks.pipeline import PipelineStack
from stacks.preparation import PreparationStack
from stacks.publishing import PublishingStack
from stacks.serving import ServingStack
from stacks.sources import SourcesStack
from stacks.storage import StorageStack
from stacks.streaming import StreamingStack
from stacks.training import TrainingStack

ROOT = Path(__file__).parent
DEFAULT_ENVIRONMENT = "dev"


# In the order of deployment: a stack comes after those that it needs.
STACKS: tuple[type[EnvironmentStack], ...] = (
    StorageStack,
    NetworkStack,
    SourcesStack,
    AnalyticsStack,
    PreparationStack,
    TrainingStack,
    PublishingStack,
    PipelineStack,
    ForgettingStack,
    ServingStack,
    StreamingStack,
    ObservabilityStack,
    DashboardsStack,
)


def compose(app: App, settings: Settings) -> list[EnvironmentStack]:
    """All stacks of one environment, in the order of deployment."""
    made: dict[str, EnvironmentStack] = {}
    for kind in STACKS:
        if not kind.wanted(settings):
            continue
        stack = kind(app, settings=settings)
        for part in stack.needs:
            if part in made:  # an environment may do without it
                stack.add_stack_dependency(made[part])
        made[stack.part] = stack
    return list(made.values())


def build(settings: Settings, *, folder: Path | None = None, context: Mapping[str, Any] | None = None) -> App:
    """The app of one environment, composed but not synthesized; `context` goes over that of cdk.json."""
    app = App(context={**flags(), **(context or {})}, outdir=str(folder) if folder else None)
    compose(app, settings)
    return app


def flags() -> dict[str, Any]:
    """The context of cdk.json, which only the CDK CLI reads by itself: `python app.py` must make the same."""
    return dict(json.loads((ROOT / "cdk.json").read_text())["context"])


def chosen_environment() -> str:
    """`cdk -c environment=prod`, else OSUSUME_ENV, else dev; asked before an App exists and writes."""
    context = json.loads(os.environ.get("CDK_CONTEXT_JSON") or "{}")
    return str(context.get("environment") or os.environ.get("OSUSUME_ENV") or DEFAULT_ENVIRONMENT)


def main() -> None:
    try:
        app = build(load(chosen_environment()))
    except (ConfigError, LayerNotBuilt) as error:
        sys.exit(str(error))
    app.synth()


if __name__ == "__main__":
    main()
