"""QuickSight over the marts: a stack of its own, so that a data source that fails takes no warehouse with it.

Deployed after a run: QuickSight connects when the data source is made, as a database user that the first load makes.
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
