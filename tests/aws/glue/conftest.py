from __future__ import annotations

from tests.aws.rds.conftest import cloud

__all__ = ["cloud"]
