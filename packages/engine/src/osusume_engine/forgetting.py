"""Takes users out of a model that was trained with them, as a data deletion job does.

What was learned of all users together stays; nothing of it can be told to be of the user any more, who is a stranger
to the model from then on and is in no segment.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from osusume_engine import storage

# Where models keep ids of users.
FIELDS = ("TrainedModel.users", "ActionModel.users", "Newcomers.ids")
_NOBODY = "\x00"  # begins no id: Personalize takes no control characters


def forget(folder: Path, users: Collection[str]) -> None:
    """Changes the model in `folder`; twice is the same as once. Raises FormatChanged; FileNotFoundError."""
    gone = np.array(sorted(users), dtype=object)

    def renamed(ids: np.ndarray) -> np.ndarray:
        names = ids.copy()
        for code in np.flatnonzero(np.isin(ids.astype(str), gone.astype(str))):
            names[code] = f"{_NOBODY}{code}"
        return names

    storage.rename(folder, renamed, fields=FIELDS)


def present(ids: np.ndarray) -> np.ndarray:
    """bool per id, False for those of forgotten users."""
    return np.array([not str(one).startswith(_NOBODY) for one in ids], dtype=bool)
