"""`make recommend`: this once, lists of a solution are made with the version that is named; nothing is trained.

For good, `make promote` or `solutions[].version` say it.
"""

from __future__ import annotations

from collections.abc import Callable

from operations import executions, promote
from operations.place import Place, Refused, confirm_on_aws, say


def start(
    place: Place, *, solution: str, version: str, given: str = "", ask: Callable[[str], str] = input
) -> str:
    """The execution's ARN. `version` is as `make promote` takes it; `solution` may be left out beside an ARN.

    Raises Refused for a version that there is not, that is not ACTIVE, or of another solution.
    """
    name = solution or _solution_of(place, version)
    chosen = promote.usable(place, solution=name, version=version)
    say(f"  {name}: {chosen.arn} ({chosen.name})")
    confirm_on_aws(place, what="Its lists take the place of those that serve", given=given, ask=ask)
    return executions.start_pipeline(place, {"mode": "auto", "versions": {name: chosen.arn}})


def recommend(
    place: Place, *, solution: str, version: str, given: str = "", ask: Callable[[str], str] = input
) -> int:
    arn = start(place, solution=solution, version=version, given=given, ask=ask)
    say(f"  {arn}")
    say("Started: its pointers name the version (solution_version_arn) once its lists serve")
    return 0


def _solution_of(place: Place, version: str) -> str:
    """The solution that an ARN names, `…:solution/<prefix>-<solution>-<digest>/<id>`."""
    name = version.rpartition(":solution/")[2].partition("/")[0].rpartition("-")[0]
    known = {place.names.of(one.name): one.name for one in place.settings.solutions}
    if name not in known:
        raise Refused(
            f"Nothing was done: SOLUTION_VERSION={version!r} is no ARN of a version of a configured solution: give "
            f"one, or SOLUTION= with one of {', '.join(known.values())}"
        )
    return known[name]
