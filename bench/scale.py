"""Fits User-Personalization on generated clicks of a large site and measures time, memory and quality.

python -m bench.scale                                   # 1,000,000 users, 50,000 items, 11 events each
python -m bench.scale --users 100000 --items 10000
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from dataclasses import dataclass

import numpy as np

from local.personalize.histories import Histories
from local.personalize.metrics import ranking_metrics
from local.personalize.models.generators import Settings
from local.personalize.models.personalization import Personalizer
from local.personalize.splits import hold_out

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
    lengths = np.minimum(3 + random.geometric(1 / (mean_events - 2), users), 200)
    ptr = np.concatenate([[0], np.cumsum(lengths)])
    tastes = random.randint(0, len(catalogue.bounds) - 1, (users, TOPICS_PER_USER))
    events = np.empty(ptr[-1], np.int32)
    last = np.zeros(users, np.int32)
    for step in range(lengths.max()):
        active = np.flatnonzero(lengths > step)
        chosen = _next(catalogue, tastes[active], last[active], step, random)
        events[ptr[:-1][active] + step] = chosen
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


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(label: str, wall: float, cpu: float) -> None:
    print(f"{label}: {wall:.1f} s wall, {cpu:.1f} s CPU, peak {peak_megabytes():.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--events", type=int, default=11)
    parser.add_argument("--requests", type=int, default=300)
    options = parser.parse_args()
    load = os.getloadavg()
    print(
        f"{os.cpu_count()} cores, load {load[0]:.1f},"
        f" OPENBLAS_CORETYPE {os.environ.get('OPENBLAS_CORETYPE', 'not set')}"
    )
    wall, cpu = time.perf_counter(), time.process_time()
    histories = clicks(users=options.users, items=options.items, mean_events=options.events)
    report(
        f"generated {len(histories.items):,} events", time.perf_counter() - wall, time.process_time() - cpu
    )
    split = hold_out(histories, limit=5000)
    del histories
    wall, cpu = time.perf_counter(), time.process_time()
    model = Personalizer.fit(split.train, options.items, settings=Settings())
    report("fit", time.perf_counter() - wall, time.process_time() - cpu)
    print(
        f"ranker {model.ranker.kind}, out-of-fold NDCG@25",
        {k: round(v, 3) for k, v in model.ranker.validation.items()},
    )
    cpu = time.process_time()
    lists = model.recommend(split.seen, 25)
    print(f"batch inference: {len(split.seen) / (time.process_time() - cpu):.0f} users per CPU second")
    metrics = ranking_metrics(lists=lists.items, relevant=split.truth, n_items=options.items)
    print({name: round(value, 4) for name, value in metrics.items()})
    print(
        "one request, ms: p50 {:.1f}, p95 {:.1f}".format(
            *single_requests(model, split.seen, options.requests)
        )
    )


def single_requests(model: Personalizer, queries: Histories, count: int) -> tuple[float, float]:
    seconds = []
    for user in range(min(count, len(queries))):
        started = time.perf_counter()
        model.recommend(queries.user(user), 25)
        seconds.append(time.perf_counter() - started)
    return float(np.percentile(seconds, 50)) * 1000, float(np.percentile(seconds, 95)) * 1000


if __name__ == "__main__":
    main()
