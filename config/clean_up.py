"""`clean_up`: how long what no longer serves is kept."""

from __future__ import annotations

from pydantic import Field, field_validator

from config.schedules import check_schedule
from config.section import Section


class CleanUp(Section):
    """What grows is removed by policy: never what serves, nor what readers or a promotion could go back to."""

    expression: str = "cron(0 12 ? * SUN *)"
    """When the workflow `clean-up` starts, as `schedule.expression`, in the same time zone, away from the runs."""
    enabled: bool = True
    """false keeps the schedule but never fires it."""
    superseded_after_days: int = Field(default=14, ge=1, le=3650)
    """Days after its last training from which a solution that is configured no longer may be deleted."""
    keep_superseded: int = Field(default=1, ge=0, le=9)
    """Superseded solutions of each name that stay, the newest: configured back, one is found again."""
    records_days: int = Field(default=400, ge=35, le=3650)
    """Days for which the control table keeps what is known of a run."""
    warehouse_days: int = Field(default=730, ge=35, le=36500)
    """Days of quarantined rows, data quality and versions' metrics that the warehouse keeps."""

    @field_validator("expression")
    @classmethod
    def _is_a_schedule(cls, expression: str) -> str:
        return check_schedule(expression)
