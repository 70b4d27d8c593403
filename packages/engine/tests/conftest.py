from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # no property fails on the seconds that an example takes
settings.load_profile("untimed")
