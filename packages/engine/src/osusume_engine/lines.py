"""The text of batch inference's output lines, written many at a time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

PLACES = 7  # of a score
_WIDTH = PLACES + 3  # "0.", the places and a comma
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def line(given: Any, output: str | None, error: str | None) -> str:
    """output: JSON already."""
    wrong = "null" if error is None else encode(error)
    return f'{{"input":{encode(given)},"output":{output or "null"},"error":{wrong}}}\n'


class Outputs:
    """The `output` of lists, as JSON; ids are quoted once."""

    def __init__(self, *, scored: bool) -> None:
        self._scored = scored
        self._quoted = _Quoted()

    def of(self, items: np.ndarray, scores: np.ndarray) -> list[str]:
        """items, scores: (queries, k), ids padded with None and scores from 0 to 1."""
        quote = self._quoted.__getitem__
        lengths = (items != None).sum(axis=1).tolist()  # noqa: E711 (of every element)
        lists = [
            f'{{"recommendedItems":[{",".join(map(quote, row[:length]))}]'
            for row, length in zip(items.tolist(), lengths, strict=True)
        ]
        if not self._scored:
            return [f"{text}}}" for text in lists]
        return [
            f'{text},"scores":[{numbers}]}}'
            for text, numbers in zip(lists, _decimals(scores, lengths), strict=True)
        ]


class _Quoted(dict[str, str]):
    def __missing__(self, one: str) -> str:
        self[one] = encode(one)
        return self[one]


def _decimals(scores: np.ndarray, lengths: list[int]) -> list[str]:
    """The first of every row's numbers with PLACES decimals, joined by commas; digit by digit of all at once."""
    rest = np.rint(np.clip(scores, 0, 1) * 10**PLACES).astype(np.int64)
    text = np.empty((*scores.shape, _WIDTH), np.uint8)
    text[..., 1], text[..., -1] = ord("."), ord(",")
    for place in (*range(_WIDTH - 2, 1, -1), 0):
        rest, digit = np.divmod(rest, 10)
        text[..., place] = digit + ord("0")
    whole, row = text.tobytes().decode("ascii"), scores.shape[1] * _WIDTH
    return [
        whole[at * row : at * row + length * _WIDTH - 1] if length else ""
        for at, length in enumerate(lengths)
    ]
