from __future__ import annotations

import pytest

from osusume_endpoint.testing import warehouse as warehouses
from osusume_endpoint.testing.cloud import Cloud
from tests.rds.conftest import cloud

__all__ = ["cloud"]


@pytest.fixture(scope="session")
def warehouse(cloud: Cloud) -> warehouses.Warehouse:
    return warehouses.deploy(cloud)
