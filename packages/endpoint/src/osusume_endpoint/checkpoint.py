"""Saves the emulator's state while it serves: an endpoint that is killed loses the last moments, not everything."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from osusume_endpoint import replacements
from osusume_endpoint.calls import Call
from osusume_endpoint.replacements import replaces

log = logging.getLogger("osusume.checkpoint")
QUIET_SECONDS = 3.0  # a run calls all the time: its end is the moment to save, at nobody's expense
LONGEST_SECONDS = 300.0
ATTEMPTS = 20
READING = ("Get", "List", "Describe", "Query", "Scan", "BatchGet", "Head")


class Checkpoints:
    """`save` runs in this object's thread, at most one at a time."""

    def __init__(self, save: Callable[[], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._save = save
        self._clock = clock
        self._first = 0.0  # of the changes that aren't saved; 0: there are none
        self._last = 0.0

    def note(self, call: Call) -> None:
        """An interceptor of calls, which lets every call through."""
        if call.action.partition(":")[2].startswith(READING):
            return
        self._last = self._clock()
        self._first = self._first or self._last

    def due(self) -> bool:
        now = self._clock()
        return bool(self._first) and (
            now - self._last >= QUIET_SECONDS or now - self._first >= LONGEST_SECONDS
        )

    def save_if_due(self) -> None:
        if self.due():
            self._first = 0.0  # before saving: what changes meanwhile is saved next time
            self._save()

    def start(self) -> None:
        threading.Thread(target=self._run, name="checkpoint", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(1)
            try:
                self.save_if_due()
            except Exception:
                log.exception("the state could not be saved: it is tried again after the next change")


def install() -> None:
    """ministack saves when it is told to stop; both ways share a lock, as they write the same files."""
    from ministack import app

    from osusume_endpoint import calls

    replacements.apply(__name__)
    checkpoints = Checkpoints(lambda: app.save_all(app._build_persistence_save_dict()))
    calls.interceptors.append(lambda call: checkpoints.note(call))  # answers None: nobody is refused
    checkpoints.start()


@replaces("ministack.app:save_all", takes="services")
def _one_at_a_time(inner: Callable[[dict[str, Callable[[], object]]], None]) -> Callable[..., None]:
    lock = threading.Lock()

    def save_all(services: dict[str, Callable[[], object]]) -> None:
        with lock:
            inner({name: _patiently(copied) for name, copied in services.items()})

    return save_all


def _patiently(copied: Callable[[], object]) -> Callable[[], object]:
    """A copy of what a service knows, taken again where the service changed it meanwhile: ministack would skip it."""

    def copy() -> object:
        for _ in range(ATTEMPTS - 1):
            try:
                return copied()
            except RuntimeError:  # dictionary changed size during iteration
                time.sleep(0.05)
        return copied()

    return copy
