"""The specification as one static page: it asks nobody for anything when it is looked at."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from dashboards import vega
from dashboards.quicksight import PALETTE
from dashboards.spec import Measure, Page, Parameter, Ratio, Visual, data_sets

STATIC = Path(__file__).with_name("static")
MOST_ROWS = 20_000  # of one data set: the page is one file
SIMULATED = ("made_by", "simulator")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Content:
    """`rows` by mart, times as text of UTC; `missing` says of a mart why it could not be read."""

    environment: str
    written_at: str
    rows: Mapping[str, Rows]
    missing: Mapping[str, str]


def render(pages: tuple[Page, ...], content: Content, *, library: str) -> str:
    """HTML. `library` is JavaScript that defines vegaEmbed (bundle.py)."""
    return Template((STATIC / "page.html").read_text()).substitute(
        title=html.escape(f"Dashboards of {content.environment}"),
        written=html.escape(content.written_at),
        simulated=_simulated(content),
        style=(STATIC / "page.css").read_text(),
        links="".join(_link(page) for page in pages),
        sections="".join(_section(page) for page in pages),
        model=_inlined(model(pages, content)),
        library=_script(library),
        script=_script((STATIC / "page.js").read_text()),
    )


def model(pages: tuple[Page, ...], content: Content) -> dict[str, Any]:
    """What page.js draws: {palette, rows, visuals}."""
    return {
        "palette": list(PALETTE),
        "rows": {one.mart: list(content.rows.get(one.mart, ())) for one in data_sets(pages)},
        "visuals": [described(page, visual, content) for page in pages for visual in page.visuals],
    }


def described(page: Page, visual: Visual, content: Content) -> dict[str, Any]:
    return {
        "id": visual.id,
        "page": page.id,
        "drawn": visual.drawn,
        "data": visual.data.mart,
        "by": [_dimension(visual, name) for name in visual.dimensions],
        "measures": [_measure(measure) for measure in visual.measures],
        "filters": [{"column": one.column, "values": list(one.values)} for one in visual.filters],
        "parameters": {name: page.parameter(name).column for name in visual.parameters},
        "empty": content.missing.get(visual.data.mart) or visual.data.empty,
        "nothing": visual.nothing,
        "chart": None if visual.drawn == "table" else vega.chart(page, visual),
    }


def _dimension(visual: Visual, name: str) -> dict[str, str]:
    return {
        "column": name,
        "title": name.replace("_", " ").capitalize(),
        "kind": visual.data.column(name).kind,
    }


def _measure(measure: Measure | Ratio) -> dict[str, Any]:
    aggregation = measure.aggregation if isinstance(measure, Measure) else "ratio"
    return {
        "title": measure.title,
        "columns": list(measure.columns),
        "aggregation": aggregation,
        "shown_as": measure.shown_as,
    }


def _simulated(content: Content) -> str:
    column, value = SIMULATED
    found = any(row.get(column) == value for rows in content.rows.values() for row in rows)
    text = "Some events were made by a simulator: they say nothing about people."
    return f'<p class="simulated" role="note">{text}</p>' if found else ""


def _link(page: Page) -> str:
    return f'<a href="#{page.id}">{html.escape(page.title)}</a>'


def _section(page: Page) -> str:
    controls = "".join(_control(parameter) for parameter in page.parameters)
    form = f'<div class="controls">{controls}</div>' if controls else ""
    figures = "".join(_figure(visual) for visual in page.visuals)
    return (
        f'<section id="page-{page.id}" aria-labelledby="{page.id}-title" hidden>'
        f'<h2 id="{page.id}-title" tabindex="-1">{html.escape(page.title)}</h2><p>{html.escape(page.about)}</p>'
        f'{form}<div class="grid">{figures}</div></section>'
    )


def _control(parameter: Parameter) -> str:
    """The options are the values of the rows, which page.js knows."""
    default = html.escape(parameter.default or "", quote=True)
    one = " data-one" if parameter.one else ""
    return (
        f"<label>{html.escape(parameter.title)} "
        f'<select name="{parameter.name}" data-column="{parameter.column}" data-default="{default}"{one}>'
        "</select></label>"
    )


def _figure(visual: Visual) -> str:
    note = f'<p class="note">{html.escape(visual.note)}</p>' if visual.note else ""
    wide = ' class="wide"' if visual.wide else ""
    return (
        f'<figure id="{visual.id}"{wide}><figcaption><h3>{html.escape(visual.title)}</h3>{note}</figcaption>'
        f'<div class="drawn"></div></figure>'
    )


def _inlined(value: Any) -> str:
    """JSON that no HTML can end, of which JSON's own readers see the same."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _script(text: str) -> str:
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def truncated(rows: Mapping[str, Rows]) -> Iterator[str]:
    """Marts of which the page holds the newest rows only."""
    yield from (mart for mart, found in rows.items() if len(found) >= MOST_ROWS)
