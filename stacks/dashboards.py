"""QuickSight over the marts: a stack of its own, so that a data source that fails takes no warehouse with it.

Deployed after a run: QuickSight connects when the data source is made, as a database user that the first load makes.
"""

from __future__ import annotations

from constructs import Construct

from config.settings import Settings
from stacks.parts.quicksight import Dashboards
from stacks.parts.stack import EnvironmentStack


class DashboardsStack(EnvironmentStack):
    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "dashboards", settings=settings, description="QuickSight over the marts")
        Dashboards(self, "Dashboards")
