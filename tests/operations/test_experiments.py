"""`make experiments`: what reaches readers, what is refused before anything changes, and what stops by itself."""

from __future__ import annotations

import base64
import copy
import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from config.settings import Settings
from lambdas.shared.experiment_rules import Broken, Known, check
from lambdas.stop_variant import handler as stopping
from lambdas.stop_variant.environment import Environment
from lambdas.validate_experiments import handler as validating
from operations import experiments
from operations.place import Place, Refused
from stacks.parts import guardrails
from stacks.parts.experiments import known
from tests import example

IDS = "app/env/profile/strategy"
GIVEN = Environment(experiments_profile=IDS, topic_arn="arn:aws:sns:::osusume-dev-alerts", environment="dev")


class Cloud:
    """AppConfig with the validator that is deployed, SSM with the ids, SNS with what was said."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.versions: dict[int, bytes] = {}
        self.deployed: list[int] = []
        self.said: list[dict[str, str]] = []
        self.made = 0
        self.state = "COMPLETE"

    def client(self, _: str) -> Any:
        return self

    def get_parameter(self, *, Name: str) -> Any:
        assert Name == self.settings.names.parameter("serving/experiments")
        return {"Parameter": {"Value": IDS}}

    def get_paginator(self, name: str) -> Any:
        assert name == "list_deployments"
        return self

    def paginate(self, *, ApplicationId: str, EnvironmentId: str) -> Any:
        assert (ApplicationId, EnvironmentId) == ("app", "env")
        rows = [
            {"DeploymentNumber": n, "ConfigurationVersion": str(version), "State": "COMPLETE"}
            for n, version in enumerate(self.deployed, start=1)
        ]
        return [{"Items": rows[:1]}, {"Items": rows[1:]}]

    def get_hosted_configuration_version(self, *, VersionNumber: int, **_: str) -> Any:
        return {"Content": io.BytesIO(self.versions[VersionNumber])}

    def create_hosted_configuration_version(self, *, Content: bytes, ContentType: str, **_: str) -> Any:
        assert ContentType == "application/json"
        self.made += 1
        self.versions[self.made] = Content
        return {"VersionNumber": self.made}

    def delete_hosted_configuration_version(self, *, VersionNumber: int, **_: str) -> None:
        del self.versions[VersionNumber]

    def start_deployment(self, *, ConfigurationVersion: str, DeploymentStrategyId: str, **_: str) -> Any:
        assert DeploymentStrategyId == "strategy"
        document = json.loads(self.versions[int(ConfigurationVersion)])
        try:
            check(document, Known(**{k: frozenset(v) for k, v in known(self.settings).items()}))
        except ValueError as error:
            raise ClientError(
                {"Error": {"Code": "BadRequestException", "Message": str(error)}}, "Start"
            ) from None
        if self.state == "COMPLETE":
            self.deployed.append(int(ConfigurationVersion))
        return {"DeploymentNumber": len(self.deployed), "State": self.state}

    def publish(self, **said: str) -> None:
        self.said.append(said)

    @property
    def live(self) -> Any:
        return json.loads(self.versions[self.deployed[-1]]) if self.deployed else None


def settings(**definition: Any) -> Settings:
    given = example.experiments()
    one = {**given["definitions"][0], "starts": "2026-11-01", "ends": "2099-12-28", **definition}
    one.setdefault("ramp", [])
    return Settings.model_validate({**example.content(), "experiments": {**given, "definitions": [one]}})


RAMP = [{"day": "2026-11-01", "percent": 10}]


class At(Place):
    def client(self, service: str) -> Any:
        return self.session


def place(cloud: Cloud, changed: Settings) -> Place:
    return At(changed, cloud)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(settings(ramp=RAMP))


def test_what_is_configured_is_delivered_once(cloud: Cloud) -> None:
    for _ in range(2):
        assert experiments.experiments(place(cloud, settings(ramp=RAMP))) == 0
    assert cloud.deployed == [1]
    assert cloud.live["experiments"][0]["ramp"] == [["2026-11-01", 10.0]]


@pytest.mark.parametrize(
    "safe",
    [
        {"ramp": [*RAMP, {"day": "2026-11-02", "percent": 50}]},
        {"ramp": RAMP, "testers": {"me": "popular"}},
        {"ramp": RAMP, "stopped": ["popular"]},
        {"ramp": RAMP, "secondary": []},
    ],
    ids=["a ramp", "a tester", "a stop", "a metric that nobody decides by"],
)
def test_what_divides_nobody_anew_is_delivered(cloud: Cloud, safe: Any) -> None:
    experiments.experiments(place(cloud, settings(ramp=RAMP)))
    before = cloud.live["experiments"][0]["version"]
    experiments.experiments(place(cloud, settings(**safe)))
    assert cloud.live["experiments"][0]["version"] == before


@pytest.mark.parametrize(
    "other",
    [
        {"variants": [{"name": "control", "weight": 40}, {"name": "popular", "weight": 60}]},
        {"slots": {"first": 0, "end": 50}},
        {"ends": "2099-12-29"},
        {"primary": "buyers", "secondary": []},
    ],
    ids=["weights", "slots", "an end", "a metric"],
)
def test_another_version_of_what_runs_is_refused_before_anything_changes(cloud: Cloud, other: Any) -> None:
    experiments.experiments(place(cloud, settings(ramp=RAMP)))
    with pytest.raises(Refused, match=r"popular-home runs as version .* name the experiment otherwise"):
        experiments.experiments(place(cloud, settings(ramp=RAMP, **other)))
    assert (cloud.deployed, list(cloud.versions)) == ([1], [1])


def test_a_deployment_may_start_another_version(cloud: Cloud) -> None:
    experiments.redeliver(place(cloud, settings(ramp=RAMP)))
    assert cloud.deployed == [], "until something was delivered the packaged document holds"
    experiments.experiments(place(cloud, settings(ramp=RAMP)))
    experiments.redeliver(place(cloud, settings(ramp=RAMP, slots={"first": 0, "end": 50})))
    assert cloud.live["experiments"][0]["slots"] == [0, 50]


def test_what_the_validator_refuses_leaves_no_trace(cloud: Cloud) -> None:
    """The function that is deployed knows fewer placements than the configuration that is written now."""
    experiments.experiments(place(cloud, settings(ramp=RAMP)))
    changed = settings(ramp=RAMP)
    cloud.settings = changed.model_copy(update={"placements": {}})
    more = settings(ramp=[*RAMP, {"day": "2026-11-02", "percent": 50}])
    with pytest.raises(Refused, match=r"nothing changed: .*layers.home is \"home\""):
        experiments.experiments(place(cloud, more))
    assert (cloud.deployed, list(cloud.versions)) == ([1], [1])


def test_a_deployment_that_does_not_come_through_is_said(cloud: Cloud) -> None:
    cloud.state = "ROLLED_BACK"
    with pytest.raises(Refused, match="is ROLLED_BACK"):
        experiments.experiments(place(cloud, settings(ramp=RAMP)))
    assert cloud.versions == {}


def test_an_environment_without_delivery_says_what_to_do(cloud: Cloud) -> None:
    changed = settings(ramp=RAMP)
    packaged = changed.model_copy(
        update={"experiments": changed.experiments.model_copy(update={"delivery": "deployment"})}
    )
    with pytest.raises(Refused, match="make deploy"):
        experiments.experiments(place(cloud, packaged))
    experiments.redeliver(place(cloud, packaged))
    assert cloud.deployed == []


ALARM = "osusume-dev-variant-popular-home-popular-failing"


def ring(cloud: Cloud, state: str = "ALARM", name: str = ALARM) -> None:
    message = {"AlarmName": name, "NewStateValue": state, "NewStateReason": "12 >= 10"}
    act(cloud, {"Records": [{"Sns": {"Message": json.dumps(message)}}]})


def act(cloud: Cloud, event: Any) -> None:
    """As the function does with the files that the stack puts beside it."""
    watched = {
        cloud.settings.names.of(row.slug): [experiment.name, variant]
        for row, experiment, variant in guardrails.alarms(cloud.settings)
    }
    for one, reason in stopping.asked(event, watched):
        stopping.stop(one, because=reason, clients=cloud.client, given=GIVEN, packaged=packaged())


def decided(**detail: Any) -> Any:
    """An event of the analysis (docs/experiments.md)."""
    version = packaged()["experiments"][0]["version"]
    told = {"experiment": "popular-home", "version": version, "variant": "popular", "stops": True}
    return {"detail-type": "Experiment decided", "detail": {**told, "words_en": "Stop it.", **detail}}


def packaged() -> Any:
    return copy.deepcopy(experiments._plain(experiments.delivered(settings(ramp=RAMP).experiments)))


@pytest.mark.parametrize("delivered_before", [True, False])
def test_a_guardrail_stops_its_variant_once_and_says_so(cloud: Cloud, delivered_before: bool) -> None:
    if delivered_before:
        experiments.experiments(place(cloud, settings(ramp=RAMP)))
    ring(cloud, state="OK")
    assert cloud.said == []
    for _ in range(2):
        ring(cloud)
    assert cloud.live["experiments"][0]["stopped"] == ["popular"]
    assert len(cloud.said) == 1 and cloud.said[0]["TopicArn"] == GIVEN.topic_arn
    assert cloud.said[0]["Subject"] == "osusume-dev: variant popular of popular-home is stopped"
    assert "RESUME=popular-home" in cloud.said[0]["Message"] and "12 >= 10" in cloud.said[0]["Message"]


@pytest.mark.parametrize(
    ("detail", "stops"),
    [({}, True), ({"stops": False}, False), ({"version": "00000000"}, False), ({"variant": "third"}, False)],
    ids=["a guardrail broke", "a decision to wait", "another version", "no such variant"],
)
def test_a_decision_of_the_analysis_stops_the_variant_of_its_version(
    cloud: Cloud, detail: dict[str, Any], stops: bool
) -> None:
    act(cloud, decided(**detail))
    assert [said["Message"].splitlines()[0].endswith("Stop it.") for said in cloud.said] == [True] * stops
    assert bool(cloud.deployed) is stops


def test_an_alarm_that_is_no_guardrail_of_ours_stops_nothing(cloud: Cloud) -> None:
    ring(cloud, name="osusume-dev-api-errors")
    assert (cloud.deployed, cloud.said) == ([], [])


def test_a_stopped_variant_stays_so_through_deliveries_until_somebody_resumes_it(cloud: Cloud) -> None:
    ring(cloud)
    more = settings(ramp=[*RAMP, {"day": "2026-11-02", "percent": 50}])
    for deliver in (experiments.experiments, experiments.redeliver):
        deliver(place(cloud, more))
        assert cloud.live["experiments"][0]["stopped"] == ["popular"]
    experiments.experiments(place(cloud, more), resume="popular-home")
    assert cloud.live["experiments"][0]["stopped"] == []
    with pytest.raises(Refused, match="RESUME='popular-home': no variant"):
        experiments.experiments(place(cloud, more), resume="popular-home")


def test_the_validator_judges_what_appconfig_hands_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, names in known(settings(ramp=RAMP)).items():
        monkeypatch.setenv(name.upper(), json.dumps(names))
    whole = json.dumps(packaged()).encode()
    validating.handler({"content": base64.b64encode(whole).decode()}, None)
    for broken in (b"{", whole.replace(b'"home"]', b'"hme"]'), whole.replace(b"50", b"49", 1)):
        assert broken != whole
        with pytest.raises(Broken):
            validating.handler({"content": base64.b64encode(broken).decode()}, None)
    with pytest.raises(Broken, match="no JSON"):
        validating.handler({"content": "*"}, None)
