from __future__ import annotations

import pytest

from tests.aws.rds.cloud import Cloud
from tests.aws.rds.conftest import cloud
from tests.aws.redshift import warehouse as warehouses

__all__ = ["cloud"]


@pytest.fixture(scope="session")
def warehouse(cloud: Cloud) -> warehouses.Warehouse:
    return warehouses.deploy(cloud)
