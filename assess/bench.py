"""How long an assessment takes, and whether its verdict holds: commands for a quiet machine.

python -m assess.bench speed --events 1000000            # wall, CPU seconds and memory of one assessment
python -m assess.bench verdicts --sets 40                # "personal beats popularity" beside 20 splits of each set
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from assess import baselines, trials
from assess.assessment import folds_of
from assess.results import ways
from assess.sample import draw
from assess.trials import PERSONAL, Job, Subject
from assess.verdicts import interval
from osusume_engine.data import TrainingData
from osusume_engine.preparation import prepare
from osusume_engine.splits import hold_out

START = 1_760_000_000
TASTES = 20
SPLITS = 20
KINDS = np.array(["view", "view", "view", "cart", "purchase"])
USERS = (40, 60, 90, 130, 200)  # of a set, in turn
TASTE = (0.0, 0.1, 0.3, 0.6, 0.9)  # share of events that follow a user's taste


def made(*, events: int, users: int, items: int, taste: float = 0.6, seed: int = 0) -> pd.DataFrame:
    """Interactions of users who have a taste each, on items of a long tail."""
    random = np.random.RandomState(seed)
    user = random.permutation(
        np.concatenate([np.arange(users)] * 2 + [random.zipf(1.6, events) % users])[:events]
    )
    popular = (items * random.power(0.4, events)).astype(int)
    own = (user * 7919) % TASTES
    item = np.where(random.rand(events) < taste, popular - popular % TASTES + own, popular) % items
    kind = KINDS[random.randint(0, len(KINDS), events)]
    value = np.where(kind == "purchase", random.randint(100, 10_000, events) / 100, np.nan)
    return pd.DataFrame(
        {
            "USER_ID": [f"u{one}" for one in user],
            "ITEM_ID": [f"i{one}" for one in item],
            "TIMESTAMP": START + random.randint(0, 180 * 86_400, events),
            "EVENT_TYPE": kind,
            "EVENT_VALUE": value,
        }
    )


def written(folder: Path, frame: pd.DataFrame, *, items: int) -> Path:
    frame.to_csv(folder / "interactions.csv", index=False)
    number = np.arange(items)
    catalogue = {"ITEM_ID": [f"i{n}" for n in number], "TITLE": [f"Item {n}" for n in number]}
    catalogue |= {"CATEGORY": [f"c{n % TASTES}" for n in number]}
    pd.DataFrame(catalogue).assign(PRICE=number % 97 + 0.5).to_csv(folder / "items.csv", index=False)
    return folder


def speed(*, events: int) -> str:
    with tempfile.TemporaryDirectory() as name:
        items = max(50, events // 50)
        frame = made(events=events, users=max(50, events // 15), items=items)
        folder, started = written(Path(name), frame, items=items), time.monotonic()
        command = [sys.executable, "-m", "assess", str(folder), "--out", str(folder / "out")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, used = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6
    return f"{events:,} events: {wall:.0f} s, {cpu:.0f} CPU s, largest process {peak:.2f} GB, {os.cpu_count()} cores"


def agrees(number: int) -> tuple[bool, bool]:
    """(the assessment's verdict, that of SPLITS splits) on the set of this number."""
    users, taste = USERS[number % len(USERS)], TASTE[number // len(USERS) % len(TASTE)]
    frame = made(events=30 * users, users=users, items=3 * users, taste=taste, seed=number)
    subject = Subject(TrainingData(interactions=frame.sort_values("TIMESTAMP", ignore_index=True)), {}, None)
    folds = folds_of(draw(frame), full=False)
    jobs = [Job("personal", name, fold) for fold in range(folds) for name in ("baselines", PERSONAL)]
    done = trials.run(subject, jobs)
    said = next(way for way in ways(done, "personal", n_items=1) if way.name == PERSONAL).against
    assert said is not None
    return said.verdict == "better", _by_many_splits(subject)


def _by_many_splits(subject: Subject) -> bool:
    """Differences of whole splits, by other seeds: no figure of the assessment enters.

    A user's held-out events are the same in each repetition, so theirs count once, as a mean: taken for users of their
    own, they would make the interval too narrow by the root of the repetitions.
    """
    prepared = prepare(subject.data, events=None, required=trials.NEEDS)
    gains = []
    for split_number in range(SPLITS):
        seed, fold = 1 + split_number // trials.FOLDS, split_number % trials.FOLDS
        split = hold_out(prepared.histories, seed=seed, fold=fold, folds=trials.FOLDS)
        task = trials.task_of(prepared, PERSONAL, split, trial=True)
        lists = trials.LEARNERS[PERSONAL](task).lists
        assert lists is not None
        mine = trials.judged(PERSONAL, lists, split)
        popular = trials.judged("popularity", baselines.popular(split, len(prepared.items)), split)
        gains.append(pd.Series(mine.ndcg - popular.ndcg, index=mine.users))
    return interval(pd.concat(gains).groupby(level=0).mean().to_numpy()).verdict == "better"


def verdicts(*, sets: int) -> str:
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(agrees, range(sets)))
    same = sum(said == many for said, many in found)
    beats = sum(many for _, many in found)
    return (
        f"{same} of {sets} verdicts agree with {SPLITS} splits ({beats} sets where personal beats popularity)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speed", "verdicts"])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--sets", type=int, default=40)
    options = parser.parse_args()
    print(speed(events=options.events) if options.what == "speed" else verdicts(sets=options.sets))


if __name__ == "__main__":
    main()
