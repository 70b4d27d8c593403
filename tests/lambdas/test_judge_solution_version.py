from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.judge_solution_version.environment import Environment
from lambdas.judge_solution_version.handler import run
from lambdas.shared.events import InvalidEvent
from tests.lambdas.fakes import S3, SNS, DynamoDB

METRIC = "normalized_discounted_cumulative_gain_at_25"
ARN = "arn:aws:personalize:ap-northeast-1:111111111111:solution/osusume-dev-personal"
NEW, OLD = f"{ARN}/new", f"{ARN}/old"
TOPIC = "arn:aws:sns:ap-northeast-1:111111111111:osusume-dev-alerts"
SETTINGS = Environment(
    control_table="control",
    datasets_bucket="datasets",
    results_bucket="results",
    topic_arn=TOPIC,
    recipes={"personal": "aws-user-personalization-v2"},
    rules={"personal": {"metric": METRIC, "min_against_serving": 0.9}},
    powertools_metrics_namespace="Osusume/test",
    training_hour_usd=0.24,
)
DESCRIBED = {
    "solutionVersion": {
        "trainingHours": 1.5,
        "trainingMode": "FULL",
        "solutionConfig": {
            "algorithmHyperParameters": {"hidden_dimension": "149", "bptt": "32"},
            "featureTransformationParameters": {"min_user_history_length_percentile": "0.0"},
        },
        "tunedHPOParams": {"algorithmHyperParameters": {"hidden_dimension": "200"}},
    }
}
HYPERPARAMETERS = '{"bptt": "32", "hidden_dimension": "200", "min_user_history_length_percentile": "0.0"}'
RUN = "20261124T030000Z"


@pytest.fixture
def judged(stubbed: Any) -> Any:
    def make(
        new: dict[str, float],
        serving: dict[str, float] | None,
        *,
        arn: str = NEW,
        s3: S3 | None = None,
        sns: SNS | None = None,
        previous: str = "",
    ) -> Any:
        client, stubber = stubbed("personalize")
        answer = {"solutionVersionArn": arn, "metrics": new}
        stubber.add_response("get_solution_metrics", answer, {"solutionVersionArn": arn})
        stubber.add_response("describe_solution_version", DESCRIBED, {"solutionVersionArn": arn})
        item = {
            "pk": {"S": "serving#personal"},
            "solution_version_arn": {"S": OLD},
            "metrics": {"S": json.dumps(serving)},
            "previous_solution_version_arn": {"S": previous},
        }
        return run(
            {"solution": "personal", "solution_version_arn": arn, "run_id": RUN},
            personalize=client,
            dynamodb=DynamoDB(*([item] if serving is not None else [])),
            s3=s3 or S3(),
            sns=sns or SNS(),
            settings=SETTINGS,
        )

    return make


@pytest.mark.parametrize(
    ("new", "promote"),
    [(0.5, True), (0.36, True), (0.359, False), (0.0, False)],
)
def test_a_version_is_promoted_when_its_metric_reaches_the_floor(
    judged: Any, new: float, promote: bool
) -> None:
    answer = judged({METRIC: new}, {METRIC: 0.4})
    assert answer["promote"] is promote
    assert f"{METRIC} is {new:.4f}, the serving version's 0.4000, the floor 0.3600" in answer["reason"]


def test_the_first_version_is_promoted(judged: Any) -> None:
    answer = judged({METRIC: 0.1}, None)
    assert answer == {
        "promote": True,
        "reason": f"{METRIC} is 0.1000; nothing serves yet",
        "metrics": {METRIC: 0.1},
        "previous": "",
    }


def test_what_served_before_is_handed_on_and_a_version_is_not_before_itself(judged: Any) -> None:
    assert judged({METRIC: 0.5}, {METRIC: 0.4})["previous"] == OLD
    again = judged({METRIC: 0.5}, {METRIC: 0.4}, arn=OLD, previous="arn:before-old")
    assert again["previous"] == "arn:before-old"


def test_a_serving_version_that_is_judged_again_stays_promoted(judged: Any) -> None:
    assert judged({METRIC: 0.1}, {METRIC: 0.4}, arn=OLD)["promote"] is True


def test_a_gate_on_a_metric_that_the_serving_version_lacks_lets_the_new_one_in(judged: Any) -> None:
    assert judged({METRIC: 0.1}, {"coverage": 0.9})["promote"] is True


def test_a_version_without_the_metric_waits_for_a_command_that_is_named(judged: Any) -> None:
    answer = judged({"precision_at_5": 0.1, "coverage": 0.2}, {METRIC: 0.4})
    assert answer["promote"] is False
    assert answer["reason"] == (
        f"{METRIC} is not reported (there are coverage, precision_at_5): a command promotes it: "
        "the serving version stays (make promote SOLUTION=… VERSION=new)"
    )
    assert judged({"precision_at_5": 0.1, "coverage": 0.2}, None)["promote"] is True


def test_whoever_hears_of_failures_is_told_why_a_version_was_turned_down(judged: Any) -> None:
    sns = SNS()
    judged({METRIC: 0.5}, {METRIC: 0.4}, sns=sns)
    assert sns.published == []
    answer = judged({METRIC: 0.1}, {METRIC: 0.4}, sns=sns)
    [mail] = sns.published
    assert mail["topic"] == TOPIC
    assert mail["subject"] == "osusume-dev: a version of personal was turned down"
    assert answer["reason"] in mail["message"] and NEW in mail["message"]
    assert "make promote ENV=dev ON=aws SOLUTION=personal VERSION=new\n" in mail["message"]


def test_a_mail_that_can_not_be_sent_ends_no_run(judged: Any) -> None:
    sns = SNS(ClientError({"Error": {"Code": "AuthorizationError", "Message": "no"}}, "Publish"))
    assert judged({METRIC: 0.1}, {METRIC: 0.4}, sns=sns)["promote"] is False


def test_an_unknown_solution_is_refused_before_anything_is_read() -> None:
    event = {"solution": "other", "solution_version_arn": NEW, "run_id": RUN}
    with pytest.raises(InvalidEvent, match="solution is 'other': pass one of personal"):
        run(event, personalize=None, dynamodb=None, s3=None, sns=None, settings=SETTINGS)


def test_every_metric_becomes_a_warehouse_row(judged: Any) -> None:
    s3 = S3()
    judged({METRIC: 0.1, "coverage": 0.2}, {METRIC: 0.4}, s3=s3)
    body = s3.objects[f"results/runs/{RUN}/warehouse/solution_version_metrics/personal.json.gz"]
    rows = [json.loads(line) for line in gzip.decompress(body).splitlines()]
    common = {
        "run_id": RUN,
        "solution": "personal",
        "recipe": "aws-user-personalization-v2",
        "solution_version_arn": NEW,
        "promoted": False,
        "created_at": "2026-11-24 03:00:00",
        "reason": f"{METRIC} is 0.1000, the serving version's 0.4000, the floor 0.3600: the serving version stays",
        "hyperparameters": HYPERPARAMETERS,
        "training_mode": "FULL",
        "training_hours": 1.5,
        "estimated_cost_usd": 0.36,
    }
    assert rows == [
        common | {"metric": "coverage", "value": 0.2},
        common | {"metric": METRIC, "value": 0.1},
    ]


def test_judging_again_writes_the_same_bytes(judged: Any) -> None:
    first, second = S3(), S3()
    judged({METRIC: 0.5}, {METRIC: 0.4}, s3=first)
    judged({METRIC: 0.5}, {METRIC: 0.4}, s3=second)
    assert first.objects == second.objects and first.objects


def test_metrics_go_to_cloudwatch_by_solution(judged: Any, capsys: pytest.CaptureFixture[str]) -> None:
    judged({METRIC: 0.5}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line[METRIC] for line in lines if METRIC in line] == [0.5]
    assert [line["training_hours"] for line in lines if "training_hours" in line] == [1.5]
    assert [line["estimated_cost_usd"] for line in lines if "estimated_cost_usd" in line] == [0.36]
    assert [line["promoted"] for line in lines if "promoted" in line] == [1]
    assert {line["Solution"] for line in lines} == {"personal"}
