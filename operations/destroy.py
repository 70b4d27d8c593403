"""`make destroy`: ends an environment, in the order in which AWS lets go of it. What is gone is passed over, so that
a destruction that was interrupted is repeated."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import ClientError

from config.names import Names
from operations import attachments, buckets, executions, inventory, personalize, stacks
from operations.place import Place, absent, confirm, say
from operations.stacks import Stack

# With `removal: retain` these stay as they are: key, buckets and tables; the dataset group. None costs by the hour.
# All else goes, and what it holds stays behind: see docs/adr/0028.
KEPT = ("storage", "training")
_STAY = ("AWS::DynamoDB::Table",)


def destroy(place: Place, *, given: str = "", ask: Callable[[str], str] = input) -> int:
    """The exit code: 0 when all is gone that has to go. Raises Refused before anything is changed."""
    found = stacks.deployed(place)
    _announce(place, found)
    attachments.refuse(place, [stack for stack in found if not _stays(place, stack)])
    confirm(place, what="This can't be undone", given=given, ask=ask)
    _remove_contents(place)
    failures = _delete_stacks(place, found)
    if not failures:
        _remove_leftovers(place)
    for line in failures:
        say(f"  failed: {line}")
    for line in inventory.tell(inventory.left(place), retains=place.retains):
        say(line)
    return 1 if failures else 0


def _announce(place: Place, found: list[Stack]) -> None:
    going = [stack.name for stack in found if not _stays(place, stack)]
    say(f"{len(going)} stack(s) go: {', '.join(going) or 'none is there'}")
    if place.retains:
        say(
            f"`removal: retain` keeps the stacks {', '.join(map(place.names.stack, KEPT))}, and all that is stored"
        )


def _stays(place: Place, stack: Stack) -> bool:
    return place.retains and stack.part in KEPT and stack.status not in stacks.NEVER


def _remove_contents(place: Place) -> None:
    executions.stop(place)
    personalize.remove_models(place)
    personalize.wait_for_imports(place)
    if not place.retains:
        personalize.remove_action_datasets(place)
        for bucket in buckets.names(place):
            buckets.empty(place, bucket)


def _delete_stacks(place: Place, found: list[Stack]) -> list[str]:
    """Deletes stacks that need others before the others. Returns what failed, in words; the rest goes on."""
    failures = []
    for stack in reversed(found):
        if not _stays(place, stack):
            stacks.lift_protection(place, stack, keeps=_STAY if place.retains else ())
            failures += [f"{stack.name}: {why}" for why in stacks.delete(place, stack)]
    return failures


def _remove_leftovers(place: Place) -> None:
    """What is made beside the stacks, and goes with them."""
    for name in freed(place.names):
        _forget_secret(place, name)
    if not place.retains:
        personalize.remove_earlier_groups(place)
        personalize.remove_schemas(place)
        for group in list(inventory.log_groups(place)):
            place.client("logs").delete_log_group(logGroupName=group.name)


def freed(names: Names) -> tuple[str, ...]:
    """Secrets that were retained with a warehouse or a database: CloudFormation adopts none by its name.

    An adopted warehouse gets another password, and so does the user that `grant_reader` makes.
    """
    return names.warehouse_secret, names.warehouse_reader_secret, names.aurora_reader_secret


def _forget_secret(place: Place, name: str) -> None:
    try:
        place.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    except ClientError as error:
        if not absent(error):
            raise
