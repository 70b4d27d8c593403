"""A guardrail rung once: figures, the stack's own alarm, its topic, the function, and what AppConfig delivers then."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from config.experiments import delivered
from config.settings import Settings
from lambdas.shared.hosted import Hosted, Profile
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running
from stacks.parts import guardrails
from tests import example
from tests.stacks.conftest import ROOT, Assembly

# Slow: it deploys a function, and what CloudWatch says of an alarm is a matter of seconds.
pytestmark = pytest.mark.nightly

EXPERIMENT, PERIOD = "popular-home", 300


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    plugins = "iam,cloudformation,cloudwatch,lambda,appconfig"
    with running.running(tmp_path_factory.mktemp("guardrail"), plugins=plugins) as endpoint:
        yield endpoint


@dataclass(frozen=True)
class World:
    cloud: Endpoint
    hosted: Hosted
    alarm: dict[str, Any]

    def stopped(self) -> list[str]:
        document = self.hosted.live().document or {"experiments": [{"stopped": []}]}
        found: list[str] = document["experiments"][0]["stopped"]
        return found

    def tell(self, variant: str, *, failed: int, answers: int) -> None:
        """Figures of the last three whole periods, as the read function's own metrics have them."""
        [namespace] = {
            one["MetricStat"]["Metric"]["Namespace"] for one in self.alarm["Metrics"] if "MetricStat" in one
        }
        dimensions = [{"Name": "Experiment", "Value": EXPERIMENT}, {"Name": "Variant", "Value": variant}]
        now = time.time()
        data = [
            {
                "MetricName": name,
                "Value": float(value),
                "Timestamp": now - back * PERIOD,
                "Dimensions": dimensions,
            }
            for name, value in (("Failed", failed), ("Answers", answers))
            for back in range(3)
        ]
        self.cloud.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)

    def state(self) -> str:
        [alarm] = self.cloud.client("cloudwatch").describe_alarms(AlarmNames=[self.alarm["AlarmName"]])[
            "MetricAlarms"
        ]
        return str(alarm["StateValue"])


def _profile(cloud: Endpoint) -> Profile:
    client = cloud.client("appconfig")
    application = client.create_application(Name=running.name("shop"))["Id"]
    environment = client.create_environment(ApplicationId=application, Name="live")["Id"]
    profile = client.create_configuration_profile(
        ApplicationId=application, Name="experiments", LocationUri="hosted"
    )["Id"]
    strategy = client.create_deployment_strategy(
        Name=running.name("at-once"),
        DeploymentDurationInMinutes=0,
        FinalBakeTimeInMinutes=0,
        GrowthFactor=100,
        ReplicateTo="NONE",
    )["Id"]
    return Profile(application, environment, profile, strategy)


def _files(watched: dict[str, Any], document: dict[str, Any]) -> dict[str, str]:
    package = ROOT / "lambdas"
    paths = [
        package / "__init__.py",
        *(package / "stop_variant").glob("*.py"),
        *(package / "shared").glob("*.py"),
    ]
    return {
        **{str(path.relative_to(ROOT)): path.read_text() for path in paths},
        "lambdas/stop_variant/experiments.json": json.dumps(document),
        "lambdas/stop_variant/watched.json": json.dumps(watched),
    }


def _function(cloud: Endpoint, settings: Settings, profile: Profile) -> str:
    """The function that stops variants. Returns its name."""
    watched = {
        settings.names.of(row.slug): [experiment.name, variant]
        for row, experiment, variant in guardrails.alarms(settings)
    }
    ids = (profile.application, profile.environment, profile.profile, profile.strategy)
    variables = {
        "EXPERIMENTS_PROFILE": "/".join(ids),
        "TOPIC_ARN": _topic(cloud, "mails"),
        "ENVIRONMENT": "dev",
        "POWERTOOLS_SERVICE_NAME": "stop_variant",
    }
    rights = running.allow("appconfig:*", "sns:Publish")
    return running.make_function(
        cloud,
        _files(watched, delivered(settings.experiments)),
        role=running.make_role(cloud, rights, service="lambda.amazonaws.com"),
        Handler="lambdas.stop_variant.handler.handler",
        Timeout=60,
        Environment={"Variables": variables},
    )


def _topic(cloud: Endpoint, kind: str) -> str:
    return str(cloud.client("sns").create_topic(Name=running.name(kind))["TopicArn"])


def _ringing_at(cloud: Endpoint, function: str) -> str:
    """A topic whose messages the function gets."""
    topic = _topic(cloud, "rings")
    cloud.client("lambda").add_permission(
        FunctionName=function,
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:{function}"
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    return topic


@pytest.fixture(scope="module")
def world(cloud: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The stack's own alarm at a topic of this test, the function behind it, the document delivered."""
    settings = example.settings(experiments=example.experiments())
    assembly = Assembly("dev", tmp_path_factory.mktemp("assembly"), settings)
    name = settings.names.of(f"variant-{EXPERIMENT}-popular-failing")
    [alarm] = [
        one for _, one in assembly.properties("AWS::CloudWatch::Alarm") if one.get("AlarmName") == name
    ]
    profile = _profile(cloud)
    hosted = Hosted(cloud.client("appconfig"), profile)
    hosted.deliver(delivered(settings.experiments))
    topic = _ringing_at(cloud, _function(cloud, settings, profile))
    kept = {key: value for key, value in alarm.items() if not key.endswith("Actions")}
    cloud.client("cloudwatch").put_metric_alarm(**kept, AlarmActions=[topic])
    return World(cloud, hosted, kept)


def test_a_variant_whose_answers_fail_is_stopped_by_its_alarm_and_one_that_fails_as_the_control_does_is_not(
    world: World,
) -> None:
    for variant in ("control", "popular"):
        world.tell(variant, failed=40, answers=100)
    assert world.state() == "OK" and world.stopped() == [], "both sides fail alike"
    world.tell("popular", failed=60, answers=60)
    assert running.eventually(lambda: world.state() == "ALARM", seconds=20)
    assert running.eventually(lambda: world.stopped() == ["popular"], seconds=60)
