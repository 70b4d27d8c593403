"""What is done to a deployed environment so that its workflows enter their states: the stories of `make chaos KILLS=1`.

A story is a few acts, each an execution with what provokes it. A state belongs to the first story that names it, and
else to the plain run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from local.chaos.deeds import Deeds
from local.chaos.line import Outcome
from local.chaos.workflows import Place
from osusume_endpoint.faults.plan import Kill, Rule

EVERY = 40  # more deaths than any state's retries outlast


@dataclass(frozen=True)
class Act:
    """`start` starts an execution and follows it. `ends`: FAILED where what is provoked must not succeed."""

    start: Callable[[Deeds], Outcome]
    kills: tuple[Kill, ...] = ()
    rules: tuple[Rule, ...] = ()
    ends: str = ""
    error: str = ""  # of an input that is refused


@dataclass(frozen=True)
class Story:
    name: str
    seeds: int  # of thirty
    acts: tuple[Act, ...]
    enters: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # names of states by workflow; may hold *
    repeats: int = 3  # so often at most it is told, until every kill of its seed hit something

    def has(self, place: Place) -> bool:
        return any(fnmatchcase(place.name, wanted) for wanted in self.enters.get(place.workflow, ()))


def _dies(target: str, at: str = "", count: int = EVERY, **more: Any) -> Kill:
    return Kill(target=target, when=at, count=count, **more)


def _throttled(service: str, operation: str, role: str, *, after: int = 0) -> Rule:
    """Calls of a workflow's own role, so that no process of it has to die."""
    return Rule(
        service=service, operation=operation, role=f"*-{role}*", kind="throttle", after=after, count=EVERY
    )


def _refused(start: Callable[[Deeds], Outcome], error: str) -> Act:
    return Act(start, ends="FAILED", error=error)


LOCK = ("ReadLock", "DescribeOwner", "OwnerStatus", "TakeOverLock")
FAILURE = ("ExplainFailure", "ReadFailure", "NotifyFailure", "ReleaseLockAfterFailure", "Failed")

STORIES = (
    # Each execution finds the lock of one that ended, and is refused for its input.
    Story(
        "refused",
        seeds=3,
        acts=(
            _refused(lambda deeds: deeds.pipeline({"resume": "never"}, dead_lock=True), "NothingToResume"),
            _refused(lambda deeds: deeds.pipeline({"resume": deeds.watermark()}), "ResumedTooLate"),
            _refused(lambda deeds: deeds.pipeline({"versions": {"nobody": "none"}}), "UnknownSolution"),
            _refused(lambda deeds: deeds.pipeline({"versions": deeds.unusable()}), "VersionUnusable"),
        ),
        enters={
            "pipeline": (
                *LOCK,
                *FAILURE,
                *("ReadProgress", "ReadNewest", "Resumable", "NothingToResume", "ResumedTooLate"),
                *("UnknownSolution", "NameVersions", "Version", "IsNamed", "ReadServing", "Serves"),
                *("DescribeVersion", "VersionStatus", "VersionUnusable", "Chosen"),
            )
        },
        repeats=8,
    ),
    # Somebody holds the lock and is at work.
    Story(
        "busy",
        seeds=1,
        acts=(Act(lambda deeds: deeds.while_forgetting()),),
        enters={
            "pipeline": ("AlreadyRunning",),
            "clean-up": ("Skipped",),
            "forget": ("Queued", "WaitForLock"),
        },
        repeats=6,
    ),
    Story(
        "clean-up",
        seeds=2,
        acts=(
            Act(lambda deeds: deeds.clean_up(dead_lock=True)),
            Act(lambda deeds: deeds.clean_up(), kills=(_dies("lambda:clean_up"),), ends="FAILED"),
        ),
        enters={"clean-up": ("*",)},
        repeats=8,
    ),
    Story(
        "forget",
        seeds=4,
        acts=(
            Act(lambda deeds: deeds.forget(dead_lock=True)),
            Act(lambda deeds: deeds.forget(), kills=(_dies("training:delete_users"),), ends="FAILED"),
            Act(lambda deeds: deeds.forget()),
        ),
        enters={"forget": ("*",)},
        repeats=4,
    ),
    Story(
        "load",
        seeds=2,
        acts=(
            Act(
                lambda deeds: deeds.load(),
                kills=(_dies("postgres", "state:load:LoadStatus", count=1, restart_seconds=1.0),),
            ),
            Act(lambda deeds: deeds.load()),
        ),
        enters={"load": ("*",)},
        repeats=4,
    ),
    # What Personalize and the control table have is not what the last run left.
    Story(
        "changed",
        seeds=3,
        acts=(
            Act(
                lambda deeds: deeds.changed(),
                kills=(_dies("lambda:publish_recommendations", "state:recommend:RetireFiles"),),
                rules=(
                    Rule(
                        service="personalize", operation="CreateSolutionVersion", kind="reset", performed=True
                    ),
                ),
            ),
        ),
        enters={
            "prepare": ("ExportTable", "DescribeExport", "ExportStatus", "WaitExport"),
            "train": (
                *("CreateSolution", "WaitSolution", "UpdateSolution", "KeepServing", "Served"),
                *("ListVersions", "NameVersions", "NameVersion", "Named", "VersionFound"),
            ),
            "recommend": (
                "Campaign*",
                "RemoveCampaign",
                "Filter*",
                "RemoveFilter",
                "RetireFilesBatchFailed",
                "StillNoted",
            ),
        },
        repeats=6,  # lists are retired from the third version on
    ),
    # A run fails in each of its phases, and goes on from there.
    Story(
        "stumbles",
        seeds=4,
        acts=(
            Act(
                lambda deeds: deeds.pipeline({"mode": "full"}),
                rules=(_throttled("s3", "PutObject", "PrepareRole"),),
                ends="FAILED",
            ),
            Act(
                lambda deeds: deeds.again(),
                rules=(_throttled("s3", "PutObject", "PrepareRole"),),
                ends="FAILED",
            ),
            Act(lambda deeds: deeds.again(), kills=(_dies("glue:extract-aurora"),), ends="FAILED"),
            Act(
                lambda deeds: deeds.again(),
                kills=(_dies("lambda:build_datasets"), _dies("glue:build-datasets")),
                ends="FAILED",
            ),
            Act(lambda deeds: deeds.again(), kills=(_dies("training:import"),), ends="FAILED"),
            Act(lambda deeds: deeds.again(), kills=(_dies("training:train"),), ends="FAILED"),
            Act(lambda deeds: deeds.again(), kills=(_dies("training:infer"),), ends="FAILED"),
            Act(
                lambda deeds: deeds.again(), kills=(_dies("glue:postprocess-recommendations"),), ends="FAILED"
            ),
            Act(
                lambda deeds: deeds.again(),
                kills=(_dies("lambda:publish_recommendations", "state:recommend:PublishFiles"),),
                ends="FAILED",
            ),
            Act(
                lambda deeds: deeds.again(),
                rules=(_throttled("dynamodb", "PutItem", "PipelineRole", after=1),),
                ends="FAILED",
            ),
            Act(lambda deeds: deeds.again(), kills=(_dies("lambda:run_dbt"),)),
        ),
        enters={
            "pipeline": (
                "Resume",
                "FinishedPhase",
                "Served",
                "ExplainUnloaded",
                "ReadUnloaded",
                "NotifyUnloaded",
            ),
            "prepare": (
                *("ExportFailed", "WindowFailed", "Failed"),
                *("ExtractAurora?*", "Built", "BuildDatasets*"),
            ),
            "train": ("*Again", "*Failed", "Failed", "CreateImport", "CreateVersion"),
            "recommend": (
                *("CreateInference", "InferenceAgain", "InferenceFailed", "PostProcess?*", "Failed"),
                *("PublishFilesBatchFailed", "ListFailures", "ReadFailure", "PublishFailed"),
            ),
        },
        repeats=2,
    ),
    Story(
        "run",
        seeds=11,
        acts=(Act(lambda deeds: deeds.run()),),
        enters=dict.fromkeys(("pipeline", "prepare", "train", "recommend"), ("*",)),
    ),
)


def story_of(place: Place) -> Story:
    return next(story for story in STORIES if story.has(place))
