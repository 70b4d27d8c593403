"""Lines of a state's work: a function's from CloudWatch, a Glue job's from the file that it wrote on this machine."""

from __future__ import annotations

import re
from pathlib import Path

from operations.place import Place
from osusume_endpoint import paths

FUNCTIONS = "/aws/lambda/"
MOST_LINES = 300
_JOB = re.compile(r"jr_[0-9a-f]{1,80}", re.ASCII)


class NoLog(ValueError):
    """There is no such log, or it is not the environment's."""


def of_group(place: Place, group: str, *, start: int, end: int) -> list[str]:
    """The first lines between two moments (epoch milliseconds). Raises NoLog."""
    if not group.startswith(f"{FUNCTIONS}{place.names.prefix}-"):
        raise NoLog(f"{group[:120]} is no log group of {place.names.prefix}'s functions")
    found = place.client("logs").filter_log_events(
        logGroupName=group, startTime=start, endTime=end, limit=MOST_LINES
    )
    return [str(event["message"]).rstrip() for event in found["events"]]


def of_job(folder: Path, job: str) -> list[str]:
    """The last lines of a job's run. Raises NoLog."""
    file = paths.inside(folder, f"{job}.log") if _JOB.fullmatch(job) else None
    if file is None or not file.is_file():
        raise NoLog(f"{job[:120]} is no run of a Glue job that wrote here")
    return file.read_text(errors="replace").splitlines()[-MOST_LINES:]
