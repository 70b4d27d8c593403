"""Changes that a comparison has to flag, that it may not flag, and that may change no list: each by itself, on a small
generated shop whose groups of users buy groups of items.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from local.comparison import data, sides
from local.comparison.review import Answer, Review, review
from local.comparison.sides import Side
from local.demo import generated
from local.repository import REPOSITORY
from tests import example

NOW = pd.Timestamp("2026-11-20T12:00:00Z")
Content = dict[str, Any]
TREES = (
    "config",
    "glue_jobs",
    "stacks",
    "warehouse",
    "lambdas",
    "packages/engine/src",
    "packages/endpoint/src",
)


def content() -> Content:
    """The example with short lists, so that what is in them matters."""
    made = copy.deepcopy(example.content())
    made["solutions"][0] |= {"results": 10, "candidates": 40}
    made["publishing"]["min_never_bought"] = 4
    return made


@dataclass(frozen=True)
class Trial:
    """`change` works on the configuration, `edits` on files of the tree: (path, old text, new text).

    `stops`: so little is left that no lists can be made, and that is what is flagged.
    """

    name: str
    change: Callable[[Content], Any] = lambda _: None
    edits: tuple[tuple[str, str, str], ...] = ()
    stops: bool = False


def _events(made: Content) -> list[Any]:
    found: list[Any] = made["datasets"]["interactions"]["events"]
    return found


def _swap_ids(made: Content) -> None:
    columns = made["datasets"]["interactions"]["order_columns"]
    columns["USER_ID"], columns["ITEM_ID"] = columns["ITEM_ID"], columns["USER_ID"]


def _known_by_income(made: Content) -> None:
    made["datasets"]["users"]["only_known"] = True
    made["datasets"]["users"]["fields"][0]["column"] = "income"


REGRESSIONS = (
    Trial("a purchase weighs nothing", lambda c: _events(c)[0].update(weight=0.0)),
    Trial("click is misspelt", lambda c: _events(c)[1].update(type="clik")),
    Trial("purchases are left out", lambda c: _events(c).pop(0), stops=True),
    Trial("users and items are swapped", _swap_ids),
    Trial(
        "a filter of days is one of years", lambda c: c["publishing"].update(exclude_bought_within_days=3650)
    ),
    Trial("bought items leak", lambda c: c["publishing"].update(min_never_bought=0)),
    Trial("half of the list is gone", lambda c: c["solutions"][0].update(results=5)),
    Trial("users are known by another column", _known_by_income, stops=True),
    Trial(
        "everybody gets the popular items",
        edits=(
            (
                "glue_jobs/transforms/recommendations.py",
                '        F.col("output.recommendedItems").alias("items"),\n',
                "        F.expr(\"transform(sequence(0, 9), n -> concat('i0-', '0', n))\").alias(\"items\"),\n",
            ),
        ),
    ),
    Trial(
        "the worst candidates come first",
        edits=(
            (
                "glue_jobs/transforms/recommendations.py",
                "{name: F.slice(name, 1, length)",
                "{name: F.slice(F.reverse(name), 1, length)",
            ),
        ),
    ),
    Trial(
        "a rule keeps what it should leave out",
        edits=(
            (
                "glue_jobs/transforms/recommendations.py",
                "lambda entry: ~F.array_contains(ids",
                "lambda entry: F.array_contains(ids",
            ),
        ),
    ),
    Trial(
        "every fifth user is forgotten",
        edits=(
            (
                "glue_jobs/transforms/batch_input.py",
                'return _distinct(known.users, known.kept, USER_ID, "userId")',
                'return _distinct(known.users, known.kept, USER_ID, "userId").where("userId not like \'%3\'")'
                ".where(\"userId not like '%7'\")",
            ),
        ),
    ),
)

# Their lists may differ a little.
HARMLESS = (
    Trial("a click weighs a little more", lambda c: _events(c)[1].update(weight=0.32)),
    Trial("a favourite weighs a little less", lambda c: _events(c)[2].update(weight=0.48)),
    Trial("one more candidate", lambda c: c["solutions"][0].update(candidates=41)),
    Trial("one item more", lambda c: c["solutions"][0].update(results=11)),
    Trial("one place more for what is new", lambda c: c["publishing"].update(min_never_bought=5)),
    Trial("longer popular lists", lambda c: c["solutions"][2].update(results=72)),
    Trial(
        "related items a little less popular",
        lambda c: c["solutions"][1]["hyperparameters"].update(popularity_discount_factor="0.82"),
    ),
    Trial(
        "an event type that nobody logs",
        lambda c: _events(c).append({"type": "share", "source": "application_log", "weight": 0.5}),
    ),
    Trial(
        "guests are left out of a shop without guests",
        lambda c: c["datasets"]["users"].update(only_known=True),
    ),
    Trial("a filter of an hour's purchases", lambda c: c["publishing"].update(exclude_bought_within_days=1)),
    Trial("solutions in another order", lambda c: c["solutions"].reverse()),
    Trial("a field of users left out", lambda c: c["datasets"]["users"]["fields"].pop()),
)

WITHOUT_EFFECT = (
    Trial("nothing"),
    Trial("nothing, again"),
    Trial("nothing, a third time"),
    Trial("logs kept longer", lambda c: c.update(log_retention_days=90)),
    Trial("a wider network", lambda c: c["network"].update(cidr="10.99.0.0/16")),
    Trial("more gateways", lambda c: c["network"].update(nat_gateways=3)),
    Trial("a larger database", lambda c: c["sources"]["aurora"].update(max_capacity=8)),
    Trial("more workers", lambda c: c["etl"].update(workers=5)),
    Trial("larger workers", lambda c: c["etl"].update(worker_type="G.2X")),
    Trial("a later schedule", lambda c: c["schedule"].update(expression="cron(0 5 * * ? *)")),
    Trial("another time zone", lambda c: c["schedule"].update(time_zone="UTC")),
    Trial("lists expire later", lambda c: c["publishing"].update(expire_after_days=30)),
    Trial("more requests", lambda c: c["api"].update(rate_per_second=500, burst=1000)),
    Trial("other default items", lambda c: c["api"].update(default_items=["i0-00", "i1-01"])),
    Trial("a larger warehouse", lambda c: c["analytics"].update(base_capacity_rpu=16)),
    Trial("another address", lambda c: c["alerts"].update(email="team@example.org")),
    Trial("a larger budget", lambda c: c["budget"].update(monthly_usd=900)),
    Trial("a lower bar for versions", lambda c: c["quality_gate"].update(min_against_serving=0.8)),
    Trial(
        "more rows may be quarantined", lambda c: c["datasets"]["quality"].update(max_quarantined_share=0.1)
    ),
    Trial("events in another order", lambda c: _events(c).reverse()),
)


def side(trial: Trial, *, folder: Path) -> Side:
    made = content()
    trial.change(made)
    configuration = folder / "configuration"
    configuration.mkdir(parents=True)
    (configuration / "dev.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    tree = _edited(trial, folder / "tree") if trial.edits else REPOSITORY
    return Side(name=trial.name, tree=tree, configuration=configuration, environment="dev")


def _edited(trial: Trial, tree: Path) -> Path:
    """A copy with the trial's edits; a fork has the packages as wheels."""
    for name in (name for name in TREES if (REPOSITORY / name).exists()):
        shutil.copytree(REPOSITORY / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in trial.edits:
        text = (tree / name).read_text()
        assert old in text, (trial.name, old)
        (tree / name).write_text(text.replace(old, new))
    return tree


def reviews(trials: tuple[Trial, ...], folder: Path) -> Mapping[str, Review]:
    """What a comparison says of each, against the configuration as it is."""
    shared_folder = folder / "data"
    shared_folder.mkdir(parents=True)
    shop = generated.generate(now=NOW).shop
    settings = example.settings()
    shared = data.share(shop, settings=settings, folder=shared_folder)
    asked = [side(Trial("base"), folder=folder / "base")]
    asked += [side(trial, folder=folder / f"trial-{n}") for n, trial in enumerate(trials)]
    before, *others = sides.answers(asked, data=shared_folder, scratch=folder / "sides")
    assert not before.error, before.error
    return {trial.name: _reviewed(before, after, shared) for trial, after in zip(trials, others, strict=True)}


def _reviewed(before: Answer, after: Answer, shared: data.Shared) -> Review:
    return review(before, after, shared)
