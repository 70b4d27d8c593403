"""AppConfig through boto3's own models: sessions and tokens, validators that refuse, and who may read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.testing import cloud as clouds
from osusume_endpoint.testing.cloud import ACCOUNT, REGION, Cloud

CODE = """
import base64, json
def handler(event, context):
    document = json.loads(base64.b64decode(event["content"]))
    if document.get("broken"):
        raise ValueError("weights sum to 90")
"""
SESSIONS = ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with clouds.running(tmp_path_factory.mktemp("cloud"), plugins="iam,lambda,appconfig") as running:
        yield running


@dataclass(frozen=True)
class Profile:
    cloud: Cloud
    application: str
    environment: str
    profile: str
    strategy: str

    @property
    def arn(self) -> str:
        where = f"application/{self.application}/environment/{self.environment}"
        return f"arn:aws:appconfig:{REGION}:{ACCOUNT}:{where}/configuration/{self.profile}"

    def deliver(self, document: Any) -> dict[str, Any]:
        appconfig = self.cloud.client("appconfig")
        made = appconfig.create_hosted_configuration_version(
            ApplicationId=self.application,
            ConfigurationProfileId=self.profile,
            Content=json.dumps(document).encode(),
            ContentType="application/json",
        )
        started: dict[str, Any] = appconfig.start_deployment(
            ApplicationId=self.application,
            EnvironmentId=self.environment,
            ConfigurationProfileId=self.profile,
            ConfigurationVersion=str(made["VersionNumber"]),
            DeploymentStrategyId=self.strategy,
        )
        return started

    def session(self, *, role: str = "") -> str:
        answer = self.cloud.client("appconfigdata", role).start_configuration_session(
            ApplicationIdentifier=self.application,
            EnvironmentIdentifier=self.environment,
            ConfigurationProfileIdentifier=self.profile,
        )
        return str(answer["InitialConfigurationToken"])

    def latest(self, token: str, *, role: str = "") -> tuple[bytes, str]:
        answer = self.cloud.client("appconfigdata", role).get_latest_configuration(ConfigurationToken=token)
        return answer["Configuration"].read(), answer["NextPollConfigurationToken"]


def function(cloud: Cloud, name: str, *, allowed: bool) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("judge.py", CODE)
    role = cloud.role(f"{name}-role", service="lambda.amazonaws.com", actions=["logs:*"])
    client = cloud.client("lambda")
    made = client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="judge.handler",
        Role=role,
        Code={"ZipFile": archive.getvalue()},
    )
    if allowed:
        client.add_permission(
            FunctionName=name,
            StatementId="appconfig",
            Action="lambda:InvokeFunction",
            Principal="appconfig.amazonaws.com",
        )
    return str(made["FunctionArn"])


def profile(cloud: Cloud, name: str, *validators: dict[str, str]) -> Profile:
    appconfig = cloud.client("appconfig")
    application = appconfig.create_application(Name=name)["Id"]
    environment = appconfig.create_environment(ApplicationId=application, Name="dev")["Id"]
    made = appconfig.create_configuration_profile(
        ApplicationId=application, Name="experiments", LocationUri="hosted", Validators=list(validators)
    )
    strategy = appconfig.create_deployment_strategy(
        Name=f"{name}-at-once", DeploymentDurationInMinutes=0, GrowthFactor=100, ReplicateTo="NONE"
    )
    return Profile(cloud, application, environment, made["Id"], strategy["Id"])


def test_what_is_deployed_is_read_once_and_again_when_it_changed(cloud: Cloud) -> None:
    given = profile(cloud, "read")
    assert given.deliver({"n": 1})["State"] == "COMPLETE"
    first, token = given.latest(given.session())
    unchanged, token = given.latest(token)
    given.deliver({"n": 2})
    second, _ = given.latest(token)
    assert (json.loads(first), unchanged, json.loads(second)) == ({"n": 1}, b"", {"n": 2})


def test_a_token_is_good_for_one_call(cloud: Cloud) -> None:
    given = profile(cloud, "token")
    given.deliver({"n": 1})
    token = given.session()
    given.latest(token)
    with pytest.raises(ClientError, match="BadRequestException"):
        given.latest(token)


def test_a_document_that_the_validator_raises_for_is_not_deployed(cloud: Cloud) -> None:
    validator = {"Type": "LAMBDA", "Content": function(cloud, "judges", allowed=True)}
    given = profile(cloud, "judged", validator)
    given.deliver({"n": 1})
    with pytest.raises(ClientError, match=r"BadRequestException.*weights sum to 90"):
        given.deliver({"broken": True})
    content, _ = given.latest(given.session())
    assert json.loads(content) == {"n": 1}


@pytest.mark.parametrize(
    ("kind", "says"),
    [("unallowed", "may not invoke"), ("missing", "does not exist"), ("schema", "NotEmulated")],
)
def test_a_validator_that_can_t_be_asked_lets_nothing_through(cloud: Cloud, kind: str, says: str) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody"
    if kind == "unallowed":
        arn = function(cloud, "unallowed", allowed=False)
    validator = (
        {"Type": "JSON_SCHEMA", "Content": "{}"} if kind == "schema" else {"Type": "LAMBDA", "Content": arn}
    )
    with pytest.raises(ClientError, match=says if kind != "missing" else "may not invoke|does not exist"):
        profile(cloud, f"refused-{kind}", validator).deliver({"n": 1})


def test_a_reader_needs_the_right_to_the_configuration(cloud: Cloud) -> None:
    mine, other = profile(cloud, "mine"), profile(cloud, "others")
    for one in (mine, other):
        one.deliver({"n": 1})
    cloud.role("reader", service="lambda.amazonaws.com", actions=SESSIONS, resource=mine.arn)
    content, _ = mine.latest(mine.session(role="reader"), role="reader")
    assert json.loads(content) == {"n": 1}
    with pytest.raises(ClientError, match="AccessDenied"):
        other.session(role="reader")
    with pytest.raises(ClientError, match="AccessDenied"):
        other.latest(other.session(), role="reader")


def test_nothing_delivered_is_nothing_read(cloud: Cloud) -> None:
    given = profile(cloud, "empty")
    content, _ = given.latest(given.session())
    assert content == b""
