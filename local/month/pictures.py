"""docs/pictures: pages of the simulated month as a browser shows them, for people who have not run it yet."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from osusume_endpoint.paths import inside

# Page of the dashboards -> what its picture shows, as docs/analytics.md says to who can't see it.
PAGES = {
    "rules": "Rules of a simulated month: which rule of a placement changed answers at read time",
    "inference": "Inference results of a simulated month: sources of answers and the fallback rate by day",
    "funnel": "Impression, click, purchase of a simulated month: rates by position, day and placement",
    "quality": "Usage of a simulated month: events and users by day",
}
# A picture has the page's head and these of its visuals: a month has no rows for the others, or too many.
VISUALS = {
    "rules": ("rules-where", "rules-at-read-time", "clicked-again"),
    "inference": ("answers", "answer-sources", "fallback-rate"),
    "funnel": ("rates-by-position", "rates-by-day", "funnel-by-placement"),
    "quality": ("events-by-day", "users-by-day"),
}
WIDTH, HEIGHT = 800, 780  # of the window; a picture is what fits into it
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
        copy.write_text(_of_visuals(page.read_text(), VISUALS[name]))
        command = (
            browser,
            *_FLAGS,
            f"--user-data-dir={profile}",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={picture.resolve()}",
            f"{copy.as_uri()}#{name}",
        )
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode or not picture.is_file():
        raise NoBrowser(f"chromium drew no {picture}: {done.stderr[-500:]}")
    return picture


def _of_visuals(page: str, shown: tuple[str, ...]) -> str:
    """The page with no other visual of it shown."""
    others = "main figure" + "".join(f":not(#{one})" for one in shown)
    return page.replace("</head>", f"<style>{others} {{ display: none; }}</style></head>", 1)
