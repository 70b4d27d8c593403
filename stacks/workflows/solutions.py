"""Solutions follow their configuration: what UpdateSolution takes is updated, anything else makes another solution.

Developer guide: "Updating a solution to change its automatic training configuration" (events and automatic training
only); API reference, Solution: "After you create a solution, you can't change its configuration"; "Replacing a
dataset's schema": new columns are excluded from training for existing solutions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from config import layout
from config.avro import schemas
from config.digests import digest
from config.recipes import RECIPES, Recipe
from config.settings import Settings
from config.solution import Range, Solution
from config.solution_rules import number
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata, sdk

SOLUTION_HOURS = 0.5
# Members of SolutionConfig that UpdateSolution takes.
UPDATED = ("EventsConfig", "AutoTrainingConfig")
# Item of the control table that names the version that serves `$solution`.
SERVING_KEY = {layout.PK: {"S": jsonata(asl.joined(layout.SERVING, solution="$solution.name"))}}
_MOST_SOLUTIONS = 100  # of a page of ListSolutions; a dataset group has 10


def name(settings: Settings, solution: Solution) -> str:
    """The name with a digest of all that a solution can't change: what trains otherwise is another solution."""
    created = creation(settings, solution)
    config = {key: value for key, value in created["SolutionConfig"].items() if key not in UPDATED}
    content = {
        **created,
        "SolutionConfig": config,
        "generation": settings.names.generation,
        "fields": _learned(settings, solution),
    }
    return settings.names.solution(solution.name, digest(content))


def arn(settings: Settings, solution: Solution) -> str:
    return settings.names.personalize_arn(f"solution/{name(settings, solution)}")


def creation(settings: Settings, solution: Solution) -> dict[str, Any]:
    """Arguments of CreateSolution that differ between solutions."""
    created = {"RecipeArn": RECIPES[solution.recipe].arn, "SolutionConfig": _config(settings, solution)}
    return created | _one_event_type(solution) | ({"PerformHPO": True} if solution.tuning else {})


def _one_event_type(solution: Solution) -> dict[str, str]:
    """Recipes without event weights learn from one type alone, where the configuration says so."""
    weighted = RECIPES[solution.recipe].event_weights
    return {} if weighted or not solution.events else {"EventType": solution.events[0].type}


def _config(settings: Settings, solution: Solution) -> dict[str, Any]:
    """Members of SolutionConfig; what the configuration doesn't say is left to Personalize."""
    recipe = RECIPES[solution.recipe]
    algorithm, features = recipe.split(solution.hyperparameters)
    excluded = {name.upper(): list(fields) for name, fields in solution.excluded_fields.items()}
    members: dict[str, Any] = {
        "AlgorithmHyperParameters": algorithm,
        "FeatureTransformationParameters": features,
        "EventsConfig": _events_config(settings, solution),
        "EventValueThreshold": _threshold(solution, recipe),
        "HpoConfig": _hpo_config(solution),
        "OptimizationObjective": _objective(solution),
        "TrainingDataConfig": {"ExcludedDatasetColumns": excluded} if excluded else {},
        "AutoTrainingConfig": {"SchedulingExpression": rate(solution)} if solution.trains_every_days else {},
    }
    return {name: member for name, member in members.items() if member}


def rate(solution: Solution) -> str:
    """How often Personalize trains by itself; empty where runs train."""
    days = solution.trains_every_days
    return "" if days is None else f"rate({days} {'day' if days == 1 else 'days'})"


def _events_config(settings: Settings, solution: Solution) -> dict[str, Any]:
    if not RECIPES[solution.recipe].event_weights:
        return {}
    return {"EventParametersList": _event_parameters(settings, solution)}


def _event_parameters(settings: Settings, solution: Solution) -> list[dict[str, Any]]:
    """The solution's own events, or all that count as interactions."""
    if not solution.events:
        events = settings.datasets.interactions.events
        return [{"EventType": event.type, "Weight": event.weight} for event in events]
    return [
        {"EventType": event.type, "Weight": event.weight}
        | ({} if event.min_value is None else {"EventValueThreshold": event.min_value})
        for event in solution.events
    ]


def _threshold(solution: Solution, recipe: Recipe) -> str | None:
    if recipe.event_weights or not solution.events or solution.events[0].min_value is None:
        return None
    return number(solution.events[0].min_value)


def _objective(solution: Solution) -> dict[str, str]:
    given = solution.objective
    return {"ItemAttribute": given.item_field, "ObjectiveSensitivity": given.sensitivity} if given else {}


def _hpo_config(solution: Solution) -> dict[str, Any]:
    tuning = solution.tuning
    if tuning is None:
        return {}
    resources = {
        "MaxNumberOfTrainingJobs": str(tuning.jobs),
        "MaxParallelTrainingJobs": str(tuning.parallel_jobs),
    }
    ranges = _ranges(RECIPES[solution.recipe], tuning.ranges)
    return {"HpoResourceConfig": resources, **({"AlgorithmHyperParameterRanges": ranges} if ranges else {})}


def _ranges(recipe: Recipe, ranges: Mapping[str, Range]) -> dict[str, list[dict[str, Any]]]:
    """The ranges by the member that Personalize has for their kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, searched in ranges.items():
        member, convert = _RANGE_MEMBERS.get(recipe.hyperparameters[name].kind, _CATEGORICAL)
        bounds = {"MinValue": searched.min, "MaxValue": searched.max} if member != _CATEGORICAL[0] else {}
        values = {key: convert(value) for key, value in bounds.items() if value is not None}
        found.setdefault(member, []).append({"Name": name, **(values or {"Values": list(searched.values)})})
    return found


_CATEGORICAL = ("CategoricalHyperParameterRanges", str)
_RANGE_MEMBERS: Mapping[str, tuple[str, Callable[[float], Any]]] = {
    "int": ("IntegerHyperParameterRanges", int),
    "float": ("ContinuousHyperParameterRanges", float),
}


def _weights(settings: Settings, solution: Solution) -> dict[str, Any]:
    """Weight and threshold by event type, as `_IN_FORCE` reads them of a solution."""
    if not RECIPES[solution.recipe].event_weights:
        return {}
    return {
        one["EventType"]: {name: value for name, value in one.items() if name != "EventType"}
        for one in _event_parameters(settings, solution)
    }


def _learned(settings: Settings, solution: Solution) -> dict[str, list[str]]:
    """Fields of the datasets whose metadata the recipe learns from, by dataset; those that are excluded don't count."""
    learns = {dataset.lower() for dataset in RECIPES[solution.recipe].metadata}
    return {
        dataset: sorted({str(field["name"]) for field in schema.fields} - _excluded(solution, dataset))
        for dataset, schema in schemas(settings.datasets).items()
        if dataset in learns
    }


def _excluded(solution: Solution, dataset: str) -> set[str]:
    return {name for key, names in solution.excluded_fields.items() if key == dataset for name in names}


def item(settings: Settings, solution: Solution) -> dict[str, Any]:
    """What an iteration over solutions needs; `weights` are those that UpdateSolution keeps up to date."""
    return {
        "name": solution.name,
        "solution": name(settings, solution),
        "arn": arn(settings, solution),
        "create": creation(settings, solution),
        "weights": _weights(settings, solution),
        "mode": solution.training_mode,
        "automatic": solution.trains_every_days is not None,
        "incremental": solution.incremental_updates,
        "more": _incremental(solution),
        "rate": rate(solution),
    }


def _incremental(solution: Solution) -> dict[str, bool]:
    """Said for the recipe that has it, whose default the API's reference and the guide tell differently."""
    has_it = RECIPES[solution.recipe].incremental
    return {"PerformIncrementalUpdate": solution.incremental_updates} if has_it else {}


def states(settings: Settings, *, next_state: str) -> States:
    """States from `DescribeSolution` to `next_state`; it needs `solution`, `updated` false, `deadline("Solution")`."""
    describe = asl.describe("Solution", "$solution.arn")
    describe["Output"] = jsonata(_IN_FORCE)
    describe["Catch"] = [{"ErrorEquals": asl.NOT_FOUND, "Next": "CreateSolution"}]
    return {
        "CreateSolution": _create(settings),
        **asl.polling(
            "Solution",
            describe=describe,
            done="Creation or update of solution ",
            of="$solution.solution",
            failed=asl.CREATE_FAILED,
            next_state="Configured",
            seconds=30,
        ),
        "Configured": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata(_AS_CONFIGURED),
                    "Assign": {"mode": jsonata(_MODE), **_noted(settings)},
                    "Next": next_state,
                }
            ],
            "Default": "UpdateSolution",
        },
        "UpdateSolution": _update(),
        "TooManySolutions": {
            "Type": "Fail",
            "Error": "TooManySolutions",
            "Cause": jsonata(
                "'Solution ' & $solution.solution & ' can not be created: '"
                f" & {asl.bounded('$states.input.Cause')} & '. Delete solutions that are configured no longer"
                " (the output of the last run names them), or raise the quota of solutions in a dataset group'"
            ),
        },
    }


def _noted(settings: Settings) -> dict[str, str]:
    """What `due` asks for: whether the solution has a version."""
    return {"trained": jsonata("$states.input.trained")} if settings.schedule.training else {}


# Until an update completes a solution trains as before; one that failed changed nothing. Seen after ours it is final.
_IN_FORCE = """(
  $found := $states.result.Solution;
  $update := $states.result.Solution.LatestSolutionUpdate;
  $busy := $update.Status in ['CREATE PENDING', 'CREATE IN_PROGRESS'];
  $failed := $updated and $update.Status = 'CREATE FAILED';
  $config := $update.Status = 'ACTIVE' and $exists($update.SolutionUpdateConfig.EventsConfig)
    ? $update.SolutionUpdateConfig : $found.SolutionConfig;
  {
    'status': $found.Status = 'ACTIVE' and ($busy or $failed) ? $update.Status : $found.Status,
    'reason': $update.FailureReason,
    'automatic': $found.PerformAutoTraining = true,
    'incremental': $found.PerformIncrementalUpdate = true,
    'rate': $update.Status = 'ACTIVE' and $exists($update.SolutionUpdateConfig.AutoTrainingConfig)
      ? $update.SolutionUpdateConfig.AutoTrainingConfig.SchedulingExpression
      : $found.SolutionConfig.AutoTrainingConfig.SchedulingExpression,
    'trained': $found.LatestSolutionVersion.Status = 'ACTIVE',
    'weights': $merge([{}, $config.EventsConfig.EventParametersList.{EventType: $sift($, function($v, $k) {
      $k != 'EventType' and $v != null
    })}])
  }
)"""
_AS_CONFIGURED = """$updated or ($states.input.weights = $solution.weights
  and $states.input.automatic = $solution.automatic
  and $states.input.incremental = $solution.incremental
  and ($not($solution.automatic) or $states.input.rate = $solution.rate))"""

# An update adds to a version that a full training made.
_MODE = "$solution.mode = 'UPDATE' and $states.input.trained ? 'UPDATE' : 'FULL'"


def _create(settings: Settings) -> State:
    return asl.task(
        sdk("personalize", "createSolution"),
        # Unless it is asked for Personalize would train (and bill) every seven days beside this workflow.
        jsonata(
            "$merge([{'Name': $solution.solution, 'PerformAutoTraining': $solution.automatic,"
            f" 'DatasetGroupArn': {asl.literal(settings.names.dataset_group_arn)}}}, $solution.create, $solution.more])"
        ),
        # The same error says that calls come too fast and that there are too many solutions.
        Retry=[asl.retrying(asl.BUSY, interval=30, attempts=5, longest=300)],
        Catch=[
            {"ErrorEquals": asl.EXISTS, "Next": "DescribeSolution"},
            {"ErrorEquals": asl.LIMIT_EXCEEDED, "Next": "TooManySolutions"},
        ],
        Next="DescribeSolution",
    )


def _update() -> State:
    return asl.task(
        sdk("personalize", "updateSolution"),
        jsonata(
            "$merge([{'SolutionArn': $solution.arn, 'PerformAutoTraining': $solution.automatic,"
            " 'SolutionUpdateConfig': $merge([{}, $sift($solution.create.SolutionConfig, function($value, $key)"
            f" {{ $key in {asl.data(list(UPDATED))} }})])}}, $solution.more])"
        ),
        Retry=[asl.RETRY_BUSY],
        Assign={"updated": True},
        Next="DescribeSolution",
    )


def unused(settings: Settings, *, versions: str, **fields: Any) -> State:
    """A Map whose output are the names of solutions that are neither configured nor behind one of `versions`."""
    configured = [name(settings, solution) for solution in settings.solutions if solution.version is None]
    arns = [{"group": arn} for arn in settings.names.dataset_group_arns]
    listed = asl.task(
        sdk("personalize", "listSolutions"),
        {"DatasetGroupArn": jsonata("$states.input.group"), "MaxResults": _MOST_SOLUTIONS},
        Output=jsonata(
            f"( $used := $append({asl.data(configured)}, $each({versions}, function($arn) {{ $split($arn, '/')[1] }}));"
            " [$states.result.Solutions.Name[$not($ in $used)]] )"
        ),
        # An earlier group may have been deleted.
        Catch=[{"ErrorEquals": asl.NOT_FOUND, "Output": [], "Next": "Listed"}],
        Next="Listed",
    )
    states: States = {"ListSolutions": listed, "Listed": {"Type": "Succeed"}}
    return asl.inline_map(arns, states, start="ListSolutions", **fields)


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    changing = ["personalize:UpdateSolution", "personalize:DescribeSolution"]
    return [
        allow("personalize:CreateSolution", names.solution_arns, names.dataset_group_arn),
        allow(changing, names.solution_arns),
        # IAM knows no resource of the action.
        allow("personalize:ListSolutions", "*"),
    ]
