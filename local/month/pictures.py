"""docs/pictures: pages of the simulated month as a browser shows them, for people who have not run it yet."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.month import plan
from osusume_endpoint.paths import inside

# Page of the dashboards -> what its picture shows, as docs/analytics.md says to who can't see it.
PAGES = {
    "experiments": "A/B overview of a simulated month: what to do, lifts with their intervals, sample ratios",
    "experiment": "A/B detail of a simulated month: its lift by day with interval and always-valid band",
    "rules": "Rules of a simulated month: which rule of a placement changed answers at read time",
    "inference": "Inference results of a simulated month: sources of answers and the fallback rate by day",
    "funnel": "Impression, click, purchase of a simulated month: rates by position, day and placement",
    "quality": "Usage of a simulated month: events and users by day",
}
# A picture has the page's head and these of its visuals: a month has no rows for the others, or too many.
VISUALS = {
    "experiments": ("experiment-decisions", "experiment-standings", "sample-ratio"),
    "experiment": ("experiment-band", "experiment-days", "experiment-guardrails"),
    "rules": ("rules-where", "rules-at-read-time", "clicked-again"),
    "inference": ("answers", "answer-sources", "fallback-rate"),
    "funnel": ("rates-by-position", "rates-by-day", "funnel-by-placement"),
    "quality": ("events-by-day", "users-by-day"),
}
# What is chosen on a page: the control's name -> how the choice begins. Else the page chooses.
CHOSEN = {"experiment": {"comparison": f"{plan.PLANTED} ", "shown_experiment": f"{plan.PLANTED} "}}
WIDTH = 1120
_TRIED_HEIGHT = 900
# The charts are drawn by then, of the time that the browser is told has passed.
_SCRIPT = """<script>
setTimeout(() => { for (const [name, begins] of Object.entries(%s)) {
  const control = document.querySelector(`select[name="${name}"]`);
  const option = [...control.options].find((one) => one.value.startsWith(begins));
  if (option) { control.value = option.value; control.dispatchEvent(new Event("change")); }
} }, 5000);
setTimeout(() => { document.documentElement.dataset.height =
  Math.ceil(document.querySelector("main").getBoundingClientRect().bottom + window.scrollY); }, 20000);
</script>"""
SECONDS = 120
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=30000",
)


class NoBrowser(RuntimeError):
    """Nothing draws a page here; the message has the cure."""


def draw(page: Path, folder: Path) -> list[Path]:
    """A PNG of each of PAGES, of the static page that a month has written. Raises NoBrowser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise NoBrowser("pictures are drawn by chromium, which is missing (Debian: apt-get install chromium)")
    folder.mkdir(parents=True, exist_ok=True)
    return [_drawn(browser, page, name, inside(folder, f"{name}.png")) for name in PAGES]


def _drawn(browser: str, page: Path, name: str, picture: Path) -> Path:
    with tempfile.TemporaryDirectory() as profile:
        copy = Path(profile) / "page.html"
        copy.write_text(_shown(page.read_text(), name))
        command = (browser, *_FLAGS, f"--user-data-dir={profile}", f"{copy.as_uri()}#{name}")
        height = _height(_run((*command, f"--window-size={WIDTH},{_TRIED_HEIGHT}", "--dump-dom")).stdout)
        done = _run((*command, f"--window-size={WIDTH},{height}", f"--screenshot={picture.resolve()}"))
    if done.returncode or not picture.is_file():
        raise NoBrowser(f"chromium drew no {picture}: {done.stderr[-500:]}")
    return picture


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def _height(dom: str) -> int:
    """Pixels of the page with all its visuals: a window as high holds a picture's whole page."""
    found = re.search(r'<html[^>]*\bdata-height="(\d+)"', dom)
    if found is None:
        raise NoBrowser(f"chromium measured no page: {dom[:200]!r}")
    return int(found[1])


def _shown(page: str, name: str) -> str:
    """The file with some visuals of its page `name`, with what is chosen there, and one that says how high it is."""
    others = "main figure" + "".join(f":not(#{one})" for one in VISUALS[name])
    script = _SCRIPT % json.dumps(CHOSEN.get(name, {}))
    return page.replace("</head>", f"<style>{others} {{ display: none; }}</style>{script}</head>", 1)
