"""Keys are kept for a while, and an unknown kid can't make the function ask its issuer more than twice a minute."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import jwt

from lambdas.authorize_reader.issuer import Keys
from lambdas.authorize_reader.refusals import KeysUnavailable, TokenRefused

KEPT_SECONDS = 600  # a key that was withdrawn verifies for so long
KEPT_IN_NEED_SECONDS = 3600  # and for so long while the issuer doesn't answer
PAUSE_SECONDS = 30


class KeyCache:
    def __init__(self, *, read: Callable[[], Keys], clock: Callable[[], float]) -> None:
        self._read, self._clock, self._lock = read, clock, Lock()
        self._keys: Keys = {}
        self._read_at = self._tried_at = float("-inf")

    def key(self, *, kid: str, algorithm: str) -> jwt.PyJWK:
        """Raises TokenRefused for a key that the issuer doesn't have, KeysUnavailable where that can't be told."""
        with self._lock:
            if (kid, algorithm) not in self._keys or self._age() > KEPT_SECONDS:
                self._refresh()
            if self._age() > KEPT_IN_NEED_SECONDS:
                raise KeysUnavailable("the issuer's keys could not be read; they are asked for again soon")
            try:
                return self._keys[kid, algorithm]
            except KeyError:
                raise TokenRefused("the issuer has no such key") from None

    def _age(self) -> float:
        return self._clock() - self._read_at

    def _refresh(self) -> None:
        if self._clock() - self._tried_at < PAUSE_SECONDS:
            return
        self._tried_at = self._clock()
        try:
            self._keys = self._read()
        except KeysUnavailable:
            if self._age() > KEPT_IN_NEED_SECONDS:
                raise
            return
        self._read_at = self._clock()
