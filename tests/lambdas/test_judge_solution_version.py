from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from lambdas.judge_solution_version.environment import Environment
from lambdas.judge_solution_version.gate import MetricMissing
from lambdas.judge_solution_version.handler import run
from lambdas.shared.events import InvalidEvent
from tests.lambdas.fakes import S3, DynamoDB

METRIC = "normalized_discounted_cumulative_gain_at_25"
ARN = "arn:aws:personalize:ap-northeast-1:111111111111:solution/osusume-dev-personal"
NEW, OLD = f"{ARN}/new", f"{ARN}/old"
SETTINGS = Environment(
    "control",
    "results",
    {"personal": "aws-user-personalization-v2"},
    {"personal": METRIC},
    0.9,
    "Osusume/test",
)
RUN = "20261124T030000Z"


@pytest.fixture
def judged(stubbed: Any) -> Any:
    def make(
        new: dict[str, float], serving: dict[str, float] | None, *, arn: str = NEW, s3: S3 | None = None
    ) -> Any:
        client, stubber = stubbed("personalize")
        answer = {"solutionVersionArn": arn, "metrics": new}
        stubber.add_response("get_solution_metrics", answer, {"solutionVersionArn": arn})
        item = {
            "pk": {"S": "serving#personal"},
            "solution_version_arn": {"S": OLD},
            "metrics": {"S": json.dumps(serving)},
        }
        return run(
            {"solution": "personal", "solution_version_arn": arn, "run_id": RUN},
            personalize=client,
            dynamodb=DynamoDB(*([item] if serving is not None else [])),
            s3=s3 or S3(),
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
    }


def test_a_serving_version_that_is_judged_again_stays_promoted(judged: Any) -> None:
    assert judged({METRIC: 0.1}, {METRIC: 0.4}, arn=OLD)["promote"] is True


def test_a_gate_on_a_metric_that_the_serving_version_lacks_lets_the_new_one_in(judged: Any) -> None:
    assert judged({METRIC: 0.1}, {"coverage": 0.9})["promote"] is True


def test_a_metric_that_personalize_does_not_report_is_an_error_with_the_cure(judged: Any) -> None:
    with pytest.raises(MetricMissing, match=r"set quality_gate\.metric to one of coverage, precision_at_5"):
        judged({"precision_at_5": 0.1, "coverage": 0.2}, None)


def test_an_unknown_solution_is_refused_before_anything_is_read() -> None:
    event = {"solution": "other", "solution_version_arn": NEW, "run_id": RUN}
    with pytest.raises(InvalidEvent, match="solution is 'other': pass one of personal"):
        run(event, personalize=None, dynamodb=None, s3=None, settings=SETTINGS)


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
    assert [line["promoted"] for line in lines if "promoted" in line] == [1]
    assert {line["Solution"] for line in lines} == {"personal"}
