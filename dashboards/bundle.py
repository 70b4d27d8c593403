"""Vega, Vega-Lite and Vega-Embed as one text of JavaScript, from a wheel that carries them."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

PACKAGE = "vl-convert-python"
# What the page calls; vega-embed's own download links would name a server.
_SNIPPET = "window.vegaEmbed = vegaEmbed;"


def library(folder: Path) -> str:
    """Bundled once for each version of the package, which takes seconds, and kept in `folder`."""
    kept = folder / f"vega-{version(PACKAGE)}.js"
    if not kept.exists():
        import vl_convert

        folder.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(".new")
        new.write_text(vl_convert.javascript_bundle(_SNIPPET))
        new.replace(kept)
    return kept.read_text()
