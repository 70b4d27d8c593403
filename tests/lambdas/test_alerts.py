from __future__ import annotations

from lambdas.shared import alerts
from stacks.workflows import asl
from tests.lambdas.fakes import SNS

TOPIC = "arn:aws:sns:ap-northeast-1:111111111111:osusume-dev-alerts"


def test_a_subject_begins_with_the_prefix_and_is_as_long_as_sns_takes() -> None:
    sns = SNS()
    alerts.tell(sns, TOPIC, subject=f"variant {'v' * 40} of {'e' * 40} is stopped", message="Why")
    [sent] = sns.published
    assert (sent["topic"], sent["message"]) == (TOPIC, "Why")
    assert sent["subject"].startswith("osusume-dev: variant vvv") and len(sent["subject"]) == 99


def test_functions_and_workflows_cut_at_the_same_length() -> None:
    assert alerts.SUBJECT_CHARACTERS == asl.SUBJECT_CHARACTERS
