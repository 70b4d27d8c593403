"""Pass: hands its input on, changed. https://docs.aws.amazon.com/step-functions/latest/dg/state-pass.html"""

from __future__ import annotations

from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame


def run(frame: Frame) -> Outcome:
    if frame.jsonata:
        return frame.flow.passed()
    result = frame.state["Result"] if "Result" in frame.state else frame.flow.arguments()
    return frame.flow.completed(result)
