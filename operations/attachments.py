"""Policies of the environment that others gave to their roles: IAM deletes none that is attached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from operations import stacks
from operations.pages import each
from operations.place import Place, Refused
from operations.stacks import Stack

_HOLDERS = ("Role", "User", "Group")  # of IAM's ListEntitiesForPolicy


@dataclass(frozen=True)
class Attachment:
    kind: str  # role, user or group
    holder: str
    policy: str  # ARN

    @property
    def cure(self) -> str:
        return (
            f"aws iam detach-{self.kind}-policy --{self.kind}-name {self.holder} --policy-arn {self.policy}"
        )


def refuse(place: Place, going: Iterable[Stack]) -> None:
    """Raises Refused while a policy of stacks that go is attached to what none of them made."""
    found = list(of_others(place, going))
    if not found:
        return
    holders = sorted({f"{one.kind} {one.holder}" for one in found})
    raise Refused(
        f"Nothing was done: policies of {place.names.prefix} are attached to {', '.join(holders)}, which may still "
        "call the API, and IAM deletes no policy that is attached. Where nothing calls any more, detach them:\n"
        + "\n".join(f"  {one.cure}" for one in found)
    )


def of_others(place: Place, going: Iterable[Stack]) -> Iterator[Attachment]:
    held = [resource for stack in going for resource in stacks.resources(place, stack)]
    own = {identifier for kind, identifier in held if kind.startswith("AWS::IAM::")}
    for kind, policy in held:
        if kind == "AWS::IAM::ManagedPolicy":
            for one in _of_policy(place, policy):
                if one.holder not in own:
                    yield one


def _of_policy(place: Place, policy: str) -> Iterator[Attachment]:
    for holder in _HOLDERS:
        for one in each(
            place,
            "iam",
            "list_entities_for_policy",
            f"Policy{holder}s",
            PolicyArn=policy,
            EntityFilter=holder,
        ):
            yield Attachment(holder.lower(), one[f"{holder}Name"], policy)
