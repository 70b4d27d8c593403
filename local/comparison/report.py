"""A review as Markdown (terminal and pull request) and as JSON."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from local.comparison.data import Shared
from local.comparison.review import AT, Changed, Figure, Review, Solution

SHOWN_ITEMS = 5  # of a list, side by side
_MARKUP = re.compile(r"[\\`*_{}\[\]()<>#+!|~@:]")


def markdown(review: Review, *, shared: Shared, title: str, cost: str) -> str:
    return "\n".join([*_head(review, shared, title), *_flags(review), *_body(review, shared), cost]) + "\n"


def _head(review: Review, shared: Shared, title: str) -> Iterator[str]:
    yield f"**{title}**: {review.differ:,} lists differ of {review.lists:,}\n"
    yield (
        f"Data: {plain(shared.source)}, up to {shared.cut:%Y-%m-%d}; what {len(shared.later):,} users bought after it "
        "judges both sides.\n"
    )
    if review.left_out:
        yield f"Not compared, as they make no lists: {plain(', '.join(review.left_out))}.\n"


def _flags(review: Review) -> Iterator[str]:
    if review.flags:
        yield "Look at this:\n"
        yield from (f"- ⚠ {plain(flag)}" for flag in review.flags)
        yield ""


def _body(review: Review, shared: Shared) -> Iterator[str]:
    changed = [one for one in review.solutions if one.differ or one.only_before or one.only_after]
    if changed:
        yield from _overview(changed)
        for one in changed:
            yield from _figures(one)
            yield from _side_by_side(one, shared)
    rows = [figure for figure in review.rows if figure.difference]
    if rows:
        yield "| rows | old | new |"
        yield "|---|--:|--:|"
        yield from (f"| {figure.name} | {figure.before:,.0f} | {figure.after:,.0f} |" for figure in rows)
        yield ""


def _overview(solutions: list[Solution]) -> Iterator[str]:
    yield f"| lists | both sides | differ | only old | only new | overlap at {AT} | category shift |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for one in solutions:
        yield (
            f"| {plain(one.name)} | {one.lists:,} | {one.differ:,} | {one.only_before:,} | {one.only_after:,} "
            f"| {one.overlap:.1%} | {one.category_shift:.1%} |"
        )
        for group in one.groups:
            yield f"| ⤷ {group.name} | {group.lists:,} | {group.differ:,} | | | {group.overlap:.1%} | |"
    yield ""


def _figures(one: Solution) -> Iterator[str]:
    yield f"| {plain(one.name)} | old | new | difference |"
    yield "|---|--:|--:|--:|"
    for figure in one.figures:
        yield f"| {figure.name} | {figure.before:.3f} | {figure.after:.3f} | {_difference(figure)} |"
    yield ""


def _difference(figure: Figure) -> str:
    if figure.interval is None:
        return f"{figure.difference:+.3f}"
    low, high = figure.interval
    sure = "" if low > 0 or high < 0 else ": no difference beyond noise"
    return f"{figure.difference:+.3f} ({low:+.3f} to {high:+.3f}){sure}"


def _side_by_side(one: Solution, shared: Shared) -> Iterator[str]:
    if not one.most_changed:
        return
    yield f"<details><summary>the most changed lists of {plain(one.name)}</summary>\n"
    yield "| for | overlap | old | new |"
    yield "|---|--:|---|---|"
    for pair in one.most_changed:
        yield _pair(pair, shared.titles)
    yield "\n</details>\n"


def _pair(pair: Changed, titles: Mapping[str, str]) -> str:
    sides = (
        "<br>".join(plain(titles.get(item, item)) for item in side[:SHOWN_ITEMS])
        for side in (pair.before, pair.after)
    )
    old, new = sides
    return f"| {plain(titles.get(pair.key, pair.key))} | {pair.overlap:.0%} | {old} | {new} |"


def plain(text: str) -> str:
    """The text on one line, nothing in it markup: ids and titles are whoever's wrote the data."""
    flat = " ".join(str(text).split())[:200]
    return _MARKUP.sub(lambda found: f"&#{ord(found.group())};", html.unescape(flat))


def as_json(review: Review, *, shared: Shared, title: str) -> str:
    content = {
        "title": title,
        "data": {"source": shared.source, "until": f"{shared.cut:%Y-%m-%dT%H:%M:%SZ}"},
        "lists": review.lists,
        "differ": review.differ,
        "flags": list(review.flags),
        "solutions": [asdict(one) for one in review.solutions],
        "left_out": list(review.left_out),
        "rows": [asdict(figure) for figure in review.rows],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
