from __future__ import annotations

from tests.rds.conftest import cloud

__all__ = ["cloud"]
