"""A source's next day, moved to where the application's time is."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)


def compressed(
    times: pd.Series, *, start: pd.Timestamp, newest: pd.Timestamp, now: pd.Timestamp
) -> pd.Series:
    """Times of the day that begins at `start`, after `newest` and before `now`, in whole seconds.

    Where less than a day is between the two, all lie closer together.
    """
    scale = min(1.0, max(0.0, (now - newest) / DAY))
    seconds = (times - start).dt.total_seconds().to_numpy() * scale
    return pd.Series(newest + pd.to_timedelta(np.floor(seconds), unit="s"), index=times.index)
