"""The proposed configuration is one that loads, and says what was found."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from assess import assessment, costs, data, proposal
from assess.results import Gain, Way
from assess.shape import shape
from assess.trials import PERSONAL
from assess.verdicts import Interval
from checks.spending import use
from tests import example
from tests.assess import shops

BETTER, SAME = Interval(0.2, 0.1, 0.3, 40), Interval(0.0, -0.1, 0.1, 40)


def way(name: str, mean: float, against: Interval | None = None) -> Way:
    one = Interval(mean, mean - 0.05, mean + 0.05, 40)
    return Way(name, one, one, one, 0.1, 0.1, against, one, one)


def proposed(
    folder: Path, *, against: Interval = BETTER, gained: tuple[Gain, ...] = (), **tables: pd.DataFrame
) -> proposal.Proposal:
    rows = shops.interactions(kinds="view purchase like")
    own = data.read(shops.write(folder, rows, **tables), datasets=example.settings().datasets, now=shops.NOW)
    its = shape(own)
    given = proposal.weights(list(its.types), dict(its.types), example.settings().datasets)
    return proposal.propose(
        own,
        its,
        environment="dev",
        given=given,
        personal=[way("popularity", 0.2), way(PERSONAL, 0.4, against)],
        related=[way("aws-sims", 0.2), way("aws-similar-items", 0.4)],
        gained=gained,
    )


@pytest.fixture(autouse=True)
def _example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSUSUME_CONFIG", str(common_of(example.folder())))


def common_of(folder: Path) -> Path:
    """As config/ is: what environments share beside their own."""
    whole = folder.parent / f"{folder.name}-split"
    whole.mkdir(exist_ok=True)
    (whole / "common.yaml").write_text((folder / "dev.yaml").read_text().replace("environment: dev\n", ""))
    (whole / "dev.yaml").write_text((folder / "dev.yaml").read_text())
    return whole


def test_recipes_are_those_of_the_table_of_recipes() -> None:
    """Developer guide, "Choosing a recipe": POPULAR_ITEMS and RELATED_ITEMS."""
    assert proposal.RELATED == ["aws-sims", "aws-similar-items"]
    assert set(assessment.RELATED) == {"aws-similar-items", "aws-sims", "aws-semantic-similarity"}
    assert set(assessment.EVERYONE) == use.COUNTING == {"aws-popularity-count", "aws-trending-now"}


def test_without_metadata_there_is_no_dataset_of_it(tmp_path: Path) -> None:
    found = proposed(tmp_path).settings
    assert found.datasets.users is None and found.datasets.items is None
    assert {event.type: event.source for event in found.datasets.interactions.events} == {
        "like": "application_log",
        "purchase": "orders",
        "view": "application_log",
    }


def test_metadata_become_fields_by_their_kind(tmp_path: Path) -> None:
    found = proposed(tmp_path, items=shops.catalogue(), users=shops.members()).settings
    kinds = {field.name: (field.type, field.categorical) for field in found.datasets.fields("items")}
    assert kinds == {"ITEM_ID": ("string", False), "CATEGORY": ("string", True), "PRICE": ("double", False)}
    assert [field.name for field in found.datasets.fields("users")] == ["USER_ID", "AGE"]


def test_what_does_not_beat_popularity_is_not_paid_for(tmp_path: Path) -> None:
    assert proposed(tmp_path, against=SAME).solutions == ("aws-similar-items", "aws-popularity-count")
    assert proposed(tmp_path).solutions[0] == PERSONAL


def test_with_lists_only_fields_go_that_the_items_have(tmp_path: Path) -> None:
    bare, known = proposed(tmp_path).settings, proposed(tmp_path, items=shops.catalogue()).settings
    assert bare.publishing.item_fields == ()
    assert known.publishing.item_fields == ("CATEGORY",)


def test_a_rule_that_looks_at_a_field_nobody_has_goes_from_every_placement(tmp_path: Path) -> None:
    found = proposed(tmp_path).settings
    assert set(example.settings().rules) - set(found.rules) == {"variety"}
    assert found.placements["home"].rules == ("not-interested", "just-bought")
    assert found.placements["new_for_you"].rules == ("never-bought", "not-interested")
    assert found.placements["product"] == example.settings().placements["product"]


def test_where_nothing_personal_is_learned_the_fallback_fills_the_placement(tmp_path: Path) -> None:
    found = proposed(tmp_path, against=SAME).settings
    assert {name: placement.lists for name, placement in found.placements.items()} == {
        "home": ("popular",),
        "product": ("related",),
        "cart": ("related",),
        "new_for_you": ("popular",),
    }
    assert found.placements["home"].fallback == ()


def test_shared_experiments_keep_what_the_data_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "segments": ["AGE", "GONE"],
        "layers": [{"name": "top", "placements": ["home", "buy_again"]}],
        "metrics": [
            {"name": "buyers", "event": "purchase", "counts": "users"},
            {"name": "clicks", "event": "click", "counts": "events"},
            {"name": "rate", "event": "view", "counts": "events", "per": "impression"},
        ],
    }
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "common.yaml").write_text(yaml.safe_dump(example.content(experiments=given)))
    (folder / "dev.yaml").write_text((example.folder() / "dev.yaml").read_text())
    monkeypatch.setenv("OSUSUME_CONFIG", str(folder))
    found = proposed(tmp_path, against=SAME, users=shops.members()).settings.experiments
    assert [metric.name for metric in found.metrics] == ["buyers", "rate"]
    assert [layer.placements for layer in found.layers] == [("home",)]
    assert found.segments == ("AGE",)


def test_weights_are_written_where_they_help(tmp_path: Path) -> None:
    def weigh(*gained: Gain) -> list[float]:
        found = proposed(tmp_path, gained=gained)
        return [event.weight for event in found.settings.datasets.interactions.events]

    assert weigh() == [1.0, 1.0, 1.0]
    assert weigh(Gain("weights", SAME)) == [1.0, 1.0, 1.0]
    like, purchase, view = weigh(Gain("weights", BETTER))
    assert purchase == 1.0 and like < 1 and view < 1


def test_the_default_items_are_the_shops_most_popular(tmp_path: Path) -> None:
    rows = shops.interactions(kinds="view purchase like")
    counts = rows.drop_duplicates(["USER_ID", "ITEM_ID"]).ITEM_ID.value_counts()
    first = proposed(tmp_path).settings.api.default_items[0]
    assert counts[first] == counts.max()


def test_personal_lists_make_the_month_dearer(tmp_path: Path) -> None:
    own = data.read(
        shops.write(tmp_path, shops.interactions()), datasets=example.settings().datasets, now=shops.NOW
    )
    sums = [
        sum(line.price or 0 for line in costs.month(proposed(tmp_path, against=against).settings, shape(own)))
        for against in (SAME, BETTER)
    ]
    assert sums[0] < sums[1]
