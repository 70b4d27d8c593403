"""The experiments in AppConfig: a hosted document, what judges it before it is deployed, and how it is deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import aws_appconfig as appconfig
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.parts.function import PythonFunction
from stacks.parts.stack import EnvironmentStack

PROFILE = "experiments"


class DeliveredExperiments(Construct):
    """Documents come by `make experiments`; until the first one readers go by the one that is packaged."""

    def __init__(
        self, scope: EnvironmentStack, construct_id: str, *, layers: list[lambda_.ILayerVersion]
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, names = scope.settings, scope.names
        application = appconfig.CfnApplication(
            self,
            "Application",
            name=names.prefix,
            description=f"What {names.prefix} changes without a deployment",
        )
        environment = appconfig.CfnEnvironment(
            self, "Environment", application_id=application.ref, name=names.prefix
        )
        validator = self._validator(scope, layers)
        profile = appconfig.CfnConfigurationProfile(
            self,
            "Profile",
            application_id=application.ref,
            name=PROFILE,
            location_uri="hosted",
            validators=[
                appconfig.CfnConfigurationProfile.ValidatorsProperty(
                    type="LAMBDA", content=validator.function_arn
                )
            ],
        )
        # At once, and whole: who is in which variant must not differ from function to function for long.
        strategy = appconfig.CfnDeploymentStrategy(
            self,
            "AtOnce",
            name=f"{names.prefix}-at-once",
            deployment_duration_in_minutes=0,
            final_bake_time_in_minutes=0,
            growth_factor=100,
            replicate_to="NONE",
        )
        self.ids = (application.ref, environment.ref, profile.ref, strategy.ref)

    def _validator(self, scope: EnvironmentStack, layers: list[lambda_.ILayerVersion]) -> lambda_.Function:
        function = PythonFunction(
            scope,
            "ValidateExperiments",
            name="validate_experiments",
            layers=layers,
            environment={name.upper(): json.dumps(names) for name, names in known(scope.settings).items()},
            statements=[],
        ).function
        function.add_permission(
            "AppConfig",
            principal=iam.ServicePrincipal("appconfig.amazonaws.com"),
            source_account=scope.settings.account,
        )
        return function

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables of a function that reads the document."""
        application, environment, profile, _ = self.ids
        return {
            "EXPERIMENTS_APPLICATION": application,
            "EXPERIMENTS_ENVIRONMENT": environment,
            "EXPERIMENTS_PROFILE": profile,
            "EXPERIMENTS_POLL_SECONDS": str(self._settings.experiments.poll_seconds),
        }

    def may_read(self) -> Statement:
        return allow(["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"], self._arn())

    def _arn(self) -> str:
        application, environment, profile, _ = self.ids
        settings = self._settings
        return (
            f"arn:aws:appconfig:{settings.region}:{settings.account}:application/{application}"
            f"/environment/{environment}/configuration/{profile}"
        )


def known(settings: Settings) -> Mapping[str, list[str]]:
    """What the validator holds a document against."""
    return {
        "lists": [one.name for one in settings.solutions if one.publishes == "lists"],
        "placements": list(settings.placements),
        "attributes": list(settings.publishing.user_fields),
    }
