"""Planted faults are named, each alone; clean data raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assess import data, quotas, telling
from assess.findings import Finding, findings
from assess.shape import shape
from assess.words import LANGUAGES, Words
from tests import example
from tests.assess import shops

Tables = dict[str, pd.DataFrame]
SAY = Words.of("en")


def found_in(folder: Path) -> tuple[Finding, ...]:
    own = data.read(folder, datasets=example.settings().datasets, now=shops.NOW)
    its = shape(own)
    return findings(own, its, quotas.quotas(own, its))


def alarms(folder: Path) -> list[str]:
    return [telling.finding(one, SAY) for one in found_in(folder) if one.level != "hint"]


def shop(**changes: int | str) -> Tables:
    rows = shops.interactions(**changes)  # type: ignore[arg-type]
    return {"interactions": rows, "items": shops.catalogue(), "users": shops.members()}


def cell(column: str, value: object, *, rows: int = 1, table: str = "interactions") -> Callable[[], Tables]:
    def spoiled() -> Tables:
        tables = shop()
        tables[table] = tables[table].astype(object)
        tables[table].iloc[:rows, tables[table].columns.get_loc(column)] = value
        return tables

    return spoiled


def replaced(change: Callable[[Tables], None], **given: int | str) -> Callable[[], Tables]:
    def spoiled() -> Tables:
        tables = shop(**given)
        change(tables)
        return tables

    return spoiled


def column(table: str, name: str, values: object) -> Callable[[], Tables]:
    return replaced(lambda tables: tables[table].__setitem__(name, values))


def times(change: Callable[[pd.Series], pd.Series], **given: int | str) -> Callable[[], Tables]:
    return replaced(
        lambda t: t["interactions"].__setitem__("TIMESTAMP", change(t["interactions"].TIMESTAMP)), **given
    )


def rows_where(keep: Callable[[pd.DataFrame], pd.Series], **given: int | str) -> Callable[[], Tables]:
    return replaced(
        lambda t: t.__setitem__("interactions", t["interactions"][keep(t["interactions"])]), **given
    )


def again(tables: Tables) -> None:
    rows = tables["interactions"]
    late = rows.iloc[::3].assign(TIMESTAMP=lambda r: r.TIMESTAMP + 2)
    tables["interactions"] = pd.concat([rows, late])


def twice(tables: Tables) -> None:
    tables["interactions"] = pd.concat([tables["interactions"]] * 2)


def doubled(tables: Tables) -> None:
    tables["items"] = pd.concat([tables["items"], tables["items"].iloc[:1]])


def all_of_one_item(tables: Tables) -> None:
    tables["interactions"].loc[::2, "ITEM_ID"] = "i000"


def mostly_strangers(tables: Tables) -> None:
    tables["items"]["ITEM_ID"] = [f"sku-{n}" for n in range(len(tables["items"]))]


def padded(tables: Tables) -> None:
    tables["interactions"].loc[:3, "USER_ID"] = "U001"


def guests(tables: Tables) -> None:
    tables["interactions"].loc[::3, "USER_ID"] = "guest"


def vanished(rows: pd.DataFrame) -> pd.Series:
    return (rows.EVENT_TYPE != "purchase") | (rows.index < len(rows) / 2)


def thin_end(rows: pd.DataFrame) -> pd.Series:
    last = shops.START + 85.5 * shops.DAY
    return rows.TIMESTAMP.lt(last) | (rows.index % 40 == 0) | (rows.index == rows.index[-1])


def hole(rows: pd.DataFrame) -> pd.Series:
    day = (rows.TIMESTAMP - shops.START) / shops.DAY
    return ~day.between(30, 50)


LONG = "x" * 300
ROWS = range(1500)
STRANGERS = [f"v{n}" if n > 250 else f"u{n % 100:03}" for n in ROWS]
RARE = [f"j{n % 700}" for n in ROWS]
FEW = [None if n % 10 else 1 for n in ROWS]
CITIES = [["Kyoto", "Nara"][n % 2] if n < 20 else None for n in range(100)]
# What is planted, and words of the sentence that names it.
FAULTS: dict[str, tuple[Callable[[], Tables], str]] = {
    "too few interactions": (lambda: shop(events=900), "900 interactions, Personalize needs 1,000"),
    "too few users": (lambda: shop(users=20), "20 users have 2 interactions or more"),
    "one item": (column("interactions", "ITEM_ID", "i000"), "1 item(s), lists need 2"),
    "no user": (cell("USER_ID", ""), "the id is missing"),
    "no item": (cell("ITEM_ID", ""), "the id is missing"),
    "a long id": (cell("ITEM_ID", LONG), "the id has 300 characters"),
    "no time": (cell("TIMESTAMP", ""), "the time is missing"),
    "a time that is none": (cell("TIMESTAMP", "yesterday"), "'yesterday' is not a time"),
    "another unit": (times(lambda t: t.where(t.index > 5, t * 1000)), "is in milliseconds"),
    "the future": (cell("TIMESTAMP", 2_000_000_000), "is in the future"),
    "before 1973": (cell("TIMESTAMP", 5_000), "before 1973"),
    "a value that is no number": (cell("EVENT_VALUE", "much"), "'much' is not a number"),
    "a negative value": (cell("EVENT_VALUE", -5), "is negative"),
    "the same event twice": (replaced(twice), "it repeats row"),
    "no type": (cell("EVENT_TYPE", ""), "it is empty: give the type"),
    "twelve types": (lambda: shop(kinds=" ".join(f"k{n}" for n in range(12))), "12 event types"),
    "an item twice": (replaced(doubled), "it repeats row"),
    "ids that nothing shares": (replaced(mostly_strangers), "the others get no metadata"),
    "guests under one id": (replaced(guests), "'guest' has"),
    "all at one second": (times(lambda t: t.where(t.index % 4 == 0, shops.START)), "are at 2025-10-09"),
    "a type that ends": (rows_where(vanished), "the last 'purchase' is of"),
    "ids with decimals": (column("interactions", "USER_ID", [f"{n % 100}.0" for n in ROWS]), "is an id with decimals"),
    "ids that look alike": (replaced(padded), "stands beside"),
    "an id that is nothing": (cell("USER_ID", "null"), "stands for nothing"),
    "a long category": (cell("CATEGORY", "y" * 1_200, table="items"), "it has 1,200 characters"),
    "a hole": (rows_where(hole), "Nothing happened for"),
    "a thin end": (rows_where(thin_end), "was the export cut off"),
    "a few days": (lambda: shop(days=3), "span"),
    "who never return": (column("interactions", "USER_ID", STRANGERS), "Only 7% of the users"),
    "items without events": (column("interactions", "ITEM_ID", RARE), "fewer than 5 interactions"),
    "a placeholder": (replaced(all_of_one_item), "is it a placeholder"),
    "an empty column": (column("items", "BRAND", None), "items.BRAND is empty"),
    "a constant column": (column("items", "SHOP", "main"), "items.SHOP has one value"),
    "a sparse column": (column("users", "CITY", CITIES), "users.CITY is known of 20%"),
    "a column that is no field": (column("items", "price in €", "1"), "can't be a field"),
    "events logged twice": (replaced(again), "within 5 seconds"),
    "few values": (column("interactions", "EVENT_VALUE", FEW), "EVENT_VALUE is given for"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(tmp_path: Path, fault: str) -> None:
    spoiled, words = FAULTS[fault]
    tables = spoiled()
    found = alarms(shops.write(tmp_path, tables.pop("interactions"), **tables))
    assert [line for line in found if words in line], found


def test_more_faults_are_planted_than_asked_for() -> None:
    assert len(FAULTS) >= 25


def ratings() -> Tables:
    """One type, with a value for each; no repeats; no metadata."""
    rows = shops.interactions(events=3000, users=150, items=120, days=400, kinds="rating", seed=2)
    rows = rows.drop_duplicates(["USER_ID", "ITEM_ID"])
    return {"interactions": rows.assign(EVENT_VALUE=np.arange(len(rows)) % 5 + 1)}


def grocery() -> Tables:
    """Bought again and again."""
    return {
        "interactions": shops.interactions(events=5000, items=60, kinds="purchase"),
        "items": shops.catalogue(),
    }


def news() -> Tables:
    """A fortnight of reads; each article is young when it is read."""
    rows = shops.interactions(events=4000, users=300, items=100, days=14, kinds="click", seed=3)
    age = np.random.RandomState(3).randint(0, 12, len(rows))
    born = ((rows.TIMESTAMP - shops.START) // (shops.DAY // 4) - age).clip(lower=0)
    return {"interactions": rows.assign(ITEM_ID=[f"a{n}" for n in born])}


def numbers() -> Tables:
    """Plain numbers as ids, times in ISO 8601."""
    rows = shops.interactions(seed=4)
    moments = pd.to_datetime(rows.TIMESTAMP, unit="s").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    ids = {
        "USER_ID": rows.USER_ID.str[1:].astype(int) + 1000,
        "ITEM_ID": rows.ITEM_ID.str[1:].astype(int) + 5000,
    }
    return {"interactions": rows.assign(TIMESTAMP=moments, **ids)}


def seasonal() -> Tables:
    """Half of the year busy, half quiet; a growing shop."""
    rows = shops.interactions(events=6000, users=200, days=360, seed=5)
    day = (rows.TIMESTAMP - shops.START) // shops.DAY
    return {"interactions": rows[(day % 7 < 5) & ((day > 180) | (rows.index % 3 == 0))]}


CLEAN: dict[str, Callable[[], Tables]] = {
    "a shop": shop,
    "ratings": ratings,
    "a grocery": grocery,
    "news": news,
    "numbers as ids": numbers,
    "a seasonal shop": seasonal,
}


@pytest.mark.parametrize("clean", CLEAN)
def test_clean_data_raise_no_alarm(tmp_path: Path, clean: str) -> None:
    tables = CLEAN[clean]()
    assert alarms(shops.write(tmp_path, tables.pop("interactions"), **tables)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_finding_has_a_sentence_in_every_language(tmp_path: Path, language: str) -> None:
    tables = FAULTS["a hole"][0]()
    one = next(one for one in found_in(shops.write(tmp_path, tables["interactions"])) if one.key == "hole")
    sentence = telling.finding(one, Words.of(language))
    assert "2025-11-08" in sentence and "{" not in sentence
