"""What the configuration refuses of experiments, and what makes a new version of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config import profiles
from config.errors import ConfigError
from config.settings import Settings, load
from tests import example

OTHER = {"name": "other", "starts": "2026-12-10", "ends": "2026-12-20", "ramp": []}


def given(definition: dict[str, Any] | None = None, *more: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The example's experiments with changes to their only definition, more of them, and changes beside."""
    content = example.experiments()
    [one] = content["definitions"]
    return {
        **content,
        "definitions": [{**one, **(definition or {})}, *({**one, **m} for m in more)],
        **changes,
    }


def metric(**changes: Any) -> dict[str, Any]:
    return given(metrics=[*example.experiments()["metrics"], {"name": "more", **changes}])


def variants(*weights: int, **last: Any) -> list[dict[str, Any]]:
    names = ["control", "popular", "third"]
    made: list[dict[str, Any]] = [
        {"name": name, "weight": w} for name, w in zip(names, weights, strict=False)
    ]
    return [*made[:-1], {**made[-1], **last}]  # the last one differs


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no end metric": (
        {**given(), "definitions": [{k: v for k, v in given()["definitions"][0].items() if k != "primary"}]},
        ("experiments.definitions.0.primary", "required", "add it"),
    ),
    "an end metric that isn't there": (
        given({"primary": "clicks_per_impresion"}),
        ("'popular-home'", "'clicks_per_impresion' is not known", "did you mean 'clicks_per_impression'?"),
    ),
    "a metric of another event": (
        metric(event="clck", counts="events"),
        ("metrics: 'more' counts event 'clck'", "did you mean 'click'?"),
    ),
    "a ratio over another event": (
        metric(event="click", counts="events", per="views"),
        ("'more' counts event 'views'", "use one of click, favourite, impression, purchase"),
    ),
    "a ratio of users": (metric(event="click", counts="users", per="impression"), ("write counts: events",)),
    "two variants with one alarm": (
        given(
            {"name": "a", "variants": [{"name": "control", "weight": 50}, {"name": "b-c", "weight": 50}]},
            {
                "name": "a-b",
                "starts": "2027-01-01",
                "ends": "2027-01-20",
                "ramp": [],
                "variants": [{"name": "control", "weight": 50}, {"name": "c", "weight": 50}],
            },
        ),
        ("'a' with variant 'b-c' and 'a-b' with variant 'c'", "one alarm, a-b-c", "rename an experiment"),
    ),
    "a metric twice": (
        metric(name="buyers", event="click", counts="events"),
        ("metrics: name 'buyers' is used twice",),
    ),
    "weights that don't sum": (
        given({"variants": variants(50, 49, name="popular")}),
        ("'popular-home'", "sum to 99", "make them sum to 100"),
    ),
    "weights that sum beyond": (given({"variants": variants(50, 40, 20)}), ("sum to 110",)),
    "a weight of nothing": (
        given({"variants": variants(50, 0)}),
        ("weight = 0", "write 1 or more"),
    ),
    "a single variant": (given({"variants": variants(50)}), ("variants", "at least 2")),
    "variants of one name": (
        given({"variants": variants(50, 50, name="control")}),
        ("'control' is used twice",),
    ),
    "a control that is no variant": (given({"control": "contrl"}), ("did you mean 'control'?",)),
    "a solution of another audience": (
        given({"variants": variants(50, 50, solution="related")}),
        (
            "variant 'popular' shows 'related', a solution for each item, in placement 'home'",
            "take one for everyone or user",
        ),
    ),
    "a solution that isn't there": (
        given({"variants": variants(50, 50, solution="popluar")}),
        ("solution 'popluar' is not known", "did you mean 'popular'?"),
    ),
    "a target that is not published": (
        given({"target": {"attributes": {"AGE": ["25-34"]}}}),
        ("'popular-home': target attribute 'AGE' is not published", "add it to publishing.user_fields"),
    ),
    "a target of an unknown attribute": (
        given({"target": {"attributes": {"AEG": ["25-34"]}}}),
        ("target attribute 'AEG' is not known", "did you mean 'AGE'?"),
    ),
    "a tester's variant that isn't there": (
        given({"testers": {"tina": "fresh"}}),
        ("tester 'tina' has variant 'fresh'", "use one of control, popular"),
    ),
    "an attribute that isn't there": (
        given({"target": {"attributes": {"AGES": ["1"]}}}),
        ("target attribute 'AGES'", "did you mean 'AGE'?"),
    ),
    "an attribute without values": (
        given({"target": {"attributes": {"AGE": []}}}),
        ("attribute 'AGE' has no values", "name some"),
    ),
    "a state that isn't there": (given({"target": {"states": ["fresh"]}}), ("states.0 = 'fresh'", "'new'")),
    "a segment that isn't there": (
        given(segments=["GENDER"]),
        ("segments: field 'GENDER'", "use one of AGE, HOUSEHOLD_SIZE, INCOME"),
    ),
    "a layer that isn't there": (given({"layer": "cart"}), ("layer 'cart' is not known", "use one of home")),
    "a placement in two layers": (
        given(
            layers=[{"name": "home", "placements": ["home"]}, {"name": "x2", "placements": ["cart", "home"]}]
        ),
        ("placement 'home' is in two layers", "keep it in one"),
    ),
    "two experiments on the same users": (
        given(None, OTHER),
        ("'popular-home' and 'other'", "share slots 0 to 100", "slots or days apart"),
    ),
    "two experiments, one of them without an end": (
        given({"slots": {"end": 60}}, {**OTHER, "ends": None, "slots": {"first": 40}}),
        ("share slots 40 to 60",),
    ),
    "slots without room": (given({"slots": {"first": 50, "end": 50}}), ("first 50 is not below end 50",)),
    "an end before the start": (given({"ends": "2026-11-01", "ramp": []}), ("ends 2026-11-01 is not after",)),
    "a start that is no day": (given({"starts": "soon"}), ("definitions.0.starts = 'soon'",)),
    "a ramp that goes down": (
        given({"ramp": [{"day": "2026-12-01", "percent": 50}, {"day": "2026-12-03", "percent": 10}]}),
        ("2026-12-03 at 10 percent follows 2026-12-01 at 50", "steps go up"),
    ),
    "a ramp that goes back": (
        given({"ramp": [{"day": "2026-12-01", "percent": 5}, {"day": "2026-12-01", "percent": 10}]}),
        ("steps go up",),
    ),
    "a ramp that begins late": (
        given({"ramp": [{"day": "2026-12-02", "percent": 5}]}),
        ("starts is 2026-12-01 but the ramp begins 2026-12-02",),
    ),
    "a ramp beyond the end": (
        given({"ramp": [{"day": "2026-12-01", "percent": 5}, {"day": "2027-01-01", "percent": 10}]}),
        ("ramp step 2027-01-01 lies outside", "move it"),
    ),
    "a guardrail on the end metric": (
        given({"guardrails": [{"metric": "clicks_per_impression", "margin": 0.1}]}),
        ("'clicks_per_impression' stands twice", "keep one"),
    ),
    "a guardrail without a margin": (
        given({"guardrails": [{"metric": "buyers"}], "secondary": []}),
        ("guardrails.0.margin", "required"),
    ),
    "the holdout's name": (given({"name": "holdout"}), ("'holdout'", "take another")),
    "a holdout of everybody": (given(holdout_percent=100), ("holdout_percent = 100", "50")),
    "a holdout of nothing": (
        {"holdout_percent": 5},
        ("holdout_percent is 5 but there is no layer", "add experiments.layers, or set 0"),
    ),
    "a change of what is fixed": (
        given({"version": "01234567"}),
        ("'popular-home' is fixed at version 01234567", "put back what was changed, or write version: "),
    ),
    "an unknown key": (given({"colour": "red"}), ("colour = 'red'", "not known")),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_an_experiment_that_cannot_be_judged_is_refused(fault: str, tmp_path: Path) -> None:
    content, told = REFUSED[fault]
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(example.content() | {"experiments": content}))
    with pytest.raises(ConfigError) as refusal:
        load("dev", tmp_path)
    for part in told:
        assert part in str(refusal.value)


ACCEPTED = {
    "one after the other": given(None, {**OTHER, "starts": "2026-12-29", "ends": None}),
    "side by side": given({"slots": {"end": 50}}, {**OTHER, "slots": {"first": 50}}),
    "in layers of their own": given(
        None,
        {**OTHER, "layer": "cart"},
        layers=[{"name": "home", "placements": ["home"]}, {"name": "cart", "placements": ["cart"]}],
    ),
    "none at all": {},
}


def test_a_list_that_is_misspelt_is_named_before_what_an_experiment_shows_in_its_place() -> None:
    content = example.content() | {"experiments": given({})}
    content["placements"]["home"] |= {"lists": ["personl"]}
    with pytest.raises(ValueError, match=r"placements\.home\.lists names 'personl'.*did you mean 'personal'"):
        Settings.model_validate(content)


@pytest.mark.parametrize("case", ACCEPTED)
def test_experiments_that_share_nobody_are_accepted(case: str, tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(example.content() | {"experiments": ACCEPTED[case]}))
    names = [one["name"] for one in ACCEPTED[case].get("definitions", [])]
    assert [one.name for one in load("dev", tmp_path).experiments.definitions] == names


def version(content: dict[str, Any]) -> str:
    found = example.settings(experiments=content).experiments
    return found.version(found.definitions[0])


BEFORE = version(given())


@pytest.mark.parametrize(
    "change",
    [
        given({"variants": variants(40, 60), "testers": {}}),
        given({"variants": variants(50, 50, solution="personal")}),
        given({"primary": "purchases_per_user"}),
        given({"guardrails": []}),
        given({"guardrails": [{"metric": "revenue_per_user", "margin": 0.03}]}),
        given({"ends": "2026-12-30"}),
        given({"ends": None}),
        given({"slots": {"first": 0, "end": 90}}),
        given({"target": {"states": ["new"]}}),
        given({"detectable": 0.1}),
        given(layers=[{"name": "home", "placements": ["home", "product"]}]),
        given(holdout_percent=6),
        given(metrics=[{**m, "better": "lower"} for m in given()["metrics"]]),
    ],
)
def test_a_change_of_what_is_compared_is_a_new_version(change: dict[str, Any]) -> None:
    assert version(change) != BEFORE


@pytest.mark.parametrize(
    "change",
    [
        given({"ramp": [{"day": "2026-12-01", "percent": 50}]}),
        given({"ramp": []}),
        given({"testers": {"tina": "popular"}}),
        given({"secondary": []}),
        given({"version": BEFORE}),
        given(segments=[]),
        given(None, {**OTHER, "starts": "2027-01-01", "ends": None}),
    ],
)
def test_growth_testers_and_further_metrics_are_no_new_version(change: dict[str, Any]) -> None:
    assert version(change) == BEFORE


def test_what_dbt_measures_is_named_as_the_warehouse_names_it() -> None:
    found = example.settings(experiments=given()).experiments.measured()
    assert found["segments"] == ["age"] and found["pre_period_days"] == 28
    assert found["metrics"][-1] == {
        "name": "clicks_per_impression",
        "event": "click",
        "counts": "events",
        "per": "impression",
    }


TARGETED = {"target": {"states": ["lapsed"]}, "version": None}


@pytest.mark.parametrize(
    ("api", "home"), [({"log_impressions": False}, {}), ({}, {"log_impressions": False})], ids=["all", "home"]
)
def test_a_target_without_the_api_s_own_log_would_expose_nobody_and_is_refused(
    api: dict[str, Any], home: dict[str, Any]
) -> None:
    changes = {"experiments": given(TARGETED), "api": api, "placements": {"home": home}}
    with pytest.raises(
        ValueError, match=r"'popular-home' has a target, and what placement 'home' shows isn't logged"
    ):
        example.settings(**changes)
    example.settings(**{**changes, "experiments": given()})
    example.settings(**{**changes, "api": {}, "placements": {}})
    example.settings(**{**changes, "placements": {"home": {"log_impressions": True}}})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, (False, [])),
        ({"placements": {"home": {"rules_by_state": {"new": []}}}}, (True, [])),
        ({"publishing": {"user_fields": ["AGE"]}}, (True, [])),
        ({"rules": {"not-interested": {"again_when_related_bought": "BRAND"}}}, (True, ["BRAND"])),
        ({"experiments": {"layers": [{"name": "home", "placements": ["home"]}]}}, (True, [])),
    ],
    ids=["nothing", "a placement", "an attribute", "a rule", "a layer"],
)
def test_a_run_publishes_what_is_asked_of_users_and_nothing_where_nothing_is(
    changes: dict[str, Any], told: tuple[bool, list[str]]
) -> None:
    made = example.settings(**changes)
    assert (profiles.published(made), profiles.bought_in(made)) == told
