"""docs/pictures: pages of the simulated month as a browser shows them, for people who have not run it yet."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

# Page of the dashboards -> what its picture shows, as docs/analytics.md says to who can't see it.
PAGES = {
    "experiments": "A/B overview of the simulated month: each experiment's lift, interval and decision",
    "experiment": "A/B detail of the simulated month: lift by day with its interval",
    "funnel": "Impression, click, purchase of the simulated month: click rates by position and placement",
    "rules": "Rules of the simulated month: what rules of placements changed at read time",
    "inference": "Inference results of the simulated month: sources of answers and the fallback rate by day",
}
WIDTH, HEIGHT = 1000, 800  # of the window; a picture is what fits into it
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
    return [_drawn(browser, page, name, folder / f"{name}.png") for name in PAGES]


def _drawn(browser: str, page: Path, name: str, picture: Path) -> Path:
    with tempfile.TemporaryDirectory() as profile:
        command = (
            browser,
            *_FLAGS,
            f"--user-data-dir={profile}",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={picture.resolve()}",
            f"{page.resolve().as_uri()}#{name}",
        )
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode or not picture.is_file():
        raise NoBrowser(f"chromium drew no {picture}: {done.stderr[-500:]}")
    return picture
