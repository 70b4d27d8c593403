"""The comparison with recorded answers, on recordings made up here; the recordings themselves stay outside."""

from __future__ import annotations

from typing import Any

import pytest

from osusume_endpoint.testing.recorded import __main__ as command
from osusume_endpoint.testing.recorded.compare import Comparison, ending


def differences(recorded: Any, found: Any, **options: Any) -> list[str]:
    return [".".join(each.path) for each in Comparison(**options).differences("answer", recorded, found)]


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        (
            {"arn": "arn:<partition>:states:<region>:111111111111:x:<ArnPart_0idx>"},
            {"arn": "arn:aws:states:r:2:x:m"},
        ),
        ({"startDate": "datetime"}, {"startDate": 1.5}),
        ({"output": {"a": 1}}, {"output": '{"a": 1}'}),
        ({"ResponseMetadata": {"HTTPStatusCode": 200}}, {"ResponseMetadata": {}}),
        ({"a": 1}, {"a": 1, "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}}),
        ({"failed": 0}, {"failed": 0, "failuresNotRedrivable": 0, "pendingRedrive": 0}),
        (
            {"events": [{"id": [0], "type": "A"}, {"id": [0], "type": "B"}]},
            {"events": [{"id": 2, "type": "B"}, {"id": 1, "type": "A"}]},
        ),
    ],
)
def test_answers_that_say_the_same_are_equal(recorded: Any, found: Any) -> None:
    assert differences(recorded, found) == []


@pytest.mark.parametrize(
    ("recorded", "found", "where"),
    [
        ({"a": 1}, {"a": 2}, "answer.a"),
        ({"a": 1}, {"a": True}, "answer.a"),
        ({"a": 1}, {}, "answer.a"),
        ({}, {"a": 1}, "answer.a"),
        ({"a": "x<region>"}, {"a": "yeu"}, "answer.a"),
        ({"events": [{"id": 1}]}, {"events": [{"id": 2}]}, "answer.events.0.id"),
        ({"events": [{"type": "A"}]}, {"events": []}, "answer.events.length"),
    ],
)
def test_a_leaf_that_differs_is_named(recorded: Any, found: Any, where: str) -> None:
    assert differences(recorded, found) == [where]


def test_a_runs_own_values_are_replaced_as_the_scenario_says() -> None:
    assert differences({"r": "role"}, {"r": "arn:mine"}, replaced=[("arn:m.*", "role")]) == []
    assert differences({"r": "role-name"}, {"r": "any"}, words={"role-name"}) == []


def test_a_placeholder_of_an_older_recording_stands_for_what_now_has_a_word() -> None:
    comparison = Comparison(replaced=[("arn:aws:iam::2:role/r", "role_arn")])
    recorded = {"roleArn": "arn:<partition>:iam::111111111111:role/<resource:1>"}
    assert comparison.differences("answer", recorded, {"roleArn": "arn:aws:iam::2:role/r"}) == []


def test_histories_end_the_same_with_one_type_and_error() -> None:
    def history(error: str, cause: str) -> dict:
        return {"h": {"events": [{"type": "ExecutionFailed", "details": {"error": error, "cause": cause}}]}}

    assert ending(history("E", "one")) == ending(history("E", "other"))
    assert ending(history("E", "one")) != ending(history("F", "one"))


def test_a_folder_without_the_suite_is_refused(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(tmp_path)]) == 2
    assert "give a checkout of localstack/localstack" in capsys.readouterr().err
