"""`python -m local.rehearsal.shop <environment>`: a small generated shop, by the Data API."""

from __future__ import annotations

import sys
import time
from contextlib import closing

import pandas as pd

from local import acting
from local.demo import loader, tables
from local.demo.deployed import EXPORTED_AFTER_SECONDS
from local.demo.generated import generate
from operations import place as places


def main(environment: str) -> None:
    place = places.reached(environment)
    shop = generate(now=pd.Timestamp.now("UTC") - pd.Timedelta(hours=1)).shop
    with closing(acting.database(place)) as connection:
        tables.create(connection, tables=place.settings.aurora.tables, datasets=place.settings.datasets)
        loader.store(
            shop, previous=None, connection=connection, clients=place.client, settings=place.settings
        )
    time.sleep(EXPORTED_AFTER_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
