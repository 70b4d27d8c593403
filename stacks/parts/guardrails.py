"""What stops a variant by itself: alarms on how it fares beside the control, and the function that they call."""

from __future__ import annotations

import json
from collections.abc import Iterator

from aws_cdk import Fn
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from config.experiments import Experiment, delivered
from config.settings import Settings
from stacks.parts.access import allow, encrypt_and_decrypt, own_account
from stacks.parts.alarms import Watched, of_variant
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import EnvironmentStack

# By how much a variant may do worse than the control, 15 minutes long.
FAILED_POINTS = 10  # percent of its answers that are empty or stand-ins, above the control's
SLOWER_MS = 200  # of one answer in a hundred


def guarded(settings: Settings) -> Iterator[tuple[Experiment, str]]:
    """Every variant but the controls, which are what the others are stopped for."""
    if settings.experiments.live:
        for one in settings.experiments.definitions:
            for variant in one.variants:
                if variant.name != one.control:
                    yield one, variant.name


def alarms(settings: Settings) -> list[tuple[Watched, Experiment, str]]:
    return [
        (row, experiment, variant)
        for experiment, variant in guarded(settings)
        for row in of_variant(settings, experiment, variant, failed_points=FAILED_POINTS, slower_ms=SLOWER_MS)
    ]


class VariantStops(Construct):
    """The topic that guardrails' alarms ring at, and the function behind it, which tells `alerts` what it did."""

    def __init__(
        self, scope: EnvironmentStack, construct_id: str, *, alerts: sns.ITopic, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        settings, names = scope.settings, scope.names
        self.topic = sns.Topic(
            self,
            "Topic",
            topic_name=names.variant_stops,
            master_key=key,
            enforce_ssl=True,
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=own_account(settings.account),
            )
        )
        function = self._function(scope, alerts).function
        self.topic.add_subscription(subscriptions.LambdaSubscription(function))
        # What the stored analysis decides (docs/experiments.md).
        events.Rule(
            self,
            "Decided",
            description=f"Variants that the analysis of {names.prefix} stops",
            event_pattern=events.EventPattern(
                source=[names.prefix], detail_type=["Experiment decided"], detail={"stops": [True]}
            ),
            targets=[targets.LambdaFunction(function)],
        )

    def _function(self, scope: EnvironmentStack, alerts: sns.ITopic) -> PythonFunction:
        settings = scope.settings
        ids = scope.read("serving/experiments")
        watched = {
            scope.names.of(row.slug): [experiment.name, variant]
            for row, experiment, variant in alarms(settings)
        }
        return PythonFunction(
            scope,
            "StopVariant",
            name="stop_variant",
            layers=[RuntimeLayer(scope)],
            environment={
                "EXPERIMENTS_PROFILE": ids,
                "TOPIC_ARN": alerts.topic_arn,
                "ENVIRONMENT": settings.environment,
            },
            more={
                "lambdas/stop_variant/experiments.json": json.dumps(delivered(settings.experiments)),
                "lambdas/stop_variant/watched.json": json.dumps(watched),
            },
            statements=[
                *_delivers(settings, ids),
                allow("sns:Publish", alerts.topic_arn),
                encrypt_and_decrypt(scope.key_arn),
            ],
        )


def _delivers(settings: Settings, ids: str) -> list[iam.PolicyStatement]:
    """What lambdas/shared/hosted.py calls."""
    application, environment, profile, strategy = (Fn.select(n, Fn.split("/", ids)) for n in range(4))
    prefix = f"arn:aws:appconfig:{settings.region}:{settings.account}"
    whole = f"{prefix}:application/{application}"
    in_environment, document = f"{whole}/environment/{environment}", f"{whole}/configurationprofile/{profile}"
    return [
        # Asked of both (service authorization reference: two resource types, each required).
        allow("appconfig:ListDeployments", whole, in_environment),
        allow(
            ["appconfig:StartDeployment", "appconfig:GetDeployment"],
            whole,
            in_environment,
            document,
            f"{in_environment}/deployment/*",
            f"{prefix}:deploymentstrategy/{strategy}",
        ),
        allow("appconfig:CreateHostedConfigurationVersion", document, whole),
        allow(
            ["appconfig:GetHostedConfigurationVersion", "appconfig:DeleteHostedConfigurationVersion"],
            whole,
            document,
            f"{document}/hostedconfigurationversion/*",
        ),
    ]
