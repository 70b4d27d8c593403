"""dbt's adapter `redshift` where PostgreSQL stands for Redshift: through psycopg2 instead of redshift-connector.

A process finds it before dbt-redshift when its sys.path begins with the folder `adapter`. The project, its profile
(`type: redshift`) and its macros are those of AWS; Redshift's functions are those of the stand-in (functions.sql). What
dbt itself writes (create table as, rename, drop) is dbt-postgres's, of which dbt-redshift's is a descendant.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from dbt.adapters.base import AdapterPlugin
from dbt.adapters.exceptions import FailedToConnectError
from dbt.adapters.postgres.connections import PostgresConnectionManager, PostgresCredentials
from dbt.adapters.postgres.impl import PostgresAdapter

# As osusume_endpoint.redshift.stand_in has it, which a function's process doesn't.
NO_PATH = "OSUSUME_LOCAL_NO_PATH"


class RedshiftCredentials(PostgresCredentials):
    """A profile's keys that both adapters have; dbt refuses the others by name."""

    @property
    def type(self) -> str:
        return "redshift"


class RedshiftConnectionManager(PostgresConnectionManager):
    TYPE = "redshift"

    @classmethod
    def open(cls, connection: Any) -> Any:
        reason = json.loads(os.environ.get(NO_PATH, "{}")).get(connection.credentials.database)
        if reason:
            raise FailedToConnectError(f"connect to the warehouse: timed out [local: {reason}]")
        connection.credentials.sslmode = None  # the stand-in has no certificate: it is on the loopback
        return super().open(connection)


class RedshiftAdapter(PostgresAdapter):
    ConnectionManager = RedshiftConnectionManager

    @classmethod
    def type(cls) -> str:
        return "redshift"


Plugin = AdapterPlugin(
    adapter=RedshiftAdapter,
    credentials=RedshiftCredentials,
    include_path=str(Path(__file__).parents[3] / "macros"),
    dependencies=["postgres"],
    project_name="dbt_redshift",
)
