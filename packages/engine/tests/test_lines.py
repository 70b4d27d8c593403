"""Output lines are what `json` would write, with seven decimals."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from osusume_engine.lines import PLACES, Outputs, line

ids = st.text(min_size=1, max_size=8)


@given(
    st.lists(st.lists(ids, max_size=4), min_size=1, max_size=5),
    arrays.arrays(np.float64, (5, 4), elements=st.floats(0, 1)),
)
def test_lists_of_any_ids_and_lengths_are_read_back(lists: list[list[str]], chances: np.ndarray) -> None:
    items = np.array([[*one, *[None] * (4 - len(one))] for one in lists], dtype=object)
    scores = chances[: len(lists)]
    for text, one, mine in zip(Outputs(scored=True).of(items, scores), lists, scores, strict=True):
        read = json.loads(text)
        assert read["recommendedItems"] == one
        np.testing.assert_allclose(read["scores"], mine[: len(one)], rtol=0, atol=0.5000001 * 10**-PLACES)


def test_scores_have_seven_decimals() -> None:
    items = np.array([["a", "b", "c", "d", None]], dtype=object)
    [text] = Outputs(scored=True).of(items, np.array([[1.0, 0.25, 1.26e-5, 0.0, 0.9]]))
    assert text.endswith('"scores":[1.0000000,0.2500000,0.0000126,0.0000000]}')


def test_recipes_without_scores_have_items_alone() -> None:
    items = np.array([["ä", 'q"'], [None, None]], dtype=object)
    first, second = Outputs(scored=False).of(items, np.zeros((2, 2)))
    assert first == '{"recommendedItems":["ä","q\\""]}'
    assert second == '{"recommendedItems":[]}'


def test_a_line_repeats_its_input_and_says_what_is_wrong() -> None:
    assert (
        line({"userId": "é"}, None, 'no "x"')
        == '{"input":{"userId":"é"},"output":null,"error":"no \\"x\\""}\n'
    )
