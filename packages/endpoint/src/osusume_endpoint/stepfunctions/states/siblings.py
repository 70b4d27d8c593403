"""What a Map or Parallel state does when one of its threads has failed."""

from __future__ import annotations

from collections.abc import Sequence

from osusume_endpoint.stepfunctions.errors import Aborted
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.scope import Scope
from osusume_endpoint.stepfunctions.workers import Outcomes


def join(outcomes: Outcomes, frame: Frame, scopes: Sequence[Scope], event: str) -> None:
    """Raises what failed first; the siblings that were stopped because of it don't count."""
    frame.scope.join(scopes)
    if not outcomes.failures:
        return
    frame.scope.stop.check()
    error = next((error for _, error in outcomes.failures if not isinstance(error, Aborted)), Aborted())
    frame.failure = event
    raise error
