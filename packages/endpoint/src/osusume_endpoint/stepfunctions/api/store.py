"""State machines, versions, aliases and executions in ministack's records, of the account and region asked.

`revised` is ours: AWS gives a state machine its first revision id with its first change (recorded in localstack's
test_sfn_api.py::test_create_update_state_machine_base_definition), ministack with its creation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osusume_endpoint.errors import ApiError

INITIAL = "INITIAL"  # the revision id of a state machine that was never changed


@dataclass(frozen=True)
class Store:
    ministack: Any

    @property
    def machines(self) -> Any:
        return self.ministack._state_machines

    @property
    def versions(self) -> Any:
        return self.ministack._state_machine_versions

    @property
    def aliases(self) -> Any:
        return self.ministack._state_machine_aliases

    @property
    def executions(self) -> Any:
        return self.ministack._executions

    def machine(self, arn: str) -> dict[str, Any]:
        """Raises StateMachineDoesNotExist, also for the ARN of a version or alias."""
        found: dict[str, Any] | None = self.machines.get(arn)
        if found is None:
            raise no_machine(arn)
        return found

    def machine_of(self, arn: str) -> dict[str, Any]:
        """The state machine of its own ARN, a version's or an alias's. Raises StateMachineDoesNotExist."""
        if arn in self.machines:
            return self.machine(arn)
        if arn in self.versions or arn in self.aliases:
            return self.machine(base(arn))
        raise no_machine(arn)

    def execution(self, arn: str) -> dict[str, Any]:
        """Raises ExecutionDoesNotExist."""
        found: dict[str, Any] | None = self.executions.get(arn)
        if found is None:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return found

    def versions_of(self, machine_arn: str) -> list[dict[str, Any]]:
        """The machine's versions in the order of their numbers."""
        found = [each for each in self.versions.values() if each["stateMachineArn"] == machine_arn]
        return sorted(found, key=number)

    def aliases_of(self, machine_arn: str) -> list[dict[str, Any]]:
        found = [each for arn, each in self.aliases.items() if base(arn) == machine_arn]
        return sorted(found, key=lambda alias: (alias["creationDate"], alias["name"]))


def no_machine(arn: str) -> ApiError:
    return ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def base(arn: str) -> str:
    """The state machine's ARN in that of a version or an alias."""
    return arn.rsplit(":", 1)[0]


def number(version: Mapping[str, Any]) -> int:
    return int(version["stateMachineVersionArn"].rsplit(":", 1)[1])


def revision(machine: Mapping[str, Any]) -> str:
    """The revision id, INITIAL before the first change."""
    return str(machine["revisionId"]) if machine.get("revised") else INITIAL


def moment(text: str) -> dt.datetime:
    """ministack keeps timestamps as texts."""
    return dt.datetime.fromisoformat(text)
