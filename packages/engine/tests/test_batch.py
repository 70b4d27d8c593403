"""Batch files: lines in, lines out, errors on their line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osusume_engine import batch
from osusume_engine.batch import BatchFailure, infer_files, segment_files
from osusume_engine.filters import parse_filter
from osusume_engine.filters.evaluation import Evaluator
from osusume_engine.filters.facts import Facts
from osusume_engine.recipes import RECIPES
from osusume_engine.schemas import parse_schema


@dataclass
class Scored:
    id: str
    score: float


@dataclass
class Echo:
    """A model whose lists can be told from the query: item "<query>-<n>"."""

    recipe: str
    most: int = 1_000

    @property
    def spec(self) -> Any:
        return RECIPES[self.recipe]

    def recommend(
        self, *, user_id: str = "", item_id: str = "", num_results: int = 25, allowed: Any = None
    ) -> list[Scored]:
        ids = [f"{user_id or item_id}-{n}" for n in range(self.most)]
        kept = [one for one in ids if allowed is None or allowed([one])[0]]
        return [Scored(one, 1 / (n + 1)) for n, one in enumerate(kept[:num_results])]

    def recommend_many(self, ids: Iterable[str], num_results: int, *, quality: str) -> Iterator[list[Scored]]:
        return (self.recommend(user_id=one, num_results=num_results) for one in ids)

    def recommend_arrays(
        self, ids: Iterable[str], num_results: int, *, quality: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for found in self.recommend_many(ids, num_results, quality=quality):
            short = num_results - len(found)
            items = np.array([[*(one.id for one in found), *[None] * short]], dtype=object)
            yield items, np.array([[*(one.score for one in found), *[0.0] * short]])

    def rank(self, *, user_id: str, item_ids: list[str], allowed: Any = None) -> list[Scored]:
        return [Scored(one, 0.5) for one in sorted(item_ids) if allowed is None or allowed([one])[0]]

    def segment(self, *, item_ids: list[str], num_results: int, allowed: Any = None) -> list[Scored]:
        return [Scored(f"user-of-{one}", 1.0) for one in item_ids][:num_results]


def run(folder: Path, model: Echo, lines: list[Any], **more: Any) -> list[Mapping[str, Any]]:
    source, target = folder / "in.json", folder / "in.json.out"
    source.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    answer = segment_files if model.spec.type == "USER_SEGMENTATION" else infer_files
    answer(model=model, pairs=[(source, target)], num_results=2, **more)
    return [json.loads(line) for line in target.read_text().splitlines()]


def test_users_get_items_and_scores(tmp_path: Path) -> None:
    output = run(tmp_path, Echo("aws-user-personalization-v2"), [{"userId": "7"}])
    assert output == [
        {
            "input": {"userId": "7"},
            "output": {"recommendedItems": ["7-0", "7-1"], "scores": [1.0, 0.5]},
            "error": None,
        }
    ]


def test_related_items_have_no_scores(tmp_path: Path) -> None:
    output = run(tmp_path, Echo("aws-sims"), [{"itemId": "9"}])
    assert output[0]["output"] == {"recommendedItems": ["9-0", "9-1"]}


def test_a_ranking_ranks_the_given_list(tmp_path: Path) -> None:
    lines = [{"userId": "7", "itemList": ["b", "a"]}, {"userId": "7"}]
    output = run(tmp_path, Echo("aws-personalized-ranking-v2"), lines)
    assert output[0]["output"]["recommendedItems"] == ["a", "b"]
    assert "itemList" in output[1]["error"]


def test_a_bad_line_is_answered_in_its_place_and_the_others_too(tmp_path: Path) -> None:
    lines = [{"userId": "1"}, "{", {"itemId": "x"}, {"userId": 5}, [1], {"userId": ""}, {"userId": "2"}]
    output = run(tmp_path, Echo("aws-user-personalization-v2"), lines)
    assert [line["error"] is None for line in output] == [True, False, False, False, False, False, True]
    assert output[6]["output"]["recommendedItems"] == ["2-0", "2-1"]
    assert output[1] == {"input": "{", "output": None, "error": output[1]["error"]}


@pytest.mark.parametrize("recipe", ["aws-user-personalization-v2", "aws-item-affinity"])
def test_half_of_a_surrogate_pair_is_given_back_as_it_came(tmp_path: Path, recipe: str) -> None:
    key = "itemId" if recipe == "aws-item-affinity" else "userId"
    given = {key: "7", "note": "\ud83d"}
    assert run(tmp_path, Echo(recipe), [given])[0]["input"] == given


def test_more_lines_than_a_chunk_stay_in_order(tmp_path: Path) -> None:
    lines = [{"userId": str(n)} for n in range(4_500)]
    output = run(tmp_path, Echo("aws-user-personalization-v2"), lines)
    assert [line["output"]["recommendedItems"][0] for line in output] == [f"{n}-0" for n in range(4_500)]


def test_an_input_without_records_fails_the_job(tmp_path: Path) -> None:
    with pytest.raises(BatchFailure, match="no records"):
        run(tmp_path, Echo("aws-user-personalization-v2"), [])


def test_a_job_takes_so_many_records_and_blank_lines_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAX_RECORDS", 3)
    model, lines = Echo("aws-user-personalization-v2"), [{"userId": str(n)} for n in range(4)]
    assert len(run(tmp_path, model, [*lines[:3], "", "  "])) == 3
    with pytest.raises(BatchFailure, match="has 4 records: at most 3 are allowed"):
        run(tmp_path, model, lines)


def test_a_job_takes_so_many_bytes_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, lines = Echo("aws-user-personalization-v2"), [{"userId": str(n)} for n in range(3)]
    size = sum(len(json.dumps(line)) + 1 for line in lines)
    monkeypatch.setattr(batch, "MAX_BYTES", size)
    assert len(run(tmp_path, model, lines)) == 3
    monkeypatch.setattr(batch, "MAX_BYTES", size - 2)
    with pytest.raises(BatchFailure, match=f"at most {size - 2} bytes"):
        run(tmp_path, model, lines)
    monkeypatch.undo()
    monkeypatch.setattr(batch, "MAX_FILES", 0)
    with pytest.raises(BatchFailure, match="in 1 files: at most 1000000000 bytes in 0 files"):
        run(tmp_path, model, lines)


def test_a_filter_takes_its_values_from_each_line(tmp_path: Path) -> None:
    items = pd.DataFrame({"ITEM_ID": ["7-0", "7-1", "7-2"], "G": ["x", "y", "y"]})
    masks = Evaluator(parse_filter("INCLUDE ItemID WHERE Items.G IN ($G)"), Facts.of_frames({"ITEMS": items}))
    lines = [{"userId": "7", "filterValues": {"G": '"y"'}}, {"userId": "7"}]
    lines.append({"userId": "7", "filterValues": {"G": '"z"'}})
    output = run(tmp_path, Echo("aws-user-personalization-v2", most=3), lines, masks=masks)
    assert output[0]["output"]["recommendedItems"] == ["7-1", "7-2"]
    assert "$G has no value" in output[1]["error"]
    assert output[2]["output"] == {"recommendedItems": [], "scores": []}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("[" * 100_000, "it nests too deeply"),
        ('{"userId": "u", "n": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"userId": "u", "n": NaN}', "NaN is no JSON"),
        ('{"userId": "u", "filterValues": {"G": 3}}', "filterValues must be texts"),
        ('{"userId": "u", "filterValues": {"G": ["a"]}}', "filterValues must be texts"),
    ],
)
def test_a_line_that_no_reader_takes_is_answered_as_wrong_and_the_others_too(
    tmp_path: Path, bad: str, reason: str
) -> None:
    first, second = run(tmp_path, Echo("aws-popularity-count"), [bad, {"userId": "u"}])
    assert reason in first["error"]
    assert second["error"] is None


def test_an_input_of_another_encoding_fails_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_bytes('{"userId": "é"}'.encode("latin-1"))
    with pytest.raises(BatchFailure, match=r"in\.json is not encoded in UTF-8"):
        infer_files(
            model=Echo("aws-popularity-count"),  # type: ignore[arg-type]
            pairs=[(tmp_path / "in.json", tmp_path / "out")],
            num_results=2,
        )


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ('ITEMS.colour = "red"', "ITEMS has no column colour: it has"),
        ("ITEMS.price > 2 | EXCLUDE ItemID WHERE ITEMS.price > 4", "neither | nor IF"),
        ("ITEMS.price > 2 IF CurrentUser.AGE > 3", "neither | nor IF"),
        # "Specifying item attributes": "only the = symbol for equality for string matching", and no textual metadata.
        ('ITEMS.genre IN ("x")', "know no IN"),
        ('ITEMS.genre != "x"', "matched by = only"),
        ("ITEMS.price = $P", "a quoted string or a number"),
        ("(ITEMS.price > 2)", "without parentheses"),
        ('USERS.age = "x"', "columns of ITEMS"),
        ("ITEMS.price IS NULL", "know no IS NULL"),
        ('ITEMS.price = "2"', "ITEMS.price is float: compare it with a number"),
        ("ITEMS.genre = 2", "ITEMS.genre is string: compare it with a quoted string"),
        ('ITEMS.text = "x"', "ITEMS.text is textual"),
        ("ITEMS.new = 1", "ITEMS.new is boolean"),
    ],
)
def test_attributes_that_say_nothing_of_items_are_refused(
    tmp_path: Path, attributes: str, reason: str
) -> None:
    items = pd.DataFrame({"ITEM_ID": ["a", "b"], "PRICE": [1.0, 5.0]})
    fields = [{"name": "ITEM_ID", "type": "string"}, {"name": "PRICE", "type": "float"}]
    fields += [{"name": "GENRE", "type": "string"}, {"name": "NEW", "type": "boolean"}]
    more: dict[str, Any] = {"name": "TEXT", "type": "string", "textual": True}
    given = {"type": "record", "name": "Items", "fields": [*fields, more], "version": "1.0"}
    (output,) = run(
        tmp_path,
        Echo("aws-item-attribute-affinity"),
        [{"itemAttributes": attributes}],
        items=items,
        schema=parse_schema(json.dumps(given)),
    )
    assert output["output"] is None
    assert reason in output["error"]


def test_segments_answer_items_and_attributes(tmp_path: Path) -> None:
    output = run(tmp_path, Echo("aws-item-affinity"), [{"itemId": "9"}, {}])
    assert output[0] == {
        "input": {"itemId": "9"},
        "output": {"recommendedUsers": ["user-of-9"]},
        "error": None,
    }
    assert output[1]["output"] is None
    items = pd.DataFrame({"ITEM_ID": ["a", "b"], "GENRES": ["Comedy|Action", "Comedy"], "PRICE": [1.0, 5.0]})
    lines: list[Any] = [
        {"itemAttributes": 'ITEMS.genres = "Comedy" AND ITEMS.genres = "Action"'},
        {"itemAttributes": "ITEMS.price > 2"},
        {"itemAttributes": 'ITEMS.genres = "Comedy" OR ITEMS.price > 2'},
        {"itemAttributes": "nonsense"},
        {"itemId": "9"},
    ]
    output = run(tmp_path, Echo("aws-item-attribute-affinity"), lines, items=items)
    assert output[0] == {
        "itemAttributes": 'ITEMS.genres = "Comedy" AND ITEMS.genres = "Action"',
        "output": {"recommendedUsers": ["user-of-a"]},
        "error": None,
    }
    assert output[1]["output"] == {"recommendedUsers": ["user-of-b"]}
    assert ["AND" in str(output[2]["error"]), bool(output[3]["error"]), bool(output[4]["error"])] == [
        True
    ] * 3


def test_too_many_segment_queries_fail_the_job(tmp_path: Path) -> None:
    with pytest.raises(BatchFailure, match="501 queries"):
        run(tmp_path, Echo("aws-item-affinity"), [{"itemId": "9"}] * 501)


def test_a_filter_that_leaves_little_of_the_list_looks_behind_it(tmp_path: Path) -> None:
    items = pd.DataFrame({"ITEM_ID": ["7-900", "7-901", "7-5"], "G": ["x", "x", "y"]})
    masks = Evaluator(
        parse_filter('INCLUDE ItemID WHERE Items.G IN ("x")'), Facts.of_frames({"ITEMS": items})
    )
    output = run(tmp_path, Echo("aws-user-personalization-v2"), [{"userId": "7"}], masks=masks)
    assert output[0]["output"]["recommendedItems"] == ["7-900", "7-901"]
