"""The folder of dbt's adapter for the stand-in, which has to come early in a process's sys.path."""

from __future__ import annotations

from pathlib import Path

ADAPTER = Path(__file__).with_name("adapter")
# Variable of a function's process: databases of warehouses that its network doesn't reach, and why, as JSON.
NO_PATH = "OSUSUME_LOCAL_NO_PATH"
