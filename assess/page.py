"""The document as one static page: nothing is fetched, nothing runs; light and dark, wide and narrow."""

from __future__ import annotations

from html import escape

from assess import drawing
from assess.document import Bars, Block, Code, Columns, Document, Part, Section, Table, Text

# A page that asks nobody for anything, whatever the data hold.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6676;--line:#d8dee6;--back:#fff;--panel:#f5f7fa;--blue:#2b66c4;
--pale:#a9bddb;--good:#1a7f47;--bad:#b3261e;--warn:#8a5a00}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#a3adbb;--line:#343d4a;--back:#12161c;--panel:#1a2028;
--blue:#7aa7f0;--pale:#45597a;--good:#63c78d;--bad:#ff8f87;--warn:#e3b25c}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI","Hiragino Sans",
"Noto Sans CJK JP","Yu Gothic",sans-serif}
main,header,nav,footer{max-width:860px;margin:0 auto;padding:0 20px}
header{padding-top:32px}h1{font-size:1.75rem;line-height:1.25;margin:0 0 .6rem}
h2{font-size:1.3rem;margin:2.6rem 0 .8rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1.02rem;margin:1.7rem 0 .5rem}p{margin:.5rem 0}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.6rem;padding:0;margin:1rem 0;list-style:none}
a{color:var(--blue)}a:focus-visible,.scroll:focus-visible,pre:focus-visible{
outline:3px solid var(--blue);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999px}.skip:focus{left:20px;top:8px;background:var(--back);padding:.3rem .6rem}
.good,.bad,.warn,.note{padding:.5rem .8rem;background:var(--panel);border-left:4px solid var(--soft);border-radius:3px;
overflow-wrap:anywhere}
.good{border-color:var(--good)}.bad{border-color:var(--bad)}.warn{border-color:var(--warn)}.note{color:var(--soft)}
.scroll{overflow-x:auto;margin:.7rem 0}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.38rem .6rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}.numbers td+td,.numbers th+th{text-align:right;font-variant-numeric:tabular-nums}
.numbers td+td{white-space:nowrap}
svg{width:100%;height:auto;font-size:13px;margin:.4rem 0;min-width:520px}svg text{fill:var(--ink)}
svg .shown{fill:var(--soft)}svg .plain{fill:var(--pale)}svg .strong{fill:var(--blue)}
svg .whisker{stroke:var(--ink);stroke-width:1.5;fill:none}
pre{background:var(--panel);padding:.9rem;overflow-x:auto;border-radius:4px;font-size:.82rem}
footer{color:var(--soft);font-size:.85rem;padding-top:2rem;padding-bottom:3rem}
@media(max-width:560px){body{font-size:15px}main,header,nav,footer{padding-left:14px;padding-right:14px}
h1{font-size:1.4rem}th,td{padding:.3rem .4rem}}
"""


def page(document: Document) -> str:
    lead = "".join(_text(text) for text in document.lead)
    links = "".join(f'<li><a href="#{s.key}">{escape(s.title)}</a></li>' for s in document.sections)
    sections = "".join(map(_section, document.sections))
    title = escape(document.title)
    return (
        f'<!doctype html>\n<html lang="{document.language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
        f'<style>{STYLE}</style></head>\n<body><a class="skip" href="#main">{escape(document.contents)}</a>'
        f'<header><h1>{title}</h1>{lead}</header><nav aria-label="{escape(document.contents)}"><ul>{links}</ul></nav>\n'
        f'<main id="main">{sections}</main><footer>{escape(document.foot)}</footer></body></html>\n'
    )


def _section(section: Section) -> str:
    parts = "".join(map(_part, section.parts))
    return f'<section id="{section.key}"><h2>{escape(section.title)}</h2>{parts}</section>\n'


def _part(part: Part) -> str:
    title = f"<h3>{escape(part.title)}</h3>" if part.title else ""
    return title + "".join(map(_block, part.blocks))


def _block(block: Block) -> str:
    if isinstance(block, Text):
        return _text(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Code):
        return f'<pre tabindex="0"><code>{escape(block.text)}</code></pre>\n'
    drawn = drawing.bars(block) if isinstance(block, Bars) else drawing.columns(block)
    assert isinstance(block, Bars | Columns)
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(block.title)}">{drawn}</div>\n'


def _text(text: Text) -> str:
    tone = f' class="{text.tone}"' if text.tone else ""
    return f"<p{tone}>{escape(text.text)}</p>\n"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in table.rows)
    kind = ' class="numbers"' if table.numeric else ""
    label = escape(", ".join(filter(None, table.head)), quote=True)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table{kind}><thead><tr>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>\n"
    )
