"""User-Personalization on generated clicks of sites of three sizes: time, memory, throughput and quality.

    python -m bench.scale                                   # 1, 3 and 11 million interactions
    python -m bench.scale --sites 100000x5000 --write       # and keep the rows in bench/RESULTS-scale.md

Every figure comes from a process of its own. Throughput and training are in CPU seconds of all threads; wall
times depend on what else the machine does, so the load average is beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osusume_engine.batch import BatchReport, infer_files
from osusume_engine.data import TrainingData
from osusume_engine.histories import Histories
from osusume_engine.metrics import ranking_metrics
from osusume_engine.models.fast import FastLists
from osusume_engine.models.generators import Settings
from osusume_engine.models.personalization import Personalizer
from osusume_engine.splits import hold_out
from osusume_engine.training import TrainedModel, train

RESULTS = Path(__file__).with_name("RESULTS-scale.md")
SITES = ("100000x5000", "300000x15000", "1000000x50000")
EVENTS_PER_USER = 11
TESTED = 5000  # users of whom quality is measured
ASKED_FULL, ASKED_FAST = 2000, 50_000  # users whose lists are timed
REQUESTS = 2000

SPAN = 90 * 86_400
TOPICS_PER_USER = 3


@dataclass(frozen=True)
class Catalogue:
    """Zipf popularity; every item has a topic and three likely successors, mostly of its topic."""

    order: np.ndarray  # items by topic
    bounds: np.ndarray  # of each topic in order
    weights: np.ndarray  # cumulative popularity along order
    successors: np.ndarray

    @staticmethod
    def of(items: int, random: np.random.RandomState) -> Catalogue:
        topics = max(20, items // 250)
        topic = random.randint(0, topics, items)
        order = np.argsort(topic, kind="stable")
        bounds = np.searchsorted(topic[order], np.arange(topics + 1))
        popularity = np.empty(items)
        popularity[random.permutation(items)] = np.arange(1, items + 1) ** -0.9
        blank = Catalogue(order, bounds, np.cumsum(popularity[order]), np.zeros((items, 3), np.int32))
        near = np.stack([blank.draw(topic, random) for _ in range(3)], axis=1)
        far = random.randint(0, items, (items, 3))
        return Catalogue(order, bounds, blank.weights, np.where(random.rand(items, 3) < 0.8, near, far))

    def draw(self, topic: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """One item of each given topic, by popularity."""
        low = np.where(self.bounds[topic] > 0, self.weights[self.bounds[topic] - 1], 0)
        high = self.weights[np.maximum(self.bounds[topic + 1] - 1, 0)]
        at = np.searchsorted(self.weights, low + random.rand(len(topic)) * (high - low))
        return self.order[np.minimum(at, len(self.order) - 1)]

    def draw_any(self, count: int, random: np.random.RandomState) -> np.ndarray:
        at = np.searchsorted(self.weights, random.rand(count) * self.weights[-1])
        return self.order[np.minimum(at, len(self.order) - 1)]


def clicks(*, users: int, items: int, mean_events: int, seed: int = 0) -> Histories:
    """15% of events follow popularity alone, 45% a topic of the user, 35% the item before, 5% repeat it."""
    random = np.random.RandomState(seed)
    catalogue = Catalogue.of(items, random)
    lengths = np.minimum(2 + random.geometric(1 / (mean_events - 2), users), 200)
    ptr = np.concatenate([[0], np.cumsum(lengths)])
    tastes = random.randint(0, len(catalogue.bounds) - 1, (users, TOPICS_PER_USER))
    events = np.empty(ptr[-1], np.int32)
    last = np.zeros(users, np.int32)
    for place in range(lengths.max()):
        active = np.flatnonzero(lengths > place)
        chosen = _next(catalogue, tastes[active], last[active], place, random)
        events[ptr[:-1][active] + place] = chosen
        last[active] = chosen
    return Histories(
        events, _times(lengths, random), np.zeros(len(events), np.int8), np.ones(len(events), np.float32), ptr
    )


def _next(
    catalogue: Catalogue, tastes: np.ndarray, last: np.ndarray, step: int, random: np.random.RandomState
) -> np.ndarray:
    draw = random.rand(len(last))
    favourite = np.minimum((random.rand(len(last)) * random.rand(len(last)) * 3).astype(int), 2)
    chosen = catalogue.draw(tastes[np.arange(len(last)), favourite], random)
    chosen = np.where(draw < 0.15, catalogue.draw_any(len(last), random), chosen)
    if step:
        follower = catalogue.successors[last, random.randint(0, 3, len(last))]
        chosen = np.where((draw > 0.6) & (draw < 0.95), follower, chosen)
        chosen = np.where(draw >= 0.95, last, chosen)
    return chosen


def _times(lengths: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    owners = np.repeat(np.arange(len(lengths)), lengths)
    times = 1_700_000_000 + random.randint(0, SPAN, len(owners))
    return times[np.lexsort((times, owners))]


@dataclass(frozen=True)
class Site:
    users: int
    items: int

    @staticmethod
    def of(text: str) -> Site:
        users, items = text.split("x")
        return Site(int(users), int(items))

    def histories(self) -> Histories:
        return clicks(users=self.users, items=self.items, mean_events=EVENTS_PER_USER)


def write_interactions(site: Site, folder: Path) -> dict[str, Any]:
    """Writes the events in the order in which they happened, as an export of a site would be."""
    histories = site.histories()
    order = np.argsort(histories.times, kind="stable")
    names = {
        "USER_ID": np.array([f"user-{n}" for n in range(site.users)], dtype=object)[histories.owners[order]],
        "ITEM_ID": np.array([f"item-{n}" for n in range(site.items)], dtype=object)[histories.items[order]],
    }
    frame = pd.DataFrame({**names, "TIMESTAMP": histories.times[order]})
    frame.to_parquet(folder / "interactions.parquet")
    return {"interactions": len(frame)}


def fit_and_compare(site: Site, folder: Path) -> dict[str, Any]:
    """Personalizer.fit on nine users in ten, and the quality of lists for some of the others."""
    split = hold_out(site.histories(), limit=TESTED)
    model, cost = measured(lambda: Personalizer.fit(split.train, site.items, settings=Settings()))
    fast, cost_of_fast = measured(lambda: FastLists.fit(model, split.train))
    popular = np.tile(model.generators.popularity.by_events[:25], (len(split.seen), 1))
    lists = {
        "popularity": popular,
        "fast": fast.recommend(split.seen, 25).items,
        "full": model.recommend(split.seen, 25).items,
    }
    quality = {
        name: ranking_metrics(lists=found, relevant=split.truth, n_items=site.items)
        for name, found in lists.items()
    }
    return {"fit": cost, "fast_fit": cost_of_fast, "quality": quality, "ranker": model.ranker.kind}


def train_and_save(site: Site, folder: Path) -> dict[str, Any]:
    """What a user calls: with metrics and the last fit on all users."""
    data = TrainingData(interactions=pd.read_parquet(folder / "interactions.parquet"))
    model, cost = measured(lambda: train(recipe="aws-user-personalization-v2", data=data))
    model.save(folder / "model")
    return {"train": cost, "metrics": model.metrics}


def answer(site: Site, folder: Path) -> dict[str, Any]:
    """Lists of known users of the model that `train_and_save` left."""
    model = TrainedModel.load(folder / "model")
    _, cost = measured(lambda: list(model.recommend_arrays(["nobody"], quality="fast")))
    users = np.random.RandomState(1).permutation(model.users.values).tolist()
    fast = next(value for name, value in vars(model).items() if isinstance(value, FastLists))
    histories = model.histories.take(model.users.codes(users[:ASKED_FAST]))
    return {
        "fast_start": cost,
        "full": throughput(users[:ASKED_FULL], lambda ids: model.recommend_arrays(ids, 25)),
        "fast": throughput(users[:ASKED_FAST], lambda ids: model.recommend_arrays(ids, 25, quality="fast")),
        "fast_objects": throughput(
            users[:ASKED_FAST], lambda ids: model.recommend_many(ids, 25, quality="fast")
        ),
        "fast_files": throughput(users[:ASKED_FAST], lambda ids: [infer(model, ids, folder)]),
        "kernel": throughput(users[:ASKED_FAST], lambda ids: [fast.recommend(histories, 25)]),
        "request": request_milliseconds(model, users[:REQUESTS]),
        "load": os.getloadavg()[0],
    }


def infer(model: TrainedModel, users: list[str], folder: Path) -> BatchReport:
    """A batch inference job's file: JSON lines in, JSON lines out."""
    source = folder / f"{len(users)}-users.json"
    if not source.exists():
        source.write_text("".join(json.dumps({"userId": user}) + "\n" for user in users))
    target = source.with_suffix(".json.out")
    return infer_files(model=model, pairs=[(source, target)], num_results=25, quality="fast")


def throughput(users: list[str], answers: Callable[[list[str]], Any]) -> float:
    """Users per CPU second of all threads; best of three, as neighbours on the machine only slow it down."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        for _ in answers(users):
            pass
        seconds.append(time.process_time() - started)
    return len(users) / min(seconds)


def request_milliseconds(model: TrainedModel, users: list[str]) -> dict[str, float]:
    """Wall time of TrainedModel.recommend, which is what a campaign calls."""
    for user in users[:20]:
        model.recommend(user_id=user)
    wall, cpu = [], []
    for user in users:
        started, started_cpu = time.perf_counter(), time.process_time()
        model.recommend(user_id=user)
        cpu.append(time.process_time() - started_cpu)
        wall.append(time.perf_counter() - started)
    quantiles = {f"p{q}": 1000 * float(np.percentile(wall, q)) for q in (50, 95, 99)}
    return quantiles | {f"cpu{q}": 1000 * float(np.percentile(cpu, q)) for q in (50, 95, 99)}


def measured(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    load, wall, cpu = os.getloadavg()[0], time.perf_counter(), time.process_time()
    result = work()
    cost = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "load": (load + os.getloadavg()[0]) / 2,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,  # of the process so far
    }
    return result, cost


STEPS: dict[str, Callable[[Site, Path], dict[str, Any]]] = {
    step.__name__: step for step in (write_interactions, fit_and_compare, train_and_save, answer)
}


def in_own_process(step: str, site: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.scale", "--step", step, "--sites", site, "--folder", str(folder)]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print(site, step, json.dumps(result), file=sys.stderr, flush=True)
    return result


def measure(site: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="osusume-bench-") as folder:
        results = [in_own_process(step, site, Path(folder)) for step in STEPS]
    return {"site": site} | {key: value for result in results for key, value in result.items()}


def report(rows: list[dict[str, Any]]) -> str:
    return "\n".join([conditions(), "", *table(TRAINING, rows), "", *table(ANSWERS, rows), ""])


def table(columns: dict[str, Callable[[dict[str, Any]], str]], rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return lines + ["| " + " | ".join(cell(row) for cell in columns.values()) + " |" for row in rows]


def _site(row: dict[str, Any]) -> str:
    site = Site.of(row["site"])
    return f"{row['interactions'] / 1e6:.1f} M, {site.users:,} users, {site.items:,} items"


def _cost(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: "{cpu:.1f} / {wall:.1f} (load {load:.1f})".format(**row[key])


def _ndcg(row: dict[str, Any]) -> str:
    key = "normalized_discounted_cumulative_gain_at_25"
    return " / ".join(f"{row['quality'][name][key]:.3f}" for name in ("popularity", "fast", "full"))


def _request(prefix: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: " / ".join(f"{row['request'][f'{prefix}{q}']:.1f}" for q in (50, 95, 99))


TRAINING: dict[str, Callable[[dict[str, Any]], str]] = {
    "interactions": _site,
    "`Personalizer.fit`, CPU / wall s": _cost("fit"),
    "peak MB": lambda row: f"{row['fit']['megabytes']:.0f}",
    "`train()`, CPU / wall s": _cost("train"),
    "peak MB of it": lambda row: f"{row['train']['megabytes']:.0f}",
    "its CPU s per million": lambda row: f"{row['train']['cpu'] / row['interactions'] * 1e6:.1f}",
}
ANSWERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "interactions": _site,
    "NDCG@25 popularity / fast / full": _ndcg,
    "full, users per CPU s": lambda row: f"{row['full']:,.0f}",
    "fast, ids to ids": lambda row: f"{row['fast']:,.0f}",
    "fast, kernel": lambda row: f"{row['kernel']:,.0f}",
    "fast, JSON to JSON": lambda row: f"{row['fast_files']:,.0f}",
    "fast, as objects": lambda row: f"{row['fast_objects']:,.0f}",
    "fast, to start, CPU s": lambda row: f"{row['fast_start']['cpu']:.1f}",
    "one request p50 / p95 / p99, ms wall": _request("p"),
    "ms CPU": _request("cpu"),
    "load": lambda row: f"{row['load']:.1f}",
}


def conditions() -> str:
    return (
        f"`python -m bench.scale`, Python {platform.python_version()}, numpy {np.__version__}, "
        f"{os.cpu_count()} cores, OPENBLAS_CORETYPE {os.environ.get('OPENBLAS_CORETYPE', 'not set')}."
    )


HEADER = f"""# User-Personalization at scale

Generated clicks ({EVENTS_PER_USER} a user), every column group from a process of its own. Load is the load
average of the machine meanwhile: above its number of cores, wall times say little and CPU times are too high.
`train()` is what a solution version costs: reading ids, the fit without the test users, metrics, the last fit.
Fast lists: `recommend_many(..., quality="fast")`; from user ids to item ids, without those ids, from a batch
job's JSON lines to JSON lines, and as the objects that the library returns. One request is
`TrainedModel.recommend` of {REQUESTS:,} users, one by one.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", nargs="*", default=SITES, help="USERSxITEMS")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.step:
        json.dump(STEPS[options.step](Site.of(options.sites[0]), options.folder), sys.stdout)
        return
    rows: list[dict[str, Any]] = []
    for site in options.sites:
        rows = sorted([*rows, measure(site)], key=lambda row: row["interactions"])
        print(report(rows), flush=True)
        if options.write:
            RESULTS.write_text(f"{HEADER}\n{report(rows)}", encoding="utf-8")


if __name__ == "__main__":
    main()
