"""Raw rows of two runs. Anna and Ben shop; four items are in the catalogue, two of them recommended."""

from __future__ import annotations

import json

OLD, NEW = "20260101T030000Z", "20260102T030000Z"
LOADED = "2026-01-02 05:30:00"

USERS = [
    (NEW, "anna", "35-44", "50-74K", "2"),
    (NEW, "ben", None, None, None),
    (NEW, "carl", "65+", None, "1"),
]
ITEMS = [
    (NEW, "milk", 1700000000, "GROCERY", "MILK", "Private"),
    (NEW, "bread", 1700000000, "PASTRY", "BREAD", "National"),
    (NEW, "eggs", None, "GROCERY", "EGGS", None),
    (NEW, "tea", None, None, None, None),
]
ORDERS = [
    (NEW, "o1", "anna", "milk", "2026-01-01 10:00:00", 2.5),
    (NEW, "o1", "anna", "bread", "2026-01-01 10:00:00", 1.5),
    (NEW, "o2", "anna", "milk", "2026-01-01 18:00:00", 2.5),
    (NEW, "o3", "ben", "milk", "2026-01-02 03:00:00", 2.0),
]


def _event(
    id: str,
    kind: str,
    user: str,
    at: str,
    *,
    item: str | None = None,
    shown: list[str] | None = None,
    answer: str | None = None,
    served_as: str | None = None,
) -> tuple[object, ...]:
    impression = json.dumps(shown) if shown else None
    return (
        NEW,
        id,
        kind,
        user,
        item,
        f"2026-01-01 {at}",
        "s",
        answer or ("r1" if shown else None),
        None,
        impression,
        True,
        served_as,
    )


EVENTS = [
    _event("i1", "impression", "anna", "09:00:00", shown=["tea", "milk", "eggs"]),
    _event("i2", "impression", "anna", "09:50:00", shown=["milk", "bread"]),
    # Clicks milk after seeing it twice: the second showing gets it. Clicks tea, which i1 alone showed.
    _event("c1", "click", "anna", "09:51:00", item="milk"),
    _event("c2", "click", "anna", "09:55:00", item="tea"),
    # She had said before that eggs do not interest her, and i1 shows them.
    _event("d1", "dismiss", "anna", "08:30:00", item="eggs"),
    # Ben saw milk, and bought it 27 hours later: too late to count. He clicks what he was not shown.
    _event("i3", "impression", "ben", "00:00:00", shown=["milk"]),
    _event("c3", "click", "ben", "00:01:00", item="eggs"),
    _event("v1", "view", "ben", "00:02:00", item="milk"),
    # The API says what it showed carl: of one answer he told nothing, of the other his application tells one item.
    _event(
        "served#25#home#one#b#ra",
        "impression",
        "carl",
        "08:00:00",
        shown=["eggs", "tea"],
        answer="ra",
        served_as="popular;0;1;never-bought=2,variety=1",
    ),
    _event(
        "served#0#cart###rb", "impression", "carl", "08:05:00", shown=["milk", "eggs"], answer="rb"
    ),  # of before it was kept how an answer came about
    _event("i4", "impression", "carl", "08:06:00", shown=["eggs"], answer="rb"),
    _event("v2", "view", "carl", "08:07:00", item="tea", answer="ra"),
]
INTERACTIONS = [
    (NEW, "anna", "milk", "2026-01-01 10:00:00", "purchase", 2.5),
    (NEW, "anna", "milk", "2026-01-01 09:51:00", "click", None),
    (NEW, "ben", "milk", "2026-01-02 03:00:00", "purchase", 2.0),
]
# (…, place as published, item, score, place as inferred, rule). Of the old run nobody kept the list as inferred.
RECOMMENDATIONS = [
    (OLD, "personal", "anna", 1, "milk", 0.9, None, None),
    (NEW, "personal", "anna", 1, "milk", 0.9, 2, "exclude_bought_within_days"),
    (NEW, "personal", "anna", 2, "bread", 0.5, None, "min_never_bought"),
    (NEW, "personal", "anna", None, "eggs", 0.95, 1, "exclude_bought_within_days"),
    (NEW, "personal", "ben", 1, "milk", 0.8, 1, None),
    (NEW, "popular", "everyone", 1, "gone-from-catalogue", 3.0, 1, None),
]
# The lists of the old run serve from 08:02 of the day on which everything is shown.
RUNS = [
    (OLD, "full", "2026-01-01 03:30:00", "2026-01-01 05:00:00", "2026-01-01 08:02:00", 0.5),
    (NEW, "incremental", "2026-01-02 03:15:00", "2026-01-02 04:15:00", "2026-01-02 04:45:00", None),
]
SEGMENTS = [
    (OLD, "near_milk", "milk", 1, "anna"),
    (NEW, "near_milk", "milk", 1, "ben"),
    (NEW, "near_milk", "milk", 2, "anna"),
    (NEW, "near_milk", "organic", 1, "anna"),
]
METRICS = [
    (
        OLD,
        "personal",
        "aws-user-personalization-v2",
        "arn:old",
        "coverage",
        0.25,
        True,
        "2026-01-01 04:00:00",
        1.5,
        0.36,
    ),
    (
        NEW,
        "personal",
        "aws-user-personalization-v2",
        "arn:new",
        "coverage",
        0.5,
        False,
        "2026-01-02 04:00:00",
        2.0,
        0.48,
    ),
    # Of a segment's best users so many were right, on average: a number of users, and no share.
    (
        NEW,
        "near_milk",
        "aws-item-affinity",
        "arn:segment",
        "hit_at_k",
        2.75,
        False,
        "2026-01-02 04:00:00",
        0.5,
        0.12,
    ),
]
QUARANTINE = [
    (NEW, "interactions", "orders", "no user", "o9", "part-0", ""),
    (NEW, "interactions", "orders", "no user", "o8", "part-0", ""),
    (NEW, "items", "items", "category too long", "milk", "part-1", "x"),
]
DATA_QUALITY = [
    (OLD, "rows.interactions", 2.0, None, None),
    (NEW, "rows.interactions", 3.0, 1.6, None),
    (NEW, "rows.users", 3.0, None, None),
    (NEW, "users.distinct", 2.0, 3.0, None),
    (NEW, "age_hours.orders.purchase", 60.0, None, 48.0),
]


def _exposure(
    user: str, at: str, variant: str, *, experiment: str = "home", run: str = NEW, version: str = "11111111"
) -> tuple[object, ...]:
    day = f"{experiment}-{version}-{user}-{at[:10]}"
    return (run, day, experiment, version, variant, "home", user, at, "home", "r1")


EXPOSURES = [
    # Anna came in after her click on milk, before her click on tea and before what she bought; the second run read
    # her exposure again, and she came back on the next day.
    _exposure("anna", "2026-01-01 09:52:00", "control", run=OLD),
    _exposure("anna", "2026-01-01 09:52:00", "control"),
    _exposure("anna", "2026-01-02 08:00:00", "control"),
    _exposure("ben", "2026-01-01 00:00:30", "popular"),
    _exposure("carl", "2026-01-02 00:00:00", "popular"),
    # Of the version before; and one whom something showed two variants.
    _exposure("carl", "2026-01-01 00:00:00", "control", version="00000000"),
    _exposure("dora", "2026-01-01 00:00:00", "control"),
    _exposure("dora", "2026-01-02 00:00:00", "popular"),
]


def _result(
    day: str, role: str, *, run: str = NEW, lift: float | None = 0.1, **more: object
) -> tuple[object, ...]:
    said = {"segment": "all", "variant": "popular", "decision": None} | more
    band = (None, None) if lift is None else (lift - 0.2, lift + 0.2)
    return (run, "home", "11111111", day, role, said["variant"], "buyers", said["segment"], said["segment"], lift,
            *band, *band, said["decision"], "people")  # fmt: skip


EXPERIMENT_RESULTS = [
    _result("2026-01-01", "primary", run=OLD, lift=0.3, decision="keep"),
    # The second run looked at the first day again, and at its own.
    _result("2026-01-01", "primary", decision="keep"),
    _result("2026-01-02", "primary", lift=0.2, decision="ship"),
    _result("2026-01-02", "segment", segment="18-24"),
    _result("2026-01-02", "ratio", variant="control", lift=None),
]

TABLES = [
    ("users", "run_id, user_id, age, income, household_size", USERS),
    ("items", "run_id, item_id, creation_timestamp, category_l1, category_l2, brand", ITEMS),
    ("orders", "run_id, order_id, user_id, item_id, ordered_at, sales_value", ORDERS),
    (
        "events",
        "run_id, event_id, event_type, user_id, item_id, occurred_at, session_id, recommendation_id, value,"
        " impression, simulated, served_as",
        EVENTS,
    ),
    ("interactions", "run_id, user_id, item_id, occurred_at, event_type, event_value", INTERACTIONS),
    (
        "recommendations",
        "run_id, solution, entity_id, rank, item_id, score, inferred_rank, rule",
        RECOMMENDATIONS,
    ),
    ("runs", "run_id, mode, prepared_at, trained_at, served_at, dpu_hours", RUNS),
    ("segments", "run_id, solution, segment, rank, user_id", SEGMENTS),
    (
        "solution_version_metrics",
        "run_id, solution, recipe, solution_version_arn, metric, value, promoted, created_at, training_hours,"
        " estimated_cost_usd",
        METRICS,
    ),
    (
        "exposures",
        "run_id, exposure_id, experiment, version, variant, layer, unit_id, exposed_at, placement,"
        " recommendation_id",
        EXPOSURES,
    ),
    (
        "experiment_results",
        "run_id, experiment, version, day, role, variant, metric, segment_name, segment_value, lift, interval_low,"
        " interval_high, band_low, band_high, decision, made_by",
        EXPERIMENT_RESULTS,
    ),
    ("quarantine", "run_id, dataset, source, reason, source_key, source_file, wrong_value", QUARANTINE),
    ("data_quality", "run_id, figure, value, low, high", DATA_QUALITY),
]
