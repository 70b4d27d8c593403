"""Batch jobs of Personalize: lists for users and items, segments of users. One Map over jobs for each kind.

A solution has a job, or one for each part of its input where that has more records than a job takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config import inputs, layout
from config.layout import Form
from config.rules import RUN_ID_LENGTH
from config.settings import Settings
from config.solution import Solution
from stacks.parts.access import Statement, allow
from stacks.workflows import asl, filters
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 12
# Personalize developer guide, "Quotas": batch jobs of a kind that are made at once. More wait here, not in retries.
JOBS_AT_ONCE = 5


@dataclass(frozen=True)
class Kind:
    """`map` is the state that makes the jobs, `name` is in those of one job, `resource` is Personalize's."""

    map: str
    name: str
    resource: str
    arn: str
    done: str


JOBS = "ListJobs"
INFERENCE = Kind("InferLists", "Inference", "BatchInferenceJob", "batch-inference-job", "Batch inference")
SEGMENTS = Kind("SegmentUsers", "Segments", "BatchSegmentJob", "batch-segment-job", "Batch segments")


def of_kind(settings: Settings, kind: Kind) -> list[Solution]:
    segments = kind is SEGMENTS
    return [one for one in settings.solutions if one.publishes and (one.publishes == "segments") == segments]


def kinds(settings: Settings) -> list[Kind]:
    return [kind for kind in (INFERENCE, SEGMENTS) if of_kind(settings, kind)]


def states(settings: Settings, *, next_state: str) -> States:
    """A Map for each kind that is configured, one after another; variables: `run_id`, `versions`, `parts`."""
    used = kinds(settings)
    following = [*(kind.map for kind in used[1:]), next_state] if used else []
    maps = {
        kind.map: asl.inline_map(
            _jobs(settings, kind),
            _job_states(settings, kind),
            start=f"Name{kind.name}",
            MaxConcurrency=JOBS_AT_ONCE,
            Next=after,
        )
        for kind, after in zip(used, following, strict=True)
    }
    return {**(_listing(settings) if INFERENCE in used else {}), **maps}


def start(settings: Settings, *, otherwise: str) -> str:
    return next(iter(states(settings, next_state=otherwise)), otherwise)


def variables(settings: Settings) -> dict[str, str]:
    """What is assigned of an execution's input, beside `run_id` and `versions`: the parts of batch input by folder."""
    if INFERENCE not in kinds(settings):
        return {}
    return {"parts": jsonata("$exists($states.input.parts) ? $states.input.parts : {}")}


def _jobs(settings: Settings, kind: Kind) -> object:
    if kind is SEGMENTS:
        return [_item(settings, solution) for solution in of_kind(settings, kind)]
    return jsonata(f"[$jobs[[0..{inputs.most_jobs(settings.solutions) - 1}]]]")


def _listing(settings: Settings) -> States:
    """Assigns `jobs`: of each solution one, or one for each part of its input."""
    solutions = [asl.expression_of(_item(settings, one)) for one in of_kind(settings, INFERENCE)]
    most = inputs.most_jobs(settings.solutions)
    each = "($exists($found) ? $found : ['']).$merge([$one, {'part': $}])"
    listed = f"[[{', '.join(solutions)}].( $one := $; $found := $lookup($parts, $one.folder); {each} )]"
    return {
        JOBS: {"Type": "Pass", "Assign": {"jobs": jsonata(listed)}, "Next": "CountJobs"},
        "CountJobs": {
            "Type": "Choice",
            # Validation stops such a run; another configuration may have been deployed since.
            "Choices": [{"Condition": jsonata(f"$count($jobs) > {most}"), "Next": "TooManyBatchJobs"}],
            "Default": INFERENCE.map,
        },
        "TooManyBatchJobs": {
            "Type": "Fail",
            "Error": "TooManyBatchJobs",
            "Cause": jsonata(
                f"'Batch inference takes ' & $count($jobs) & ' jobs, a run may have {most}: leave out who did not"
                " act lately (solutions[].users.active_within_days), or remove a solution, and start with mode auto'"
            ),
        },
    }


def _item(settings: Settings, solution: Solution) -> dict[str, Any]:
    return {
        "name": solution.name,
        "folder": inputs.of(solution)["folder"],
        "results": solution.ranked,
        "part": "",
        "more": _more(settings, solution),
    }


def _more(settings: Settings, solution: Solution) -> dict[str, Any]:
    """Arguments of the job that not every solution has."""
    config: dict[str, Any] = (
        {"ItemExplorationConfig": dict(solution.exploration)} if solution.exploration else {}
    )
    if solution.ranking_influence:
        config["RankingInfluence"] = dict(solution.ranking_influence)
    return ({"BatchInferenceJobConfig": config} if config else {}) | filters.argument(settings, solution)


def _job_states(settings: Settings, kind: Kind) -> States:
    name, prefix = kind.name, settings.names.prefix
    job_name = f"{asl.literal(prefix + '-')} & $states.input.name & '-' & {_run_of('$states.input.part')}"
    job_arn = f"{asl.literal(settings.names.personalize_arn(f'{kind.arn}/'))} & $job_name"
    return {
        f"Name{name}": {
            "Type": "Pass",
            "Assign": {
                "list": jsonata("$states.input"),
                **asl.first_attempt(job_name),
                **asl.deadline(name, hours=HOURS),
            },
            "Next": f"Create{name}",
        },
        f"Create{name}": _create(settings, kind),
        **asl.polling(
            name,
            describe=asl.describe(kind.resource, job_arn),
            done=kind.done,
            failed=asl.CREATE_FAILED,
            next_state=f"{name}Made",
            again=f"{name}Again",
        ),
        f"{name}Again": asl.second_attempt(Next=f"Create{name}"),
        f"{name}Made": {"Type": "Succeed"},
    }


def _run_of(part: str) -> str:
    """The run's id, whose Z a part's letter stands for: a name has no room for one letter more."""
    return f"({part} = '' ? $run_id : $substring($run_id, 0, {RUN_ID_LENGTH - 1}) & {part})"


def _place(whole: Form, of_part: Form, *, bucket: str, **places: str) -> str:
    """A folder of the job's solution, or that of its part."""
    places |= {"run_id": "$run_id"}
    alone = asl.joined(whole, bucket=bucket, **places)
    return f"$list.part = '' ? {alone} : {asl.joined(of_part, bucket=bucket, part='$list.part', **places)}"


def _create(settings: Settings, kind: Kind) -> State:
    names = settings.names
    inputs_at = _place(
        layout.BATCH_INPUT, layout.BATCH_PART, bucket=names.datasets_bucket, audience="$list.folder"
    )
    outputs_at = _place(
        layout.BATCH_OUTPUT, layout.BATCH_OUTPUT_PART, bucket=names.results_bucket, solution="$list.name"
    )
    arguments = {
        "JobName": jsonata("$job_name"),
        "SolutionVersionArn": jsonata("$lookup($versions, $list.name)"),
        "NumResults": jsonata("$list.results"),
        "JobInput": {"S3DataSource": {"Path": jsonata(inputs_at)}},
        "JobOutput": {"S3DataDestination": {"Path": jsonata(outputs_at)}},
        "RoleArn": names.personalize_role_arn,
    }
    more = any(_more(settings, solution) for solution in of_kind(settings, kind))
    return asl.task(
        sdk("personalize", f"create{kind.resource}"),
        # What a solution has no value for must be absent, which one expression alone can say.
        jsonata(f"$merge([{asl.expression_of(arguments)}, $list.more])") if more else arguments,
        Retry=[asl.RETRY_BUSY],
        Catch=[asl.found(f"Describe{kind.name}")],
        Next=f"Describe{kind.name}",
    )


def statements(settings: Settings) -> list[Statement]:
    return [one for kind in kinds(settings) for one in _statements(settings, kind)]


def _statements(settings: Settings, kind: Kind) -> Sequence[Statement]:
    names = settings.names
    jobs = names.personalize_arn(f"{kind.arn}/{names.prefix}-*")
    return [
        allow(f"personalize:Create{kind.resource}", jobs, names.solution_arns),
        allow(f"personalize:Describe{kind.resource}", jobs),
    ]
