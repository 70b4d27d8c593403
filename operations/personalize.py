"""Removes what the workflows made in Personalize, in its order.

Developer guide, "Deleting resources": campaigns before solutions; event trackers and filters before datasets;
solution versions go with their solution; nothing is deleted while something of it is being made.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from config import layout
from operations.executions import PATIENCE_SECONDS, poll_seconds, wait
from operations.pages import each
from operations.place import Place, Refused, absent, say

_IN_PROGRESS = ("PENDING", "IN_PROGRESS", "STOPPING")


def remove_models(place: Place) -> None:
    """All that is made of the datasets, of every generation: what costs, and what would hold the dataset group."""
    _stop_trainings(place)
    for solution in _solutions(place):
        _remove(place, "campaign", _of(place, "campaigns", solutionArn=solution))
        wait(partial(_is_idle, place, solution), what=f"the jobs of {_name(solution)}")
    for kind, member in (
        ("recommender", "recommenders"),
        ("event_tracker", "eventTrackers"),
        ("metric_attribution", "metricAttributions"),
        ("filter", "Filters"),
    ):
        _remove(place, kind, _of_groups(place, member))
    _remove(place, "solution", _solutions(place))


def remove_action_datasets(place: Place) -> None:
    """Removes action datasets, which no stack made: the dataset group would not go before them."""
    made = tuple(f"/{_name(place.names.dataset_arn(name))}" for name in layout.ACTION_DATASETS)
    _remove(place, "dataset", [arn for arn in _of_groups(place, "datasets") if arn.endswith(made)])


def remove_earlier_groups(place: Place) -> None:
    """CloudFormation gave them up when another generation was deployed: their solutions held them then."""
    *earlier, _ = place.names.dataset_group_arns
    for group in [arn for arn in _of(place, "datasetGroups") if arn in earlier]:
        _remove(place, "dataset", _of(place, "datasets", datasetGroupArn=group))
        _remove(place, "dataset_group", [group])


def wait_for_imports(place: Place) -> None:
    """A dataset whose import runs can't be deleted, and an import can't be stopped."""
    wait(lambda: not list(_imports(place)), what="imports and exports of the datasets")


def remove_schemas(place: Place) -> None:
    """Removes the environment's schemas that no stack owned: the stacks' went with their datasets."""
    prefix = f"{place.names.prefix}-"
    schemas = _of(place, "schemas")
    _remove(place, "schema", [arn for arn in schemas if _name(arn).startswith(prefix)])


def _solutions(place: Place) -> list[str]:
    return _of_groups(place, "solutions")


def _of_groups(place: Place, member: str) -> list[str]:
    """A member of the dataset groups of every generation."""
    groups = place.names.dataset_group_arns
    return [arn for group in groups for arn in _of(place, member, datasetGroupArn=group)]


def _of(place: Place, member: str, **arguments: Any) -> list[str]:
    """ARNs of a kind; `member` is the list's name in the answer, such as eventTrackers."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in member).strip("_")
    own = f"{member[0].lower()}{member[1:].removesuffix('s')}Arn"
    return [summary[own] for summary in each(place, "personalize", f"list_{words}", member, **arguments)]


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _stop_trainings(place: Place) -> None:
    """Training costs by the hour; what has not begun can't be stopped, and is waited for."""
    client = place.client("personalize")
    for solution in _solutions(place):
        versions = each(
            place, "personalize", "list_solution_versions", "solutionVersions", solutionArn=solution
        )
        for version in versions:
            if version["status"] == "CREATE IN_PROGRESS":
                say(f"  stopping the training of {_name(solution)}")
                client.stop_solution_version_creation(solutionVersionArn=version["solutionVersionArn"])


def _is_idle(place: Place, solution: str) -> bool:
    """Whether no version is being made, and no batch job of one runs."""
    statuses = []
    for version in each(
        place, "personalize", "list_solution_versions", "solutionVersions", solutionArn=solution
    ):
        statuses.append(version["status"])
        statuses += _statuses_of_jobs(place, version["solutionVersionArn"])
    return not any(map(_is_busy, statuses))


def _statuses_of_jobs(place: Place, version: str) -> Iterator[str]:
    for kind in ("inference", "segment"):
        jobs = each(
            place,
            "personalize",
            f"list_batch_{kind}_jobs",
            f"batch{kind.capitalize()}Jobs",
            solutionVersionArn=version,
        )
        yield from (job["status"] for job in jobs)


def _is_busy(status: str) -> bool:
    return any(word in status for word in _IN_PROGRESS)


def _imports(place: Place) -> Iterator[str]:
    for dataset in _of_groups(place, "datasets"):
        for kind in ("import", "export"):
            jobs = each(
                place,
                "personalize",
                f"list_dataset_{kind}_jobs",
                f"dataset{kind.capitalize()}Jobs",
                datasetArn=dataset,
            )
            yield from (job["jobName"] for job in jobs if _is_busy(job["status"]))


def _remove(place: Place, kind: str, arns: list[str]) -> None:
    for arn in arns:
        say(f"  deleting the {kind.replace('_', ' ')} {_name(arn)}")
        _delete(place, kind, arn)
    for arn in arns:
        wait(partial(_is_gone, place, kind, arn), what=f"{_name(arn)} to be deleted")


def _member(kind: str) -> str:
    first, *rest = kind.split("_")
    return first + "".join(word.capitalize() for word in rest) + "Arn"


def _delete(place: Place, kind: str, arn: str) -> None:
    """Waits for whatever is being made or deleted of it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            getattr(place.client("personalize"), f"delete_{kind}")(**{_member(kind): arn})
            return
        except ClientError as error:
            if absent(error):
                return
            if error.response["Error"]["Code"] != "ResourceInUseException":
                raise
            if time.monotonic() > deadline:
                raise Refused(f"{arn} is in use: {error}: repeat the command when it is not") from error
        time.sleep(poll_seconds())


def _is_gone(place: Place, kind: str, arn: str) -> bool:
    try:
        getattr(place.client("personalize"), f"describe_{kind}")(**{_member(kind): arn})
    except ClientError as error:
        if absent(error):
            return True
        raise
    return False
