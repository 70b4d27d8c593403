"""What asks before it acts, and what it takes for gone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import operations
from config.settings import Settings
from operations import first, inventory
from operations.place import Place, Refused, absent, confirm
from tests import example

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture
def settings() -> Settings:
    return example.settings()


def error(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.mark.parametrize("answer", ["", "prod", "dev2", "DEV", "yes", "osusume-dev"])
def test_any_other_answer_than_the_name_refuses(settings: Settings, answer: str) -> None:
    with pytest.raises(Refused, match="Nothing was done"):
        confirm(Place(settings), what="This can't be undone", ask=lambda question: answer)


def test_nobody_there_to_answer_refuses(settings: Settings) -> None:
    def ask(question: str) -> str:
        raise EOFError

    with pytest.raises(Refused):
        confirm(Place(settings), what="This can't be undone", ask=ask)


def test_the_name_typed_or_given_goes_on(settings: Settings) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return " dev\n"

    confirm(Place(settings), what="This can't be undone", ask=ask)
    confirm(Place(settings), what="This can't be undone", given="dev", ask=ask)
    assert asked == ["This can't be undone. Type the environment's name to go on: "]


@pytest.mark.parametrize(
    "gone",
    [
        error("ResourceNotFoundException"),
        error("EntityNotFoundException"),
        error("NoSuchBucket"),
        error("404"),
        error("DBClusterNotFoundFault"),
        error("StateMachineDoesNotExist"),
        error("ExecutionDoesNotExist"),
        error("ValidationError", "Stack with id osusume-dev-storage does not exist"),
    ],
    ids=lambda one: one.response["Error"]["Code"],
)
def test_what_is_gone_is_passed_over(gone: ClientError) -> None:
    assert absent(gone)


@pytest.mark.parametrize(
    "there",
    [
        error("AccessDenied", "… does not exist or you may not"),
        error("ResourceInUseException"),
        error("ValidationError", "Stack [x] cannot be deleted while TerminationProtection is enabled"),
        error("ThrottlingException"),
        error("BucketNotEmpty"),
    ],
    ids=lambda one: one.response["Error"]["Code"],
)
def test_what_was_refused_is_not_gone(there: ClientError) -> None:
    assert not absent(there)


@pytest.mark.parametrize(
    ("name", "its_own"),
    [
        ("osusume-dev", True),
        ("osusume-dev-raw", True),
        ("osusume-dev/aurora", True),
        ("osusume-dev2", False),
        ("osusume-dev2-raw", False),
        ("osusume-prod-raw", False),
        ("other", False),
    ],
)
def test_another_environments_things_are_not_this_ones(settings: Settings, name: str, its_own: bool) -> None:
    assert inventory.is_of(Place(settings), name) is its_own
    assert inventory.is_of(Place(settings), f"/aws/lambda/{name}", "/aws/lambda/") is its_own


@pytest.mark.parametrize(
    ("cost", "rank"),
    [
        (inventory.BY_HOUR, 0),
        ("1.00 USD", 1),
        (inventory.BY_USE, 2),
        ("3 GB of storage", 3),
        (inventory.FREE, 4),
    ],
)
def test_what_costs_by_the_hour_stands_first(cost: str, rank: int) -> None:
    assert inventory._rank(inventory.Left("kind", "name", cost)) == rank


def test_the_inventory_tells_everything_once_and_ends_with_how_many(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    free, dear = (
        inventory.Left("schedule", "a", inventory.FREE),
        inventory.Left("campaign", "b", inventory.BY_HOUR),
    )
    monkeypatch.setattr(inventory, "LOOKS", (lambda place: [free, dear],))
    monkeypatch.setattr(inventory, "DETAILS", ())
    inventory.show(place)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["b", "a"]
    assert lines[2] == "2 thing(s) exist: 1 that cost by the hour, 1 that cost nothing."


def test_the_parts_are_those_of_the_app() -> None:
    tree = ast.parse(APP.read_text())
    [stacks] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "STACKS"
    ]
    assert isinstance(stacks, ast.Tuple)
    names = [one.id.removesuffix("Stack").lower() for one in stacks.elts if isinstance(one, ast.Name)]
    assert names == list(first.PARTS)


def test_who_only_deploys_needs_no_more_than_the_deployment_installs() -> None:
    """Two modules of what is deployed are read too, which need nothing but Python, and the client of the API."""
    own = {"config", "operations", "lambdas", "warehouse", "__future__"}
    allowed = {"boto3", "botocore", "clients", "httpx", "yaml", *own}
    folder = Path(operations.__file__ or "").parent
    read = [APP.parent / "lambdas/load_warehouse/script.py", APP.parent / "warehouse/load/tables.py"]
    assert imported(read) - own - set(sys.stdlib_module_names) == set()
    found = imported(folder.glob("*.py"))
    assert found - allowed - set(sys.stdlib_module_names) == set()


def imported(files: Iterable[Path]) -> set[str]:
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


def test_their_packages_are_a_group_between_the_deployments_and_the_laptops() -> None:
    deploys, acts, runs = (
        set(re.findall(r"^([\w.-]+==\S+)", (APP.parent / lock).read_text(), re.MULTILINE))
        for lock in ("requirements.txt", "requirements-account.txt", "requirements-local.txt")
    )
    assert deploys < acts < runs
    assert {pin.partition("==")[0] for pin in acts - deploys} >= {"boto3", "botocore"}
