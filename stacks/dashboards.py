"""QuickSight over the marts: a stack of its own, so that a data source that fails takes no warehouse with it.

QuickSight signs in when the data source is made, as a database user that `make deploy` makes before (operations/
reader.py). The marts come with the first run, and QuickSight's next refresh takes them.
"""

from __future__ import annotations

from constructs import Construct

from config.settings import Settings
from stacks.parts.quicksight import Dashboards
from stacks.parts.stack import EnvironmentStack


class DashboardsStack(EnvironmentStack):
    """No stack needs this one: where QuickSight refuses something, the rest stands."""

    part = "dashboards"
    needs = ("network", "analytics")

    @classmethod
    def wanted(cls, settings: Settings) -> bool:
        return settings.analytics.quicksight.enabled

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="QuickSight over the marts")
        Dashboards(self, "Dashboards")
