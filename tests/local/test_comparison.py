"""What `make compare` says of two sides: the quick part; planted regressions run at night."""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from local.comparison import bill, command, data, report, sides
from local.comparison.review import Answer, Figure, interval, ndcg, overlap, review, sameness, shift
from local.comparison.sides import BaseRefused, Side
from local.demo import generated
from local.repository import REPOSITORY
from osusume_engine.metrics import ranking_metrics
from tests import example
from tests.local import comparison_trials

SHARED = data.Shared(
    source="a shop",
    cut=pd.Timestamp("2026-11-01T00:00:00Z"),
    later={"u1": frozenset({"a", "b"}), "u2": frozenset({"c"})},
    bought={"u1": frozenset({"x"}), "u2": frozenset({"a", "c", "x", "y", "z"})},
    categories={"a": "fruit", "b": "fruit", "c": "tea", "x": "tea"},
    titles={"a": "Apples", "x": "<b>tea</b> | [x](http://x)"},
    users=2,
    items=10,
    events_per_day=5,
)
LISTS = {"personal": {"u1": ["a", "b", "c"], "u2": ["c", "a", "x"]}, "popular": {"everyone": ["a", "c", "x"]}}
SOLUTIONS = {"personal": "user", "popular": "everyone"}
ROWS = {"interactions": {"read": 100, "kept": 90}}


def answer(lists: Any = LISTS, **more: Any) -> Answer:
    return Answer(
        **{"lists": lists, "solutions": SOLUTIONS, "rows": ROWS, "weights": {"purchase": 1.0}, **more}
    )


def with_personal(**lists: list[str]) -> Answer:
    return answer({**LISTS, "personal": {**LISTS["personal"], **lists}})


def test_a_few_lists_that_lose_what_is_new_to_their_user_are_flagged() -> None:
    users = [f"u{n}" for n in range(20)]
    shared = replace(SHARED, bought=dict.fromkeys(users, frozenset({"a", "b"})), later={})
    lists = {user: ["a", "c", "x"] for user in users}  # two of three are new to each
    before = answer({"personal": lists})
    for lost, flagged in ((1, False), (2, True)):
        after = answer({"personal": {**lists, **{user: ["a", "b", "x"] for user in users[:lost]}}})
        flags = review(before, after, shared).flags
        told = "of 20 lists have fewer than 2 items that their user never bought, as each had before"
        assert any(told in flag for flag in flags) == flagged, flags


def test_equal_sides_differ_in_nothing() -> None:
    found = review(answer(), answer(), SHARED)
    assert (found.differ, found.lists, found.flags) == (0, 3, ())
    text = report.markdown(found, shared=SHARED, title="t", cost="")
    assert "0 lists differ of 3" in text
    assert "| personal |" not in text


def test_another_order_differs_and_overlaps_whole() -> None:
    found = review(answer(), with_personal(u1=["b", "a", "c"]), SHARED)
    [personal] = [one for one in found.solutions if one.name == "personal"]
    assert (personal.differ, personal.overlap) == (1, 1.0)
    [pair] = personal.most_changed
    assert (pair.key, pair.before, pair.after) == ("u1", ("a", "b", "c"), ("b", "a", "c"))


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("abcd", "abcd", 1),
        ("abcd", "dcba", 1),
        ("abcd", "abxy", 0.5),
        ("ab", "abxy", 0.5),
        ("", "", 1),
        ("", "a", 0),
    ],
)
def test_overlap_is_the_share_of_the_longer_list(one: str, other: str, share: float) -> None:
    assert overlap(one, other) == share


@pytest.mark.parametrize(
    ("wanted", "value"),
    # Worked by hand after Järvelin and Kekäläinen (2002): 1/log2(place + 1) gained, over the best order's.
    [("a", 1), ("c", 0.5), ("e", 0.38685), ("ac", 0.91972), ("bcd", 0.73283), ("z", 0), ("az", 0.61315)],
)
def test_ndcg_is_as_it_was_defined(wanted: str, value: float) -> None:
    assert ndcg(list("abcde"), frozenset(wanted)) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("wanted", ["a", "ac", "bcd", "abcde"])
def test_ndcg_is_the_engines(wanted: str) -> None:
    codes = np.full((1, 25), -1)
    codes[0, :5] = range(5)
    truth = [np.array(["abcde".index(item) for item in wanted])]
    found = ranking_metrics(lists=codes, relevant=truth, n_items=30)
    name = "normalized_discounted_cumulative_gain_at_25"
    assert ndcg(list("abcde"), frozenset(wanted)) == pytest.approx(found[name])


def test_an_interval_holds_the_mean_and_is_the_same_again() -> None:
    """Beside the normal approximation, which is right for so many users."""
    differences = np.random.default_rng(1).normal(0.1, 0.5, size=900)
    low, high = interval(differences)
    error = 1.96 * differences.std() / 30
    assert (low, high) == pytest.approx((differences.mean() - error, differences.mean() + error), abs=0.01)
    assert interval(differences) == (low, high)


def test_category_shift_is_the_share_of_places_that_moved() -> None:
    old, new = {"u": ["a", "b", "c", "x"]}, {"u": ["a", "c", "c", "x"]}
    assert shift(old, new, SHARED.categories) == pytest.approx(0.25)
    assert shift(old, old, SHARED.categories) == 0


def test_lists_that_are_alike_are_the_same() -> None:
    assert sameness({"u": ["a"], "v": ["a"]}) == 1
    assert sameness({"u": ["a"], "v": ["b"]}) == 0
    assert sameness({"u": ["a"]}) == 0


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (with_personal(u1=["x", "y", "z"]), "personal: an old and a new list share 50% of their places"),
        (with_personal(u1=["a"], u2=["c"]), "personal: lists have 1.0 items, not 3.0"),
        (answer({**LISTS, "personal": {"u1": ["a", "b", "c"]}}), "personal: 1 of 2 lists are gone"),
        (with_personal(u1=["c", "a", "x"]), "personal: two lists share 100% of their places, not 67%"),
        (with_personal(u1=["a", "b", "x"]), "personal: 67% of the places were bought by their user, not 50%"),
        (answer(rows={"interactions": {"read": 100, "kept": 80}}), "interactions: 80 rows are kept, not 90"),
        (
            answer(rows={"interactions": {"read": 100, "kept": 80}}),
            "interactions: 20 rows are left out, not 10",
        ),
        (answer(weights={"purchase": 0.0}), "events of the type purchase weigh nothing, not 1"),
        (answer(weights={}), "events of the type purchase count no more"),
        (Answer(error="ConfigError: no"), "the new side fails: ConfigError: no"),
    ],
)
def test_what_a_change_must_not_do_unsaid_is_flagged(after: Answer, told: str) -> None:
    assert told in review(answer(), after, SHARED).flags


def test_a_worse_list_is_flagged_only_beyond_noise() -> None:
    users = {f"u{n}": frozenset({"a"}) for n in range(40)}
    shared = replace(SHARED, later=users, bought={})
    good, bad = {user: ["a", "b"] for user in users}, {user: ["b", "a"] for user in users}
    flags = review(_one(good), _one(bad), shared).flags
    assert any(flag.startswith("personal: NDCG@25 falls 1.000 → 0.631") for flag in flags)
    mixed = {user: (bad if n % 2 else good)[user] for n, user in enumerate(users)}
    other = {user: (good if n % 2 else bad)[user] for n, user in enumerate(users)}
    assert review(_one(mixed), _one(other), shared).flags == ()
    assert "no difference beyond noise" in report.markdown(
        review(_one(mixed), _one(other), shared), shared=shared, title="t", cost=""
    )


def _one(lists: dict[str, list[str]]) -> Answer:
    return Answer(lists={"personal": lists}, solutions={"personal": "user"})


def test_newcomers_and_heavy_users_stand_apart() -> None:
    found = review(answer(), with_personal(u2=["a", "c", "x"]), SHARED)
    groups = {group.name.partition(" ")[0]: group for group in found.solutions[0].groups}
    assert (groups["newcomers"].lists, groups["newcomers"].differ) == (1, 0)
    assert (groups["heavy"].lists, groups["heavy"].differ) == (1, 1)


def test_nothing_of_the_data_is_markup_in_a_comment() -> None:
    found = review(answer(), with_personal(u1=["x", "@everyone", "</details><script>"]), SHARED)
    text = report.markdown(found, shared=SHARED, title="t", cost="")
    assert "&#60;b&#62;tea&#60;/b&#62; &#124; &#91;x&#93;&#40;http&#58;//x&#41;" in text
    for raw in ("<script", "@everyone", "<b>", "](", "&lt;script"):
        assert raw not in text
    assert report.plain("a\n\n## b &lt;i&gt;") == "a &#35;&#35; b &#60;i&#62;"


def test_the_json_twin_has_every_figure() -> None:
    found = review(answer(), with_personal(u1=["b", "a", "c"]), SHARED)
    content = json.loads(report.as_json(found, shared=SHARED, title="t"))
    assert (content["differ"], content["lists"]) == (1, 3)
    names = [figure["name"] for figure in content["solutions"][0]["figures"]]
    assert names == ["coverage", "length", "sameness", "bought before", "NDCG@25"]


def test_the_data_end_where_what_judges_begins(tmp_path: Path) -> None:
    shop = generated.generate(now=comparison_trials.NOW).shop
    shared = data.share(shop, settings=example.settings(), folder=tmp_path)
    before = pd.read_parquet(tmp_path / "orders.parquet")
    assert before.ordered_at.max() <= shared.cut < shop.orders.ordered_at.max()
    rest = shop.orders[shop.orders.ordered_at > shared.cut]
    assert len(before) + len(rest) == len(shop.orders)
    assert set(shared.later) == set(rest.user_id)
    assert json.loads((tmp_path / "about.json").read_text()) == {"run_id": shared.run_id}


@pytest.mark.parametrize(
    "given", ["no/such/file.yaml", "no-such-revision", "--upload-pack=x", "main; rm -rf x"]
)
def test_a_base_that_is_nothing_is_refused_and_run_nowhere(given: str, tmp_path: Path) -> None:
    with pytest.raises(BaseRefused, match="BASE="), sides.base(given, environment="dev", scratch=tmp_path):
        pytest.fail("it was taken")


def test_a_configurations_file_is_laid_over_the_common_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "common.yaml").write_text("app: shop\n")
    (tmp_path / "old.yaml").write_text("environment: dev\n")
    given = str(tmp_path / "old.yaml")
    with sides.base(given, environment="dev", scratch=tmp_path / "scratch") as side:
        assert side.tree == REPOSITORY
        assert (side.configuration / "common.yaml").read_text() == "app: shop\n"
        assert (side.configuration / "dev.yaml").read_text() == "environment: dev\n"


def test_a_revision_is_checked_out_and_removed_again(tmp_path: Path) -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("no git checkout")
    with sides.base("HEAD", environment="dev", scratch=tmp_path) as side:
        assert (side.tree / "glue_jobs" / "build_datasets.py").is_file()
        assert side.configuration == side.tree / "config"
    assert not side.tree.exists()
    listed = subprocess.run(
        ["git", "worktree", "list"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert str(tmp_path) not in listed.stdout


def test_a_side_that_dies_says_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = tmp_path / "dies.py"
    runner.write_text("import sys; sys.exit('out of memory')")
    monkeypatch.setattr(sides, "RUNNER", runner)
    side = Side(name="x", tree=REPOSITORY, configuration=tmp_path, environment="dev")
    [found] = sides.answers([side], data=tmp_path, scratch=tmp_path / "s")
    assert found.error == "it ended without an answer: out of memory"


def test_the_cost_of_a_change_stands_beside_it(tmp_path: Path) -> None:
    old, new = (
        Side(name=name, tree=REPOSITORY, configuration=_written(tmp_path / name, gateways), environment="dev")
        for name, gateways in (("old", 1), ("new", 2))
    )
    assert bill.told(old, new, SHARED).startswith("Cost: 45.26 USD a month more for 2 users, 10 items")
    assert bill.told(old, old, SHARED).startswith("Cost: no quantity changes")


def _written(folder: Path, gateways: int) -> Path:
    import yaml

    folder.mkdir()
    made = example.content(network={"nat_gateways": gateways})
    (folder / "dev.yaml").write_text(yaml.safe_dump(made))
    return folder


def test_the_command_writes_both_twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sides, "answers", lambda *_, **__: [answer(), with_personal(u1=["x", "y", "z"])])
    monkeypatch.setattr(data, "shop", lambda **_: generated.generate(now=comparison_trials.NOW).shop)
    (tmp_path / "dev.yaml").write_text((example.folder() / "dev.yaml").read_text())
    options = argparse.Namespace(
        base=str(tmp_path / "dev.yaml"),
        environment="dev",
        data=None,
        markdown=tmp_path / "lists.md",
        json=tmp_path / "lists.json",
        strict=True,
    )
    assert command.run(options) == 1
    assert "Look at this:" in capsys.readouterr().out
    assert "1 lists differ of 3" in (tmp_path / "lists.md").read_text()
    assert json.loads((tmp_path / "lists.json").read_text())["differ"] == 1


def test_a_figures_difference_is_of_the_new_side() -> None:
    assert Figure(name="x", before=1, after=3).difference == 2


@pytest.mark.nightly
@pytest.mark.spark
class TestPlanted:
    """Each change by itself, through preparation, training, inference and the rules."""

    def test_every_planted_regression_is_flagged(self, tmp_path: Path) -> None:
        found = comparison_trials.reviews(comparison_trials.REGRESSIONS, tmp_path)
        assert [name for name, one in found.items() if not one.flags] == []
        # What can't even start is flagged whatever it would have done.
        stopped = [name for name, one in found.items() if any("side fails" in flag for flag in one.flags)]
        assert stopped == [trial.name for trial in comparison_trials.REGRESSIONS if trial.stops]

    def test_no_harmless_change_is(self, tmp_path: Path) -> None:
        found = comparison_trials.reviews(comparison_trials.HARMLESS, tmp_path)
        assert {name: one.flags for name, one in found.items() if one.flags} == {}

    def test_what_has_no_effect_changes_no_list(self, tmp_path: Path) -> None:
        found = comparison_trials.reviews(comparison_trials.WITHOUT_EFFECT, tmp_path)
        assert {name: one.differ for name, one in found.items() if one.differ or one.flags} == {}
