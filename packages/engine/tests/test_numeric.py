"""An infinite value is refused at import, and missing where frames hold one all the same."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osusume_engine.attribution import Metric, report
from osusume_engine.data import Event, EventParameters, EventsConfig, Objective, TrainingData
from osusume_engine.imports import ImportFailure, import_files
from osusume_engine.numeric import finite
from osusume_engine.schemas import parse_schema
from osusume_engine.training import TrainedModel, train
from tests.blocks import catalogue, data, interactions, users

ENDLESS = [math.inf, -math.inf, 1e308]


def priced(value: float) -> TrainingData:
    """The catalogue with prices, of which those of i0 and i5 are `value`."""
    items = catalogue().assign(PRICE=np.arange(80.0))
    items.loc[items.ITEM_ID.isin(["i0", "i5"]), "PRICE"] = value
    return replace(data(), items=items)


def numbers(trained: TrainedModel) -> list[float]:
    """The metrics, and the scores of a list."""
    listed = trained.recommend(user_id="u1", num_results=30)
    return [*trained.metrics.values(), *(one.score for one in listed)]


@pytest.mark.parametrize("value", ENDLESS)
def test_an_infinite_price_is_a_missing_one_to_an_objective(value: float) -> None:
    objective = Objective("PRICE", "HIGH")
    found = train(recipe="aws-user-personalization-v2", data=priced(value), objective=objective)
    missing = train(recipe="aws-user-personalization-v2", data=priced(math.nan), objective=objective)
    assert np.isfinite(numbers(found)).all()
    assert found.metrics == missing.metrics
    assert found.metrics["average_rewards_at_k"] > 0


def test_infinite_metadata_and_event_values_are_missing_ones_to_actions() -> None:
    def trained(value: float) -> dict[str, float]:
        given = data()
        assert given.actions is not None
        people = pd.DataFrame({"USER_ID": users(), "AGE": np.arange(120.0)})
        people.loc[::7, "AGE"] = value
        valued = interactions().assign(EVENT_VALUE=1.5)
        valued.loc[::11, "EVENT_VALUE"] = value
        actions = given.actions.assign(VALUE=[value, 2.0], COST=[value, 1.0])
        return train(
            recipe="aws-next-best-action",
            data=replace(given, users=people, interactions=valued, actions=actions),
        ).metrics

    assert np.isfinite(list(trained(math.inf).values())).all()
    assert trained(math.inf) == trained(math.nan) == trained(-math.inf)


def test_infinite_metadata_of_users_is_missing_to_personal_lists() -> None:
    def trained(value: float) -> dict[str, float]:
        people = pd.DataFrame({"USER_ID": users(), "AGE": np.arange(120.0)})
        people.loc[::7, "AGE"] = value
        return train(recipe="aws-user-personalization-v2", data=replace(data(), users=people)).metrics

    assert trained(math.inf) == trained(math.nan)
    assert np.isfinite(list(trained(math.inf).values())).all()


@pytest.mark.parametrize("config", [
    EventsConfig(event_type="view", event_value_threshold=1.0),
    EventsConfig(parameters=(EventParameters("view", threshold=1.0),)),
])  # fmt: skip
def test_an_infinite_event_value_reaches_no_threshold(config: EventsConfig) -> None:
    values = [math.inf, -math.inf, math.nan, 0.5, 1.0]
    frame = pd.DataFrame({"EVENT_TYPE": "view", "EVENT_VALUE": values})
    assert config.select(frame).index.tolist() == [4]
    assert [config.accepts(Event("i1", 1, "view", value)) for value in values] == [False] * 4 + [True]


def test_attribution_sums_leave_infinite_values_out() -> None:
    events = pd.DataFrame(
        {"ITEM_ID": ["a", "b"], "EVENT_TYPE": "buy", "TIMESTAMP": 0, "EVENT_VALUE": [math.inf, 2.0]}
    )
    items = pd.DataFrame({"ITEM_ID": ["a", "b"], "PRICE": [3.0, -math.inf]})
    metrics = [
        Metric("value", "buy", "sum", "INTERACTIONS", "EVENT_VALUE"),
        Metric("price", "buy", "sum", "ITEMS", "PRICE"),
    ]
    found = report(interactions=events, items=items, metrics=metrics, sources={})
    assert dict(zip(found.METRIC_NAME, found.VALUE, strict=True)) == {"value": 2.0, "price": 3.0}


@pytest.mark.parametrize(
    ("kind", "text"), [("double", "1e999"), ("double", "-1e400"), ("float", "1e39"), ("float", "-3.5E+38")]
)
def test_a_number_that_would_be_read_as_infinity_is_refused_at_import(
    kind: str, text: str, tmp_path: Path
) -> None:
    fields = [{"name": "ITEM_ID", "type": "string"}, {"name": "PRICE", "type": ["null", kind]}]
    schema = parse_schema(json.dumps({"type": "record", "name": "Items", "fields": fields, "version": "1.0"}))
    (tmp_path / "items.csv").write_text(f"ITEM_ID,PRICE\na,1\nb,{text}\n", encoding="utf-8")
    reason = rf"PRICE has the value '{text.replace('+', '.')}' that is too large for type {kind} \(row 3"
    with pytest.raises(ImportFailure, match=reason):
        import_files(schema=schema, sources=[tmp_path / "items.csv"], target=tmp_path / "out.parquet")


def test_what_is_no_finite_number_is_missing() -> None:
    given = pd.Series([1, "2", "inf", "-Infinity", "x", None, math.inf, 1e99, -1e101], dtype=object)
    assert finite(given).dropna().to_dict() == {0: 1.0, 1: 2.0, 7: 1e99}
