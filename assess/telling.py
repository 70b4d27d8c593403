"""The assessment in words of a language: five sections, the answer before its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from assess import published
from assess.assessment import Assessment, Compared, Shown
from assess.costs import events_a_day
from assess.document import Bar, Bars, Block, Code, Columns, Document, Part, Section, Table, Text, Tone
from assess.findings import Finding
from assess.quotas import SOURCE
from assess.results import Way, personal_pays
from assess.shape import DAY, Shape
from assess.trials import PERSONAL
from assess.verdicts import Interval
from assess.words import Words
from config.recipes import RECIPES

TONES: dict[str, Tone] = {"stop": "bad", "fix": "warn", "hint": "note"}
MORE = 40  # findings that are told one by one


def told(found: Assessment, say: Words) -> Document:
    sections = [_enough(found, say)]
    if found.compared is not None:
        sections += [_come_out(found.compared, say), _look_like(found, found.compared, say)]
    if found.proposal is not None:
        sections += [_cost(found, say), _config(found, say)]
    return Document(
        language=say.language,
        title=say("title", folder=found.folder),
        lead=tuple(_lead(found, say)),
        sections=tuple(sections),
        contents=say("contents"),
        foot=say("foot"),
    )


def _lead(found: Assessment, say: Words) -> Iterator[Text]:
    fixes = sum(one.level == "fix" for one in found.findings)
    if found.stopped:
        stops = sum(one.level == "stop" for one in found.findings)
        yield Text(say("lead_stopped", count=stops), "bad")
        return
    yield Text(say("lead_enough", fixes=fixes), "warn" if fixes else "good")
    if found.compared is not None:
        pays = personal_pays(found.compared.personal)
        way = next(one for one in found.compared.personal if one.name == PERSONAL)
        assert way.against is not None
        key = (
            "lead_pays" if pays else "lead_worse" if way.against.verdict == "worse" else "lead_no_difference"
        )
        yield Text(say(key, interval=_interval(way.against, sign=True)), "good" if pays else "warn")


def _enough(found: Assessment, say: Words) -> Section:
    its = found.shape
    parts = [Part(say("fix_first"), _findings(found, say)), Part(say("quotas"), _quotas(found, say))]
    if its.interactions:
        parts += [Part(say("time"), _time(its, say)), Part(say("people"), _people(its, say))]
        parts += [Part(say("events"), _events(its, say)), Part(say("metadata"), _metadata(its, say))]
    parts.append(Part(say("how_read"), [Text(line, "note") for line in found.own.said]))
    return Section("enough", say("section_enough"), [part for part in parts if part.blocks])


def _findings(found: Assessment, say: Words) -> list[Block]:
    if not any(one.level != "hint" for one in found.findings):
        yield_first: list[Block] = [Text(say("nothing_to_fix"), "good")]
    else:
        yield_first = []
    shown = [Text(finding(one, say), TONES[one.level]) for one in found.findings[:MORE]]
    left = len(found.findings) - MORE
    return [*yield_first, *shown, *([Text(say("more_findings", count=left))] if left > 0 else [])]


def finding(one: Finding, say: Words) -> str:
    if one.key == "read":
        return str(one.values["line"])
    is_share = one.key == "quota_share_with_two"
    values = {name: _percent(n) if is_share else _value(name, n) for name, n in one.values.items()}
    return say(f"finding_{one.key}", **values)


def _value(name: str, value: object) -> str:
    if name == "share":
        return f"{float(value):.0%}"  # type: ignore[arg-type]
    if name in ("start", "end"):
        return _day(int(value))  # type: ignore[call-overload]
    if isinstance(value, float):
        return f"{value:,.3g}" if value < 1 else f"{value:,.1f}".removesuffix(".0")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _quotas(found: Assessment, say: Words) -> list[Block]:
    rows = []
    for quota in found.quotas:
        shown = _percent if quota.key.startswith("share") else _whole
        bound = say("at_least" if quota.bound == "at least" else "at_most", limit=shown(quota.limit))
        mark = "✓" if quota.held else "✗"
        rows.append((say(f"quota_{quota.key}"), shown(quota.found), bound, mark))
    head = (say("quota"), say("found"), say("limit"), "")
    return [Table(head, rows), Text(say("quota_source", source=SOURCE), "note")]


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _percent(share: float) -> str:
    return f"{share:.3%}" if 0 < share < 0.001 else f"{share:.1%}"


def _time(its: Shape, say: Words) -> list[Block]:
    starts = [start for start, _ in its.periods]
    named = _minute if len(starts) > 1 and starts[1] - starts[0] < DAY else _day
    bars = [Bar(named(start), count, f"{count:,}") for start, count in its.periods]
    span = say("span", first=_day(its.first), last=_day(its.last), days=f"{its.days:,.0f}")
    return [Text(span), Columns(say("interactions_over_time"), bars)]


def _people(its: Shape, say: Words) -> list[Block]:
    counts = say(
        "counts",
        interactions=f"{its.interactions:,}",
        users=f"{its.users:,}",
        items=f"{its.items:,}",
        median=f"{its.median_history:g}",
    )
    ends = [low for low, _ in its.histories[1:]]
    labels = [_class(low, nxt) for (low, _), nxt in zip(its.histories, [*ends, 0], strict=True)]
    bars = [Bar(label, n, f"{n:,}") for label, (_, n) in zip(labels, its.histories, strict=True)]
    rows = [
        (say("cold_users"), f"{1 - its.share_with_two:.1%}"),
        (say("cold_items"), f"{its.cold_items:.1%}"),
        (say("unmet_items"), f"{its.unmet_items:.1%}"),
        (say("repeats"), f"{its.repeats:.1%}"),
        (say("filled"), f"{its.filled:.3%}"),
        (say("half_of_events"), f"{its.half_of_events:.1%}"),
    ]
    return [Text(counts), Columns(say("users_by_history"), bars), Table((say("measure"), say("share")), rows)]


def _class(low: int, following: int) -> str:
    if not following:
        return f"{low}+"
    return str(low) if following == low + 1 else f"{low}–{following - 1}"


def _events(its: Shape, say: Words) -> list[Block]:
    bars = [
        Bar(name, n, say("events_shown", count=f"{n:,}", share=f"{its.valued.get(name, 0):.0%}"))
        for name, n in sorted(its.types.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return [Bars(say("event_mix"), bars)]


def _metadata(its: Shape, say: Words) -> list[Block]:
    bars = [
        Bar(f"{name}.{column}", share, f"{share:.0%}")
        for name, shares in its.filled_in.items()
        for column, share in shares.items()
    ]
    return [Bars(say("metadata_filled"), bars)] if bars else [Text(say("no_metadata"), "note")]


def _come_out(made: Compared, say: Words) -> Section:
    parts = [
        Part("", _about_sample(made, say)),
        Part(say("personal"), _ways(made.personal, say)),
        Part(say("light_and_heavy"), _groups(made.personal, say)),
        Part(say("related"), _ways(made.related, say)),
        Part(say("choices"), _gains(made, say)),
        Part(say("by_time"), _honest(made, say)),
        Part(say("amazon"), _amazon(made, say)),
        Part(say("where"), _places(made, say)),
    ]
    return Section("outcome", say("section_outcome"), [part for part in parts if part.blocks])


def _about_sample(made: Compared, say: Words) -> list[Block]:
    key = "sample_part" if made.newest else "sample_whole"
    numbers = {"users": f"{made.users:,}", "of": f"{made.of_users:,}", "events": f"{made.events:,}"}
    return [Text(say(key, newest=made.newest, **numbers)), Text(say("protocol", folds=made.folds), "note")]


def _ways(found: Sequence[Way], say: Words) -> list[Block]:
    if not found:
        return []
    ordered = sorted(found, key=lambda way: (-way.ndcg.mean, way.name))
    bars = [
        Bar(_name(w.name, say), w.ndcg.mean, f"{w.ndcg.mean:.3f}", w.ndcg.low, w.ndcg.high, w.is_recipe)
        for w in ordered
    ]
    rows = [
        (
            _name(way.name, say),
            _interval(way.ndcg),
            f"{way.mrr.mean:.3f}",
            f"{way.precision.mean:.3f}",
            f"{way.coverage:.1%}",
            f"{way.sameness:.0%}",
            _against(way.against, say),
        )
        for way in ordered
    ]
    head = (
        "",
        "NDCG@25",
        "MRR@25",
        "precision@25",
        say("coverage"),
        say("sameness"),
        say("against_popularity"),
    )
    return [Bars(say("ndcg_picture"), bars), Table(head, rows), Text(say("measures_told"), "note")]


def _name(name: str, say: Words) -> str:
    return say(f"way_{name}") if say.has(f"way_{name}") else name


def _against(difference: Interval | None, say: Words) -> str:
    if difference is None:
        return "–"
    return f"{say(f'verdict_{difference.verdict}')} ({_interval(difference, sign=True)})"


def _interval(one: Interval, *, sign: bool = False) -> str:
    plus = "+" if sign else ""
    return f"{one.mean:{plus}.3f} ± {(one.high - one.low) / 2:.3f}"


def _groups(found: Sequence[Way], say: Words) -> list[Block]:
    rows = [
        (
            _name(way.name, say),
            *(text for one in (way.light, way.heavy) for text in (_interval(one), str(one.users))),
        )
        for way in sorted(found, key=lambda way: (-way.ndcg.mean, way.name))
    ]
    return (
        [Table(("NDCG@25", say("light"), say("tested"), say("heavy"), say("tested")), rows)] if rows else []
    )


def _gains(made: Compared, say: Words) -> list[Block]:
    rows = []
    for one in made.gains:
        kind, least = made.threshold or ("", 0.0)
        name = say(f"gain_{one.name}", type=kind, least=f"{least:,.6g}")
        rows.append((name, _against(one.gain, say), str(one.gain.users)))
    return [Table((say("choice"), say("adds"), say("tested")), rows)] if rows else []


def _honest(made: Compared, say: Words) -> list[Block]:
    return [Text(say("by_time_told")), *_ways(made.by_time, say)[:2]] if made.by_time else []


def _amazon(made: Compared, say: Words) -> list[Block]:
    low, high = published.AMAZON
    bars = [Bar(_name(name, say), value, f"{value:.2f}") for name, value in published.SIMPLE.items()]
    middle = (low + high) / 2
    bars.append(Bar("Amazon Personalize", middle, f"{low:.2f}–{high:.2f}", low, high, strong=True))
    bars.append(Bar(say("our_learner"), published.OURS, f"{published.OURS:.2f}"))
    return [Text(say("amazon_told", noise=published.NOISE), "warn"), Bars(say("amazon_picture"), bars)]


def _places(made: Compared, say: Words) -> list[Block]:
    rows = []
    for name in RECIPES:
        reason = made.impossible.get(name)
        possible = say("possible") if reason is None else say(f"impossible_{reason}")
        rows.append((name, say(f"place_{name}"), possible))
    blocks: list[Block] = [Table((say("recipe"), say("place"), say("these_data")), rows, numeric=False)]
    if made.segments:
        figures = [
            (
                name,
                f"{metrics['hit_at_k']:.2f}",
                f"{metrics['recall_at_k']:.3f}",
                f"{metrics['coverage']:.1%}",
            )
            for name, metrics in made.segments.items()
        ]
        blocks.append(Table((say("segments"), "hit@1%", "recall@1%", say("coverage")), figures))
    return blocks


def _look_like(found: Assessment, made: Compared, say: Words) -> Section:
    names = _Names(found)
    people = [Part(say(f"user_{one.why}", id=one.id), [_lists(one, names, say)]) for one in made.users_shown]
    things = [
        Part(say(f"item_{one.why}", id=names.of(one.id)), [_lists(one, names, say)])
        for one in made.items_shown
    ]
    return Section("lists", say("section_lists"), [*people, *things])


class _Names:
    """What items are called: title and first category, the id where there is none."""

    def __init__(self, found: Assessment) -> None:
        self._titles = found.own.titles()
        field = next((f.name for f in found.own.fields("items") if f.categorical), None)
        items = found.own.items
        known = items is not None and field is not None and field in items
        self._categories = dict(zip(items.ITEM_ID, items[field], strict=True)) if known else {}  # type: ignore[union-attr,index]

    def of(self, item: str) -> str:
        title, category = self._titles.get(item, item), self._categories.get(item)
        return f"{title} ({category})" if category else title


def _lists(one: Shown, names: _Names, say: Words) -> Table:
    columns = {**({say("history"): one.history} if one.history else {}), **one.lists}
    most = max((len(items) for items in columns.values()), default=0)
    rows = [
        (str(at + 1), *(names.of(items[at]) if at < len(items) else "" for items in columns.values()))
        for at in range(most)
    ]
    return Table(("", *columns), rows, numeric=False)


def _cost(found: Assessment, say: Words) -> Section:
    assert found.proposal is not None
    services = list(dict.fromkeys(line.service for line in found.costs))
    bars = [
        Bar(service, sum(prices), f"{sum(prices):,.2f}")
        for service in services
        for prices in [[line.price or 0.0 for line in found.costs if line.service == service]]
    ]
    rows = [
        (f"{line.service}: {line.name}", f"{line.quantity:,.6g}", line.unit, _price(line.price, say))
        for line in found.costs
    ]
    total, its = sum(bar.value for bar in bars), found.shape
    unknown = sum(line.price is None for line in found.costs)
    blocks: list[Block] = [
        Text(say("cheapest", recipes=", ".join(found.proposal.solutions)), "good"),
        Bars(say("cost_picture"), bars),
        Table((say("service"), say("quantity"), say("unit"), "USD"), rows),
        Text(say("cost_sum", total=f"{total:,.2f}", unknown=unknown), "note"),
        Text(say("cost_left", users=its.users, items=its.catalogue, events=round(events_a_day(its))), "note"),
    ]
    return Section("cost", say("section_cost"), [Part("", blocks)])


def _price(price: float | None, say: Words) -> str:
    return say("unknown") if price is None else f"{price:,.2f}"


def _config(found: Assessment, say: Words) -> Section:
    assert found.proposal is not None
    return Section(
        "config", say("section_config"), [Part("", [Text(say("config_told")), Code(found.proposal.text)])]
    )


def _minute(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M")


def _day(second: int) -> str:
    return datetime.fromtimestamp(second - second % DAY, UTC).strftime("%Y-%m-%d")
