"""Error names of the Amazon States Language (appendix A) and how they travel through the interpreter."""

from __future__ import annotations

ALL = "States.ALL"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
EXCEED_TOLERATED_FAILURE_THRESHOLD = "States.ExceedToleratedFailureThreshold"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
INTRINSIC_FAILURE = "States.IntrinsicFailure"
ITEM_READER_FAILED = "States.ItemReaderFailed"
NO_CHOICE_MATCHED = "States.NoChoiceMatched"
PERMISSIONS = "States.Permissions"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
RESULT_PATH_MATCH_FAILURE = "States.ResultPathMatchFailure"
RESULT_WRITER_FAILED = "States.ResultWriterFailed"
RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"


class StateError(Exception):
    """A failed state: what `Retry` and `Catch` match, and what an execution fails with.

    `location` is the field whose JSONata expression could not be evaluated: `Arguments/FunctionName`.
    `precedes_entry` says that the history tells of it as of something before the state's entry.
    """

    def __init__(
        self,
        error: str | None,
        cause: str | None = None,
        *,
        location: str | None = None,
        precedes_entry: bool | None = None,
    ) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause
        self.location = location
        self.precedes_entry = location is not None if precedes_entry is None else precedes_entry

    @property
    def told(self) -> str | None:
        """The name in histories and answers: rules tell a missed heartbeat from a timeout, these do not.

        Recorded in localstack's timeouts/test_heartbeats.py.
        """
        return TIMEOUT if self.error == HEARTBEAT_TIMEOUT else self.error


class PassingError(StateError):
    """A call failed of a throttle, the server or the network: another try may do."""


class DeclaredError(StateError):
    """An error that somebody chose: a Fail state or SendTaskFailure. Its cause is handed on as it is."""


class Aborted(Exception):
    """The execution was stopped, or a sibling branch failed: no state may go on."""


class UnsupportedFeature(StateError):
    """A valid feature of Step Functions that this interpreter lacks; the message names it."""

    def __init__(self, feature: str) -> None:
        super().__init__(RUNTIME, f"{feature} is not emulated by the embedded Step Functions")
