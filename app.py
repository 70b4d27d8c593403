"""Composition root: configuration -> stacks -> templates. No SDK, git or clock."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from aws_cdk import App

from config.errors import ConfigError
from config.settings import Settings, load
from stacks.analytics import AnalyticsStack
from stacks.dashboards import DashboardsStack
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
from stacks.training import TrainingStack

ROOT = Path(__file__).parent
DEFAULT_ENVIRONMENT = "dev"


def compose(app: App, settings: Settings) -> list[EnvironmentStack]:
    """All stacks of one environment, in the order of deployment."""
    storage = StorageStack(app, settings=settings)
    network = NetworkStack(app, settings=settings)
    sources = SourcesStack(app, settings=settings)
    analytics = AnalyticsStack(app, settings=settings)
    preparation = PreparationStack(app, settings=settings)
    training = TrainingStack(app, settings=settings)
    publishing = PublishingStack(app, settings=settings)
    pipeline = PipelineStack(app, settings=settings)
    serving = ServingStack(app, settings=settings)
    observability = ObservabilityStack(app, settings=settings)

    # Values pass through SSM and by name, which CloudFormation does not see: the order is said here.
    in_network: list[EnvironmentStack] = [sources, analytics, preparation]
    encrypted: list[EnvironmentStack] = [*in_network, training, publishing, pipeline, serving, observability]
    for stack in in_network:
        stack.add_stack_dependency(network)
    for stack in encrypted:
        stack.add_stack_dependency(storage)
    preparation.add_stack_dependency(sources)
    publishing.add_stack_dependency(preparation)  # its job uses the security configuration
    dashboards = _dashboards(app, settings, after=[network, analytics])
    return [
        storage,
        network,
        sources,
        analytics,
        preparation,
        training,
        publishing,
        pipeline,
        serving,
        observability,
        *dashboards,
    ]


def _dashboards(app: App, settings: Settings, *, after: list[EnvironmentStack]) -> list[EnvironmentStack]:
    """Nothing depends on this stack: where QuickSight refuses something, the rest stands."""
    if not settings.analytics.quicksight.enabled:
        return []
    stack = DashboardsStack(app, settings=settings)
    for earlier in after:
        stack.add_stack_dependency(earlier)
    return [stack]


def flags() -> dict[str, Any]:
    """The context of cdk.json, which only the CDK CLI reads by itself: `python app.py` must make the same."""
    return dict(json.loads((ROOT / "cdk.json").read_text())["context"])


def chosen_environment() -> str:
    """`cdk -c environment=prod`, else OSUSUME_ENV, else dev; asked before an App exists and writes."""
    context = json.loads(os.environ.get("CDK_CONTEXT_JSON") or "{}")
    return str(context.get("environment") or os.environ.get("OSUSUME_ENV") or DEFAULT_ENVIRONMENT)


def main() -> None:
    try:
        settings = load(chosen_environment())
        app = App(context=flags())
        compose(app, settings)
    except (ConfigError, LayerNotBuilt) as error:
        sys.exit(str(error))
    app.synth()


if __name__ == "__main__":
    main()
