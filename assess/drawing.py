"""Pictures as inline SVG, in the page's own colours: no script, no request."""

from __future__ import annotations

from html import escape

from assess.document import Bar, Bars, Columns

WIDTH = 640
ROW, LABEL, CHARACTER = 26, 210, 8
HEIGHT, FOOT = 130, 34
MAX_LABEL = 30


def bars(picture: Bars) -> str:
    top = max([bar.high if bar.high is not None else bar.value for bar in picture.bars] + [1e-9])
    room = CHARACTER * max([len(bar.shown) for bar in picture.bars] + [1]) + 16
    scale = (WIDTH - LABEL - room) / top
    rows = "".join(_row(bar, at, scale) for at, bar in enumerate(picture.bars))
    return _svg(picture.title, ROW * len(picture.bars) + 6, rows)


def _row(bar: Bar, at: int, scale: float) -> str:
    y, length = at * ROW + 6, max(bar.value, 0) * scale
    tone = "strong" if bar.strong else "plain"
    drawn = f'<rect class="{tone}" x="{LABEL}" y="{y}" width="{length:.1f}" height="14" rx="2"/>'
    end = length
    if bar.low is not None and bar.high is not None:
        low, end = LABEL + max(bar.low, 0) * scale, bar.high * scale
        middle = y + 7
        drawn += f'<path class="whisker" d="M{low:.1f} {middle}H{LABEL + end:.1f}M{low:.1f} {y + 3}v8'
        drawn += f'M{LABEL + end:.1f} {y + 3}v8"/>'
    x = LABEL + max(end, length) + 6
    return (
        f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(_cut(bar.label))}</text>{drawn}'
        f'<text class="shown" x="{x:.1f}" y="{y + 12}">{escape(bar.shown)}</text>'
    )


def columns(picture: Columns) -> str:
    count = max(len(picture.bars), 1)
    step = WIDTH / count
    scale = (HEIGHT - 18) / max([bar.value for bar in picture.bars] + [1e-9])
    every = -(-count // 8)
    drawn = "".join(_column(bar, at, step, scale, at % every == 0) for at, bar in enumerate(picture.bars))
    return _svg(picture.title, HEIGHT + FOOT - 12, drawn)


def _column(bar: Bar, at: int, step: float, scale: float, labelled: bool) -> str:
    height = bar.value * scale
    x, y = at * step + step * 0.1, HEIGHT - height
    box = f'<rect class="plain" x="{x:.1f}" y="{y:.1f}" width="{step * 0.8:.1f}" height="{height:.1f}">'
    box += f"<title>{escape(bar.label)}: {escape(bar.shown)}</title></rect>"
    if not labelled:
        return box
    return f'{box}<text x="{x:.1f}" y="{HEIGHT + 14}">{escape(_cut(bar.label))}</text>'


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"


def _svg(title: str, height: int, inside: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}">{inside}</svg>'
