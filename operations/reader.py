"""The database user that QuickSight signs in as, made before it does: so that one deployment suffices.

The first load would make it too. A data source whose user is missing fails, and its stack with it.
"""

from __future__ import annotations

import json
from typing import Any

from lambdas.load_warehouse import script
from operations.place import Place, say
from operations.queries import warehouse_rows
from warehouse.load import tables

ANALYTICS = "Analytics"  # the stack that has the warehouse, by its id in the app


def wanted(place: Place) -> bool:
    """Whether QuickSight reads as the user of the stacks, and not as one of the company's own."""
    quicksight = place.settings.analytics.quicksight
    return quicksight.enabled and quicksight.secret_arn is None


def ensure(place: Place) -> list[str]:
    """What was made: roles and users. Twice is the same as once. Raises Refused with the warehouse's own words."""
    made = script.preparation(
        # Tables are the load's.
        columns={name: table.columns for name, table in tables.MADE.items()},
        roles=_names(place, "select role_name from svv_roles"),
        users=_names(place, "select usename from pg_user"),
        dbt_user=f"IAMR:{place.names.transformation_role}",
        reader_password=lambda: _password(place),
    )
    for statement in made:
        _as_administrator(place, statement)
    if made:
        say(f"The warehouse has {', '.join(' '.join(one.split()[1:3]) for one in made)}")
    return made


def _names(place: Place, statement: str) -> list[str]:
    return [str(row[0]) for row in _as_administrator(place, statement)]


def _as_administrator(place: Place, statement: str) -> list[list[Any]]:
    return warehouse_rows(place, statement, secret=place.names.warehouse_secret)


def _password(place: Place) -> str:
    client = place.client("secretsmanager")
    answer = client.get_secret_value(SecretId=place.names.warehouse_reader_secret)
    return str(json.loads(answer["SecretString"])["password"])
