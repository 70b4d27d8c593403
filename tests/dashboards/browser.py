"""A page in headless Chromium that can reach nothing, and what a script in it reports."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROBE = Path(__file__).with_name("probe.js")
SECONDS = 120
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=60000",
)
# What holds a page as wide as a phone: no window of the browser is as narrow.
FRAME = """<!doctype html><body style="margin:0"><iframe src="page.html" style="width:390px;height:844px;border:0">
</iframe><script>addEventListener("message", (event) => {
const place = document.createElement("pre"); place.id = "probe"; place.textContent = JSON.stringify(event.data);
document.body.append(place); });</script></body>"""


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("chromium is missing: .ci/run installs it, so continuous integration must have it")
    if found is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    return found


def looked_at(page: str, folder: Path, *, phone: bool = False, dark: bool = False) -> dict[str, Any]:
    """What probe.js reports of the page, on a desk or on a phone."""
    file = folder / "page.html"
    # The library holds such a tag in a string: the last one is the page's.
    before, _, after = page.rpartition("</body>")
    file.write_text(f"{before}<script>{PROBE.read_text()}</script></body>{after}")
    frame = folder / "frame.html"
    frame.write_text(FRAME)
    flags = [*FLAGS, *(["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else [])]
    size, address = "--window-size=1280,900", (frame if phone else file).as_uri()
    command = [chromium(), *flags, size, f"--user-data-dir={folder / 'profile'}", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    report: dict[str, Any] = json.loads(html.unescape(found[1]))
    return report
