"""common.yaml and an environment's file: how they join, and that a fault in either is told with its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config import files
from config.errors import ConfigError
from config.settings import load
from tests import example

OWN = ("environment", "account", "removal")


@pytest.fixture
def parted(tmp_path: Path) -> Any:
    """Writes the example into the two files, each with changes."""

    def write(*, common: dict[str, Any] | None = None, own: dict[str, Any] | None = None) -> Path:
        content = example.content()
        kept = {key: content.pop(key) for key in OWN}
        written = {"common": files.merged(content, common or {}), "dev": files.merged(kept, own or {})}
        for name, value in written.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(value))
        return tmp_path

    return write


def refusal(place: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        load("dev", place)
    return str(refused.value)


def test_two_files_are_the_same_as_one(parted: Any) -> None:
    assert load("dev", parted()) == example.settings()


def test_the_environment_wins_sections_merge_and_lists_are_replaced(parted: Any) -> None:
    solution = {"name": "likes", "recipe": "aws-similar-items", "for_each": "item"}
    taken_back = dict.fromkeys(example.content()["placements"])
    found = load(
        "dev", parted(own={"etl": {"workers": 5}, "solutions": [solution], "placements": taken_back})
    )
    assert found.placements == {}
    assert (found.etl.workers, found.etl.timeout_minutes) == (5, 60)
    assert [one.name for one in found.solutions] == ["likes"]


def test_an_environment_can_take_back_what_is_shared(parted: Any) -> None:
    place = parted(common={"alerts": {"email": "all@example.com"}}, own={"alerts": {"email": None}})
    assert load("dev", place).alerts.email is None


maps = st.recursive(
    st.one_of(st.integers(), st.none(), st.lists(st.integers(), max_size=2)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
    max_leaves=8,
)
sections = st.dictionaries(st.sampled_from("abc"), maps, max_size=3)


def leaves(value: Any, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if not isinstance(value, dict) or not value:
        return {at: value}
    return {place: leaf for key, inner in value.items() for place, leaf in leaves(inner, (*at, key)).items()}


@given(sections, sections)
def test_every_value_above_stands_and_every_value_below_that_it_leaves_room_for(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    both = leaves(files.merged(below, above))
    assert all(both[at] == value for at, value in leaves(above).items() if at)
    covered = [at for at in leaves(above) if at]
    for at, value in leaves(below).items():
        if at and not any(at[: len(c)] == c or c[: len(at)] == at for c in covered):
            assert both[at] == value


@pytest.mark.parametrize(
    ("common", "own", "told"),
    [
        ({"colour": "red"}, {}, "  common.yaml: colour = 'red': this key is not known"),
        ({}, {"colour": "red"}, "  colour = 'red': this key is not known"),
        ({"etl": {"wrokers": 3}}, {}, "  common.yaml: etl.wrokers = 3: this key is not known"),
        ({}, {"etl": {"wrokers": 3}}, "  etl.wrokers = 3: this key is not known"),
        ({"removal": "keep"}, {"removal": "keep"}, "  removal = 'keep': write"),
        ({"etl": {"workers": 1}}, {}, "  common.yaml: etl.workers = 1: write 2 or more"),
        ({"etl": {"workers": 2}}, {"etl": {"workers": 1}}, "  etl.workers = 1: write 2 or more"),
        ({"schedule": {"time_zone": "Tokyo"}}, {}, "  common.yaml: schedule.time_zone = 'Tokyo': "),
        ({"api": None}, {}, "  common.yaml: api = None: "),
    ],
)
def test_a_fault_is_told_with_the_file_that_has_it(
    parted: Any, common: dict[str, Any], own: dict[str, Any], told: str
) -> None:
    message = refusal(parted(common=common, own=own))
    assert message.splitlines()[0] == "dev.yaml: 1 problem(s), nothing was changed"
    assert told in message.splitlines()[1]


def test_an_unknown_key_is_refused_also_where_the_environment_replaces_its_list(parted: Any) -> None:
    solution = {"name": "likes", "recipe": "aws-similar-items", "for_each": "item"}
    place = parted(common={"solutions": [{**solution, "colour": "red"}]}, own={"solutions": [solution]})
    assert "  common.yaml: solutions.0.colour = 'red': this key is not known" in refusal(place)


def test_a_key_that_neither_file_has_is_to_be_added_to_the_environments(parted: Any) -> None:
    place = parted()
    content = yaml.safe_load((place / "dev.yaml").read_text())
    del content["account"]
    (place / "dev.yaml").write_text(yaml.safe_dump(content))
    assert refusal(place).splitlines()[1] == "  account: this key is required: add it"


def test_what_is_shared_is_no_environment(parted: Any) -> None:
    place = parted()
    assert files.environments(place) == ["dev"]
    with pytest.raises(ConfigError, match=r"'common' holds what environments share: use one of \['dev'\]"):
        load("common", place)


@pytest.mark.parametrize("name", ["common", "dev"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("app: a\napp: b\n", "the key 'app' is written twice: keep one"),
        ("etl: {workers: 2, workers: 3}\n", "the key 'workers' is written twice: keep one"),
        ("- app\n", "holds ['app'], not keys and values"),
        ("app: [", "is not YAML"),
    ],
)
def test_a_file_that_can_be_read_in_two_ways_or_none_is_refused(
    parted: Any, name: str, text: str, told: str
) -> None:
    place = parted()
    (place / f"{name}.yaml").write_text(text)
    message = refusal(place)
    assert message.startswith(f"{name}.yaml ") and told in message


def test_an_empty_common_file_shares_nothing(parted: Any) -> None:
    place = parted()
    (place / "common.yaml").write_text("# nothing yet\n")
    (place / "dev.yaml").write_text(example.FILE.read_text())
    assert load("dev", place) == example.settings()


def test_an_anchor_may_be_merged_without_being_a_key_written_twice(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: &a {x: 1}\nb: &b {y: 2}\nc: {<<: *a, z: 3}\n")
    assert files.content(file)["c"] == {"x": 1, "z": 3}
