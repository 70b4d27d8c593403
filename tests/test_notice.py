"""NOTICE names what the Lambda layers ship, and stands in front of what its metadata makes worth a look."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTICE = (ROOT / "NOTICE").read_text()
LOCKS = {
    "runtime": "lambdas/requirements.txt",
    "dbt": "lambdas/run_dbt/requirements.txt",
    "statistics": "lambdas/analyse_experiments/requirements.txt",
    "tokens": "lambdas/authorize_reader/requirements.txt",
    "duckdb": "lambdas/build_datasets/requirements.txt",
    "parquet": "lambdas/forget_users/requirements.txt",
}
# Copyleft, or a choice between licences.
_TO_LOOK_AT = re.compile(r"GPL|Lesser|MPL|Mozilla|Artistic|Dual|\bOR\b")


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(), re.MULTILINE))


def section(title: str) -> str:
    """From its heading to the next line that isn't indented."""
    return re.split(r"\n(?=\S)", NOTICE.partition(f"\n{title}\n")[2])[0]


def first_looked_at(layer: str | None = None) -> set[str]:
    rows = re.split(r"\n(?=  \S)", section("Look at these first"))
    where = re.compile(rf"layer {layer}|both layers" if layer else "")
    return {row.split()[0] for row in rows if row.strip() and where.search(row)}


def others(layer: str) -> set[str]:
    rows = re.findall(
        r"^ {2,22}(?:[A-Z][\w.-]* +)?(\S.*)$", section(f"Layer {layer}, all the others"), re.MULTILINE
    )
    return {name for row in rows for name in re.split(r"[,\s]+", row) if name}


COUNTS = {4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}


def test_the_first_paragraph_counts_the_layers_and_names_their_locks() -> None:
    first = NOTICE.partition("Look at these first")[0]
    named = re.findall(r"lambdas/(?:\w+/)?requirements\.txt", first)
    locks = {path.relative_to(ROOT).as_posix() for path in (ROOT / "lambdas").rglob("requirements.txt")}
    assert sorted(named) == sorted(LOCKS.values()) == sorted(locks)
    assert f"into {COUNTS[len(LOCKS)]} Lambda layers" in first


@pytest.mark.parametrize("layer", LOCKS)
def test_every_package_of_a_layer_is_named_and_no_other(layer: str) -> None:
    named = first_looked_at(layer) | others(layer)
    assert named == pins(LOCKS[layer])
    assert first_looked_at(layer) & others(layer) == set()


def stated(package: str) -> str:
    """Licences by a package's own metadata."""
    said = metadata(package)
    classifiers = [text for text in said.get_all("Classifier") or [] if text.startswith("License ::")]
    # The field `License` may hold a whole text; its first line names it.
    short = (said.get("License") or "").partition("\n")[0]
    return "; ".join([said.get("License-Expression") or "", short, *classifiers])


def test_copyleft_and_choices_stand_first() -> None:
    shipped = set().union(*map(pins, LOCKS.values()))
    assert {name for name in shipped if _TO_LOOK_AT.search(stated(name))} <= first_looked_at()
    assert "LGPL" in stated("psycopg2-binary")


FAMILIES = {"Apache-2.0": "Apache", "MIT": "MIT", "BSD": "BSD", "PSF-2.0": "PSF", "MIT-0": "MIT-0"}


@pytest.mark.parametrize("layer", LOCKS)
def test_a_licence_of_the_others_is_what_their_metadata_states(layer: str) -> None:
    rows = re.split(r"\n(?=  \S)", section(f"Layer {layer}, all the others").strip("\n"))
    for row in rows:
        licence, *names = re.split(r"[,\s]+", row.strip())
        assert [name for name in names if FAMILIES[licence] not in stated(name)] == []
