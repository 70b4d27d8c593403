"""Headless Chromium, driven through its own pipe (--remote-debugging-pipe): no package, no port, no network."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.dashboards.browser import chromium

SECONDS = 60
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    # Only this machine has an address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# The browser reads from descriptor 3 and writes to 4.
_WIRED = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Tab:
    """A page. Errors of its scripts, and what its policy refused, are kept in `errors`."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._number, self._rest, self._session = 0, b"", ""
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Page", "Log", "Network"):
            self._call(f"{domain}.enable")

    def look(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url="about:blank")
        self._call("Page.navigate", url=url)
        self.until("document.body && document.body.dataset.ready === 'true'")

    def value(self, script: str) -> Any:
        """Of a JavaScript expression, awaited."""
        told = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, script: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.value(f"!!({script})"):
            assert time.monotonic() < deadline, f"never true: {script}\n{self.errors}"
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        self.value(f"document.querySelector({json.dumps(selector)}).click()")

    def key(self, name: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if name == "Enter" and kind == "keyDown" else {}
            self._call(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **text
            )

    def text(self, selector: str) -> str:
        return str(self.value(f"document.querySelector({json.dumps(selector)}).innerText"))

    def picture(self, file: Path, *, whole: bool = True) -> None:
        told = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(told["data"]))

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]
            self._note(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._reads, 1 << 20)
            assert part, "the browser ended"
            self._rest += part
        one, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(one)
        return told

    def _note(self, told: dict[str, Any]) -> None:
        given = told.get("params", {})
        if told.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(given["exceptionDetails"])[:600])
        if told.get("method") == "Log.entryAdded" and given["entry"]["source"] == "security":
            self.errors.append(given["entry"]["text"])
        if told.get("method") == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])


@contextmanager
def tab(profile: Path) -> Iterator[Tab]:
    (ours, theirs), (back, answers) = os.pipe(), os.pipe()
    command = [sys.executable, "-c", _WIRED, str(ours), str(answers), chromium(), *FLAGS]
    with (profile.parent / "chromium.log").open("wb") as log:
        browser = subprocess.Popen(
            [*command, f"--user-data-dir={profile}"], pass_fds=(ours, answers), stdout=log, stderr=log
        )
    os.close(ours)
    os.close(answers)
    try:
        yield Tab(back, theirs)
    finally:
        browser.terminate()
        browser.wait(20)
        os.close(back)
        os.close(theirs)
