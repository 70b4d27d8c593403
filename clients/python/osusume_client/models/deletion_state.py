from typing import Literal

DeletionState = Literal["done", "failed", "requested", "running"]

DELETION_STATE_VALUES: set[DeletionState] = {
    "done",
    "failed",
    "requested",
    "running",
}


def check_deletion_state(value: str) -> DeletionState:
    if value in DELETION_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DELETION_STATE_VALUES!r}")
