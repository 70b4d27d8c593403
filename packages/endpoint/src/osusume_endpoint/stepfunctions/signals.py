"""Stopping: an execution, a branch or a Map iteration, and whatever runs inside it."""

from __future__ import annotations

import threading

from osusume_endpoint.stepfunctions.errors import Aborted


class StopSignal:
    """Set once; setting it sets the signals of everything started below it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._children: list[StopSignal] = []
        # Nobody waits for the work any more: it must not write history either.
        self.abandoned = False

    def child(self) -> StopSignal:
        signal = StopSignal()
        with self._lock:
            self._children.append(signal)
        if self.is_set():
            signal.set()
        return signal

    def release(self, child: StopSignal) -> None:
        with self._lock:
            self._children.remove(child)

    def set(self) -> None:
        self._event.set()
        with self._lock:
            children = list(self._children)
        for signal in children:
            signal.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def abandon(self) -> None:
        self.abandoned = True
        with self._lock:
            children = list(self._children)
        for signal in children:
            signal.abandon()

    def check(self) -> None:
        if self.is_set():
            raise Aborted

    def sleep(self, seconds: float) -> None:
        if self._event.wait(max(0.0, seconds)):
            raise Aborted
