"""From application data to a recommendation over HTTP, on the deployed templates."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from config import figures
from local.demo import story
from tests.e2e.line import Line
from tests.e2e.test_without_a_part import report

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_held_out_user_is_offered_what_the_group_takes(line: Line, first_run: str) -> None:
    answer = line.api.get(f"/v1/users/{line.shop.held_out_user}/recommendations?numResults=10")
    offered = [item["itemId"] for item in answer["items"]]
    own_group = line.shop.expected | line.shop.bought_by_held_out_user
    assert answer["source"] == "personal" and answer["version"] == first_run
    assert sum(item in own_group for item in offered) >= 8, offered
    assert len(line.shop.expected & set(offered)) >= 6, offered


def test_the_api_serves_what_was_published(line: Line, first_run: str) -> None:
    user = sorted(line.shop.user_groups)[0]
    answer = line.api.get(f"/v1/users/{user}/recommendations?numResults=25")
    assert [item["itemId"] for item in answer["items"]] == line.published("personal", user)


def test_related_items_are_of_the_same_group(line: Line, first_run: str) -> None:
    item = sorted(line.shop.item_groups)[0]
    related = [entry["itemId"] for entry in line.api.get(f"/v1/items/{item}/related?numResults=5")["items"]]
    same = [other for other in related if line.shop.item_groups[other] == line.shop.item_groups[item]]
    assert item not in related
    assert len(same) >= 4, related


def test_popular_items_are_those_that_most_users_took(line: Line, first_run: str) -> None:
    offered = [entry["itemId"] for entry in line.api.get("/v1/popular?numResults=5")["items"]]
    orders = line.application("select item_id, count(distinct user_id) from orders group by 1")
    buyers: dict[str, int] = {item: int(count) for item, count in orders}
    # Clicks and favourites count too, so the order may differ a little from that of the buyers alone.
    assert min(buyers[item] for item in offered) >= sorted(buyers.values())[-30]


def test_an_unknown_user_gets_the_popular_items(line: Line, first_run: str) -> None:
    answer = line.api.get("/v1/users/nobody-we-know/recommendations?numResults=5")
    popular = line.api.get("/v1/popular?numResults=5")
    assert answer["source"] == "popular"
    assert answer["items"] == popular["items"]


def test_rows_agree_from_source_to_warehouse(line: Line, first_run: str) -> None:
    [[orders]] = line.application("select count(*) from orders")
    [[users]] = line.application("select count(*) from users")
    [[items]] = line.application("select count(*) from items")
    [[events]] = line.warehouse("select count(distinct event_id) from landing.events")
    [[purchases]] = line.warehouse("select count(*) from landing.interactions where event_type = 'purchase'")
    assert line.warehouse("select count(*) from landing.orders") == [[orders]]
    assert line.warehouse("select count(*) from marts.dim_users", reader=True) == [[users]]
    with pytest.raises(story.QueryFailed, match="permission denied"):
        line.warehouse("select count(*) from landing.orders", reader=True)
    assert line.warehouse("select count(*) from marts.dim_items") == [[items]]
    assert events == len(line.shop.shop.events)
    # Two lines of one order at the same second for one item are one interaction.
    assert purchases == len(
        {(r.user_id, r.item_id, r.ordered_at) for r in line.shop.shop.orders.itertuples()}
    )


def test_the_lists_in_the_warehouse_are_the_published_ones(line: Line, first_run: str) -> None:
    user = line.shop.held_out_user
    rows = line.warehouse(
        "select item_id from landing.recommendations where solution = 'personal' "
        f"and entity_id = '{user}' and run_id = '{first_run}' order by rank"
    )
    assert [item for [item] in rows] == line.published("personal", user)


def test_every_solution_version_has_metrics_in_the_warehouse(line: Line, first_run: str) -> None:
    rows = line.warehouse(
        "select solution, max(value) from landing.solution_version_metrics "
        "where metric = 'normalized_discounted_cumulative_gain_at_25' group by 1"
    )
    values = {solution: float(value) for solution, value in rows}
    assert set(values) == {"personal", "related", "popular"}
    assert values["personal"] > values["popular"], "groups are there to be learnt"


def test_figures_that_may_have_bounds_are_those_that_a_run_measures(line: Line, first_run: str) -> None:
    found = report(line, first_run)["quality"]["figures"]
    assert set(found) == set(figures.measured(line.settings.datasets))


def test_a_request_that_nobody_signed_is_refused(line: Line, first_run: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{line.api.url.rstrip('/')}/v1/popular")
    assert refusal.value.code == 403


def test_no_call_was_answered_by_a_stub(line: Line, first_run: str) -> None:
    calls = line.calls()
    assert len(calls) > 200
    assert [call for call in calls if call["stub"]] == []


def test_no_role_of_the_templates_was_denied_a_call(line: Line, first_run: str) -> None:
    """A state that catches what it is refused hides it."""
    denied = {
        (call["action"], call["resource"])
        for call in line.calls()
        if call["status"] == 403 and ":assumed-role/" in call["caller"]
    }
    assert denied == set()


def test_the_progress_display_names_the_states(line: Line, first_run: str) -> None:
    for state in ("ExtractAurora", "BuildDatasets", "JudgeSolutionVersion", "SwapPointer", "RunDbt"):
        assert state in line.output
