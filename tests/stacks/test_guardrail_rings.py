"""A guardrail rings, with all that is between: figures, the stack's own alarm, topic, subscription and permission, the
function behind them, what AppConfig delivers then, what readers get, and the mail.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config import serving
from config.experiments import delivered
from config.settings import Settings
from lambdas.shared.hosted import Hosted, Profile
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running
from stacks.parts import guardrails
from tests import example
from tests.stacks.conftest import ROOT, Assembly

# Slow: it deploys functions, and what CloudWatch says of an alarm is a matter of seconds.
pytestmark = [pytest.mark.nightly, pytest.mark.alone]

EXPERIMENT, VARIANT, RUN, PERIOD = "popular-home", "popular", "20261124T030000Z", 300
USERS = [f"u{number}" for number in range(20)]
# Of the stack: what is between the alarm and the function, and where the function mails to.
KINDS = ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "AWS::Lambda::Permission")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    plugins = "iam,cloudformation,cloudwatch,lambda,appconfig,dynamodb"
    with running.running(tmp_path_factory.mktemp("guardrail"), plugins=plugins) as endpoint:
        yield endpoint


def settings() -> Settings:
    """The example's experiment, running since yesterday with every user in it."""
    experiments = example.experiments()
    today = datetime.now(UTC).date()
    [one] = experiments["definitions"]
    one |= {"starts": today - timedelta(days=1), "ends": today + timedelta(days=27), "ramp": []}
    return example.settings(experiments=experiments | {"holdout_percent": 0})


@dataclass(frozen=True)
class World:
    cloud: Endpoint
    hosted: Hosted
    alarm: str
    namespace: str
    mails: str  # URL of a queue
    reader: str  # the function that reads

    def stopped(self) -> list[str]:
        live = self.hosted.live().document or {"experiments": [{"stopped": []}]}
        found: list[str] = live["experiments"][0]["stopped"]
        return found

    def tell(self, variant: str, *, failed: int, answers: int) -> None:
        """Figures of the last three periods, as the read function counts them."""
        dimensions = [{"Name": "Experiment", "Value": EXPERIMENT}, {"Name": "Variant", "Value": variant}]
        data = [
            {
                "MetricName": name,
                "Value": float(value),
                "Timestamp": time.time() - back * PERIOD,
                "Dimensions": dimensions,
            }
            for name, value in (("Failed", failed), ("Answers", answers))
            for back in range(3)
        ]
        self.cloud.client("cloudwatch").put_metric_data(Namespace=self.namespace, MetricData=data)

    def state(self) -> str:
        [alarm] = self.cloud.client("cloudwatch").describe_alarms(AlarmNames=[self.alarm])["MetricAlarms"]
        return str(alarm["StateValue"])

    def shown(self) -> set[str | None]:
        """Variants in the answers of the users' home placement."""
        return {_answer(self.cloud, self.reader, user)["variant"] for user in USERS}

    def mailed(self) -> list[dict[str, str]]:
        found = self.cloud.client("sqs").receive_message(QueueUrl=self.mails, MaxNumberOfMessages=10)
        return [json.loads(one["Body"]) for one in found.get("Messages", [])]


def _answer(cloud: Endpoint, function: str, user: str) -> dict[str, Any]:
    event = {
        "resource": "/v1/users/{userId}/recommendations",
        "path": f"/v1/users/{user}/recommendations",
        "httpMethod": "GET",
        "headers": {},
        "multiValueHeaders": {},
        "multiValueQueryStringParameters": {"placement": ["home"]},
        "pathParameters": {"userId": user},
        "requestContext": {"requestId": "r", "stage": "live", "accountId": cloud.account},
    }
    told, error = running.invoke(cloud, function, event)
    assert error is None and told["statusCode"] == 200, (told, error)
    body: dict[str, Any] = json.loads(told["body"])
    return body


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


def _function(
    cloud: Endpoint, name: str, *, beside: Mapping[str, Any], variables: Mapping[str, str], actions: list[str]
) -> str:
    """A function of the template with what the stack puts beside its code. Returns its name."""
    package = ROOT / "lambdas"
    paths = [package / "__init__.py", *(package / name).glob("*.py"), *(package / "shared").glob("*.py")]
    files = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    return running.make_function(
        cloud,
        files | {f"lambdas/{name}/{file}": json.dumps(content) for file, content in beside.items()},
        role=running.make_role(cloud, running.allow(*actions), service="lambda.amazonaws.com"),
        Handler=f"lambdas.{name}.handler.handler",
        Timeout=60,
        Environment={"Variables": {"POWERTOOLS_SERVICE_NAME": name, **variables}},
    )


def _stopper(cloud: Endpoint, told: Settings, profile: Profile, mails: str) -> str:
    watched = {
        told.names.of(row.slug): [experiment.name, variant]
        for row, experiment, variant in guardrails.alarms(told)
    }
    ids = "/".join((profile.application, profile.environment, profile.profile, profile.strategy))
    return _function(
        cloud,
        "stop_variant",
        beside={"experiments.json": delivered(told.experiments), "watched.json": watched},
        variables={"EXPERIMENTS_PROFILE": ids, "TOPIC_ARN": mails, "ENVIRONMENT": "dev"},
        actions=["appconfig:*", "sns:Publish"],
    )


def _reader(cloud: Endpoint, told: Settings, profile: Profile) -> str:
    variables = {
        "RECOMMENDATIONS_TABLE": told.names.recommendations_table,
        "USER_STATE_TABLE": told.names.user_state_table,
        "POWERTOOLS_METRICS_NAMESPACE": told.names.metric_namespace,
        "EXPERIMENTS_APPLICATION": profile.application,
        "EXPERIMENTS_ENVIRONMENT": profile.environment,
        "EXPERIMENTS_PROFILE": profile.profile,
        "EXPERIMENTS_POLL_SECONDS": "15",  # the shortest that AppConfig takes
        # What is asked here is what is answered, not how fast on a busy machine.
        "READ_TIMEOUT_MS": "5000",
        "ANSWER_WITHIN_MS": "8000",
    }
    return _function(
        cloud,
        "get_recommendations",
        beside={"serving.json": serving.content(told), "default_items.json": told.api.default_items},
        variables=variables,
        actions=["appconfig:*", "dynamodb:*"],
    )


def _published(cloud: Endpoint, told: Settings) -> None:
    client = cloud.client("dynamodb")
    keys = {told.names.recommendations_table: ("pk", "sk"), told.names.user_state_table: ("pk", "sk")}
    for table, (first, second) in keys.items():
        client.create_table(
            TableName=table,
            KeySchema=[
                {"AttributeName": first, "KeyType": "HASH"},
                {"AttributeName": second, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in (first, second)],
            BillingMode="PAY_PER_REQUEST",
        )
    rows = [
        *({"pk": f"pointer#{one.name}", "sk": "pointer", "current": RUN} for one in told.solutions),
        *({"pk": f"personal#{user}", "sk": RUN, "items": '[["p1",0.9]]'} for user in USERS),
        {"pk": "popular#everyone", "sk": RUN, "items": '[["t1",12.0]]'},
    ]
    for row in rows:
        item = {name: {"S": value} for name, value in row.items()}
        client.put_item(TableName=told.names.recommendations_table, Item=item)


def _template(assembly: Assembly, cloud: Endpoint, function: str) -> dict[str, Any]:
    """The stack's alarms of variants and what is between them and the function, which stands for the stack's own."""
    resources = assembly.templates["observability"]["Resources"]
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:{function}"

    def placed(value: Any) -> Any:
        if isinstance(value, str):
            account, region = assembly.settings.account, assembly.settings.region
            return value.replace(account, cloud.account).replace(region, cloud.region)
        if isinstance(value, dict) and "Fn::GetAtt" in value:
            return arn if value["Fn::GetAtt"][0].startswith("StopVariantFunction") else value
        if isinstance(value, dict):
            return {key: placed(one) for key, one in value.items() if key != "KmsMasterKeyId"}
        return [placed(one) for one in value] if isinstance(value, list) else value

    kept = {
        name: {"Type": one["Type"], "Properties": placed(one["Properties"])}
        for name, one in resources.items()
        if (one["Type"] in KINDS and "events.amazonaws.com" not in json.dumps(one))
        or (one["Type"] == "AWS::CloudWatch::Alarm" and name.startswith("VariantPopularHome"))
    }
    assert len([one for one in kept.values() if one["Type"] == "AWS::CloudWatch::Alarm"]) == 2
    return {"Resources": kept}


def _deployed(cloud: Endpoint, template: dict[str, Any]) -> None:
    stack, client = running.name("guardrail"), cloud.client("cloudformation")
    client.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def _mailbox(cloud: Endpoint, topic: str) -> str:
    queues = cloud.client("sqs")
    url = str(queues.create_queue(QueueName=running.name("mails"))["QueueUrl"])
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    ]}  # fmt: skip
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


@pytest.fixture(scope="module")
def world(cloud: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> World:
    told = settings()
    assembly = Assembly("dev", tmp_path_factory.mktemp("assembly"), told)
    profile = _profile(cloud)
    hosted = Hosted(cloud.client("appconfig"), profile)
    hosted.deliver(delivered(told.experiments))
    _published(cloud, told)
    mails = f"arn:aws:sns:{cloud.region}:{cloud.account}:{told.names.topic}"
    function = _stopper(cloud, told, profile, mails)
    _deployed(cloud, _template(assembly, cloud, function))
    return World(
        cloud=cloud,
        hosted=hosted,
        alarm=told.names.of(f"variant-{EXPERIMENT}-{VARIANT}-failing"),
        namespace=told.names.metric_namespace,
        mails=_mailbox(cloud, mails),
        reader=_reader(cloud, told, profile),
    )


def test_a_variant_whose_answers_fail_is_stopped_by_its_alarm_and_a_mail_says_by_which(world: World) -> None:
    assert running.eventually(lambda: world.shown() == {"control", VARIANT}, seconds=30)
    for variant in ("control", VARIANT):
        world.tell(variant, failed=40, answers=100)
    assert running.eventually(lambda: world.state() == "OK", seconds=20), "both sides fail alike"
    assert world.stopped() == [] and world.mailed() == []
    world.tell(VARIANT, failed=60, answers=60)
    assert running.eventually(lambda: world.stopped() == [VARIANT], seconds=60)
    assert world.state() == "ALARM"
    assert running.eventually(lambda: VARIANT not in world.shown(), seconds=90), (
        "readers get what everybody gets"
    )
    assert "control" in world.shown(), "who is in the control stays there"
    [mail] = running.eventually(world.mailed, seconds=20)
    assert mail["Subject"] == f"osusume-dev: variant {VARIANT} of {EXPERIMENT} is stopped"
    assert f"{world.alarm}: Threshold Crossed" in mail["Message"]
    assert f"RESUME={EXPERIMENT}" in mail["Message"]
