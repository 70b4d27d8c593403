"""Makes every process that imports it hang half-way through writing a model, while the file `slow` exists.

A worker process takes no hooks, but Python imports the category of a filter in PYTHONWARNINGS when it starts.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

# The filter's module has to be found before Python adds the working folder to its path.
ENVIRONMENT = {
    "PYTHONWARNINGS": "ignore::tests.personalize.slow_models.SlowModels",
    "PYTHONPATH": str(Path(__file__).parents[2]),
}
_write_text = Path.write_text


class SlowModels(Warning):
    pass


def _slowly(path: Path, *given: Any, **named: Any) -> int:
    if path.name == "model.json" and (Path(os.environ.get("OSUSUME_HOME", "")) / "slow").exists():
        time.sleep(60)
    return _write_text(path, *given, **named)


Path.write_text = _slowly  # type: ignore[method-assign]
