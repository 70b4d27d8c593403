"""`train`: datasets -> Personalize -> judged solution versions. Input {run_id}; output {run_id, versions}."""

from __future__ import annotations

from typing import Any

from config import layout
from config.recipes import DEPLOYED
from config.settings import Settings, Solution
from stacks.parts.access import Statement, allow, pass_role
from stacks.workflows import asl
from stacks.workflows.asl import States, jsonata, sdk

HOURS = 18
IMPORT_HOURS = 4
SOLUTION_HOURS = 0.5
TRAINING_HOURS = 12


def definition(settings: Settings) -> dict[str, Any]:
    states: States = {
        "Start": {
            "Type": "Pass",
            "Assign": {"run_id": jsonata("$states.input.run_id")},
            "Next": "ImportDatasets",
        },
        "ImportDatasets": asl.inline_map(
            [
                {"dataset": dataset, "arn": settings.names.dataset_arn(dataset)}
                for dataset in layout.DATASETS
                if settings.datasets.configured(dataset)
            ],
            _import_states(settings),
            start="NameImport",
            Next="TrainSolutions",
        ),
        "TrainSolutions": asl.inline_map(
            [_item(settings, solution) for solution in settings.solutions],
            _solution_states(settings),
            start="Solution",
            Output=jsonata("{'run_id': $run_id, 'versions': $merge($states.result.{name: version})}"),
            End=True,
        ),
    }
    return asl.workflow(
        "train", comment="Datasets to judged solution versions", start="Start", states=states, hours=HOURS
    )


def _import_states(settings: Settings) -> States:
    names = settings.names
    job_name = f"{asl.literal(names.prefix + '-')} & $states.input.dataset & '-' & $run_id"
    folder = asl.joined(
        layout.DATASET, bucket=names.datasets_bucket, run_id="$run_id", dataset="$dataset.dataset"
    )
    return {
        "NameImport": {
            "Type": "Pass",
            "Assign": {
                "dataset": jsonata("$states.input"),
                "job_name": jsonata(job_name),
                "job_arn": jsonata(
                    f"{asl.literal(names.personalize_arn('dataset-import-job/'))} & {job_name}"
                ),
                **asl.deadline("Import", hours=IMPORT_HOURS),
            },
            "Next": "CreateImport",
        },
        "CreateImport": asl.task(
            sdk("personalize", "createDatasetImportJob"),
            {
                "JobName": jsonata("$job_name"),
                "DatasetArn": jsonata("$dataset.arn"),
                "DataSource": {"DataLocation": jsonata(folder)},
                "RoleArn": names.personalize_role_arn,
                "ImportMode": "FULL",
            },
            Retry=[asl.RETRY_BUSY],
            # A run that is started again finds its own import.
            Catch=[{"ErrorEquals": asl.EXISTS, "Next": "DescribeImport"}],
            Next="DescribeImport",
        ),
        **asl.polling(
            "Import",
            describe=asl.describe("DatasetImportJob", "$job_arn"),
            done="Dataset import",
            failed=asl.CREATE_FAILED,
            next_state="Imported",
        ),
        "Imported": {"Type": "Succeed"},
    }


def _item(settings: Settings, solution: Solution) -> dict[str, Any]:
    """What one iteration of TrainSolutions needs."""
    return {
        "name": solution.name,
        "solution": settings.names.solution(solution.name),
        "arn": settings.names.solution_arn(solution.name),
        "recipe": DEPLOYED[solution.recipe].arn,
        "config": _solution_config(settings, solution),
    }


def _solution_config(settings: Settings, solution: Solution) -> dict[str, Any]:
    config: dict[str, Any] = {}
    recipe = DEPLOYED[solution.recipe]
    algorithm, features = recipe.split(solution.hyperparameters)
    if algorithm:
        config["AlgorithmHyperParameters"] = algorithm
    if features:
        config["FeatureTransformationParameters"] = features
    if recipe.event_weights:
        events = settings.datasets.interactions.events
        weights = [{"EventType": event.type, "Weight": event.weight} for event in events]
        config["EventsConfig"] = {"EventParametersList": weights}
    return config


def _solution_states(settings: Settings) -> States:
    return {**_create_states(settings), **_train_states(settings), **_judge_states(settings)}


def _create_states(settings: Settings) -> States:
    describe = asl.describe("Solution", "$solution.arn")
    result = "$states.result.Solution"
    describe["Output"] = jsonata(f"{{'status': {result}.Status, 'recipe': {result}.RecipeArn}}")
    describe["Catch"] = [{"ErrorEquals": asl.NOT_FOUND, "Next": "CreateSolution"}]
    other_recipe = jsonata("$states.input.recipe != $solution.recipe")
    return {
        "Solution": {
            "Type": "Pass",
            "Assign": {
                "solution": jsonata("$states.input"),
                **asl.deadline("Solution", hours=SOLUTION_HOURS),
            },
            "Next": "DescribeSolution",
        },
        "CreateSolution": asl.task(
            sdk("personalize", "createSolution"),
            {
                "Name": jsonata("$solution.solution"),
                "DatasetGroupArn": settings.names.dataset_group_arn,
                "RecipeArn": jsonata("$solution.recipe"),
                # Trained by this workflow; otherwise Personalize trains (and bills) every seven days as well.
                "PerformAutoTraining": False,
                "SolutionConfig": jsonata("$solution.config"),
            },
            Retry=[asl.RETRY_BUSY],
            Catch=[{"ErrorEquals": asl.EXISTS, "Next": "WaitSolution"}],
            Next="WaitSolution",
        ),
        **asl.polling(
            "Solution",
            describe=describe,
            done="Creation of the solution",
            failed=asl.CREATE_FAILED,
            rules=[{"Condition": other_recipe, "Next": "SolutionDiffers"}],
            next_state="CreateVersion",
            seconds=30,
        ),
        "SolutionDiffers": {
            "Type": "Fail",
            "Error": "SolutionDiffers",
            "Cause": jsonata(
                "'Solution ' & $solution.solution & ' has recipe ' & $states.input.recipe"
                " & ', configured is ' & $solution.recipe"
                " & ': a recipe cannot be changed, give the solution another name'"
            ),
        },
    }


def _train_states(settings: Settings) -> States:
    return {
        "CreateVersion": asl.task(
            sdk("personalize", "createSolutionVersion"),
            {
                "Name": jsonata("$solution.solution & '-' & $run_id"),
                "SolutionArn": jsonata("$solution.arn"),
                "TrainingMode": "FULL",
            },
            Retry=[asl.RETRY_BUSY],
            Assign={
                "version": jsonata("$states.result.SolutionVersionArn"),
                **asl.deadline("SolutionVersion", hours=TRAINING_HOURS),
            },
            Next="DescribeSolutionVersion",
        ),
        **asl.polling(
            "SolutionVersion",
            describe=asl.describe("SolutionVersion", "$version"),
            done="Training",
            failed=[*asl.CREATE_FAILED, "CREATE STOPPED"],
            next_state="JudgeSolutionVersion",
        ),
    }


SERVING_KEY = {layout.PK: {"S": jsonata(asl.joined(layout.SERVING, solution="$solution.name"))}}


def _judge_states(settings: Settings) -> States:
    names = settings.names
    return {
        "JudgeSolutionVersion": asl.invoke(
            names.function_arn("judge_solution_version"),
            {
                "solution": jsonata("$solution.name"),
                "solution_version_arn": jsonata("$version"),
                "run_id": jsonata("$run_id"),
            },
            Output=jsonata("$states.result.Payload"),
            Next="Promote",
        ),
        "Promote": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$states.input.promote"), "Next": "PromoteVersion"}],
            "Default": "KeepServing",
        },
        "PromoteVersion": asl.task(
            asl.PUT_ITEM,
            {
                "TableName": names.control_table,
                "Item": {
                    **SERVING_KEY,
                    "solution_version_arn": {"S": jsonata("$version")},
                    "metrics": {"S": jsonata("$string($states.input.metrics)")},
                    "run_id": {"S": jsonata("$run_id")},
                },
            },
            Output=jsonata("{'name': $solution.name, 'version': $version}"),
            Next="Trained",
        ),
        **_kept_states(names.control_table),
        "Trained": {"Type": "Succeed"},
    }


def _kept_states(table: str) -> States:
    """The version that serves goes on serving, if there is one."""
    serving = "$states.result.Item.solution_version_arn.S"
    return {
        "KeepServing": asl.task(
            asl.GET_ITEM,
            {"TableName": table, "Key": SERVING_KEY, "ConsistentRead": True},
            Output=jsonata(f"{{'name': $solution.name, 'version': {serving}}}"),
            Next="Served",
        ),
        "Served": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$exists($states.input.version)"), "Next": "Trained"}],
            "Default": "NothingServes",
        },
        "NothingServes": {
            "Type": "Fail",
            "Error": "NothingServes",
            "Cause": jsonata(
                "'The new version of ' & $solution.solution & ' was rejected and none serves before it'"
            ),
        },
    }


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    solutions = [names.solution_arn(solution.name) for solution in settings.solutions]
    versions = [f"{arn}/*" for arn in solutions]
    imports = names.personalize_arn(f"dataset-import-job/{names.prefix}-*")
    datasets = [
        names.dataset_arn(dataset) for dataset in layout.DATASETS if settings.datasets.configured(dataset)
    ]
    return [
        allow("personalize:CreateDatasetImportJob", imports, *datasets),
        allow("personalize:DescribeDatasetImportJob", imports),
        allow("personalize:CreateSolution", *solutions, names.dataset_group_arn),
        allow(["personalize:DescribeSolution", "personalize:CreateSolutionVersion"], *solutions),
        allow("personalize:DescribeSolutionVersion", *solutions, *versions),
        pass_role(names.personalize_role_arn, to="personalize.amazonaws.com"),
        allow("lambda:InvokeFunction", names.function_arn("judge_solution_version")),
        allow(["dynamodb:PutItem", "dynamodb:GetItem"], names.table_arn(names.control_table)),
    ]
