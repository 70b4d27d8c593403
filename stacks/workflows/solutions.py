"""Solutions follow their configuration: what UpdateSolution takes is updated, anything else makes another solution.

Developer guide: "Updating a solution to change its automatic training configuration" (events and automatic training
only); API reference, Solution: "After you create a solution, you can't change its configuration"; "Replacing a
dataset's schema": new columns are excluded from training for existing solutions.
"""

from __future__ import annotations

from typing import Any

from config.digests import digest
from config.recipes import DEPLOYED
from config.settings import Settings, Solution
from stacks.parts.access import Statement, allow
from stacks.parts.avro import schemas
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata, sdk

SOLUTION_HOURS = 0.5
# Members of SolutionConfig that UpdateSolution takes.
UPDATED = ("EventsConfig",)
_MOST_SOLUTIONS = 100  # of a page of ListSolutions; a dataset group has 10


def name(settings: Settings, solution: Solution) -> str:
    """With a digest of all that a solution can't change: what trains otherwise is another solution."""
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
    return {"RecipeArn": DEPLOYED[solution.recipe].arn, "SolutionConfig": _config(settings, solution)}


def _config(settings: Settings, solution: Solution) -> dict[str, Any]:
    config: dict[str, Any] = {}
    recipe = DEPLOYED[solution.recipe]
    algorithm, features = recipe.split(solution.hyperparameters)
    if algorithm:
        config["AlgorithmHyperParameters"] = algorithm
    if features:
        config["FeatureTransformationParameters"] = features
    if recipe.event_weights:
        weights = [{"EventType": type_, "Weight": weight} for type_, weight in _weights(settings).items()]
        config["EventsConfig"] = {"EventParametersList": weights}
    return config


def _weights(settings: Settings) -> dict[str, float]:
    return {event.type: event.weight for event in settings.datasets.interactions.events}


def _learned(settings: Settings, solution: Solution) -> dict[str, list[str]]:
    """Fields of the datasets whose metadata the recipe learns from, by dataset."""
    learns = {dataset.lower() for dataset in DEPLOYED[solution.recipe].metadata}
    return {
        dataset: sorted(str(field["name"]) for field in schema.fields)
        for dataset, schema in schemas(settings.datasets).items()
        if dataset in learns
    }


def item(settings: Settings, solution: Solution) -> dict[str, Any]:
    """What an iteration over solutions needs; `weights` are those that UpdateSolution keeps up to date."""
    weighted = DEPLOYED[solution.recipe].event_weights
    return {
        "name": solution.name,
        "solution": name(settings, solution),
        "arn": arn(settings, solution),
        "create": creation(settings, solution),
        "weights": _weights(settings) if weighted else {},
    }


def states(settings: Settings, *, next_state: str) -> States:
    """From `DescribeSolution` to `next_state`; variables: `solution`, `updated` false, `deadline("Solution")`."""
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
            "Choices": [{"Condition": jsonata(_AS_CONFIGURED), "Next": next_state}],
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
    'automatic': $found.PerformAutoTraining,
    'weights': $merge([{}, $config.EventsConfig.EventParametersList.{EventType: Weight}])
  }
)"""
_AS_CONFIGURED = (
    "$updated or ($states.input.weights = $solution.weights and $not($states.input.automatic = true))"
)


def _create(settings: Settings) -> State:
    return asl.task(
        sdk("personalize", "createSolution"),
        {
            "Name": jsonata("$solution.solution"),
            "DatasetGroupArn": settings.names.dataset_group_arn,
            "RecipeArn": jsonata("$solution.create.RecipeArn"),
            # Trained by this workflow; otherwise Personalize trains (and bills) every seven days as well.
            "PerformAutoTraining": False,
            "SolutionConfig": jsonata("$solution.create.SolutionConfig"),
        },
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
        {
            "SolutionArn": jsonata("$solution.arn"),
            "PerformAutoTraining": False,
            "SolutionUpdateConfig": jsonata(
                "$merge([{}, $sift($solution.create.SolutionConfig, function($value, $key)"
                f" {{ $key in {asl.data(list(UPDATED))} }})])"
            ),
        },
        Retry=[asl.RETRY_BUSY],
        Assign={"updated": True},
        Next="DescribeSolution",
    )


def unused(settings: Settings, *, versions: str, **fields: Any) -> State:
    """A Map whose output are the names of solutions that are neither configured nor behind one of `versions`."""
    groups = [*settings.names.earlier_dataset_groups, settings.names.dataset_group]
    configured = [name(settings, solution) for solution in settings.solutions]
    arns = [{"group": settings.names.dataset_group_arn_of(group)} for group in groups]
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
