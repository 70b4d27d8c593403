"""What batch jobs are asked: a folder of lines each, which the job that builds the datasets writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from config import layout, limits

if TYPE_CHECKING:
    from config.solution import Solution

Input = Mapping[str, Any]


def of(solution: Solution) -> Input:
    """{folder, lines, ...}: `lines` are users, items, everyone, rankings or queries; the rest says which.

    Solutions that ask about the same share a folder.
    """
    audience = layout.AUDIENCES.get(solution.for_each, "queries")
    lines = "rankings" if solution.publishes == "rankings" else audience
    which: dict[str, Any] = {"queries": dict(solution.queries)} if solution.queries else {}
    for section in (solution.users, solution.items):
        which |= section.model_dump(exclude_defaults=True, mode="json") if section else {}
    own = bool(which) or lines != audience
    folder = layout.OWN_INPUT.of(solution=solution.name) if own else audience
    return {"folder": folder, "lines": lines, **which}


def of_all(solutions: Iterable[Solution]) -> list[Input]:
    """One for each folder that a solution with batch jobs reads."""
    asked = [of(solution) for solution in solutions if solution.publishes]
    return list({str(one["folder"]): one for one in asked}.values())


def jobs_of_folders(solutions: Iterable[Solution]) -> dict[str, int]:
    """How many solutions have batch inference, by the folder that they read: each has a job for each of its parts."""
    folders = [str(of(one)["folder"]) for one in solutions if one.publishes in ("lists", "rankings")]
    return {folder: folders.count(folder) for folder in folders}


def most_jobs(solutions: Iterable[Solution]) -> int:
    """Batch inference jobs that a run may have: those of segments are of the same execution."""
    return limits.MAX_BATCH_JOBS - sum(one.publishes == "segments" for one in solutions)
