"""`train`: datasets -> Personalize -> judged solution versions. Input {run_id}; output {run_id, versions}."""

from __future__ import annotations

from typing import Any

from config import layout
from config.recipes import RECIPES
from config.settings import Settings
from stacks.parts.access import Statement, allow, pass_role
from stacks.workflows import action_datasets, asl, automatic, due, pins, schemas, solutions
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 18
IMPORT_HOURS = 4
TRAINING_HOURS = 12
_MOST_VERSIONS = 5  # that are looked at for the one that this run made


def definition(settings: Settings) -> dict[str, Any]:
    states: States = {
        "Start": {
            "Type": "Pass",
            "Assign": {"run_id": jsonata("$states.input.run_id"), "versions": {}},
            "Next": "CheckFields",
        },
        **schemas.states(settings, next_state=action_datasets.start(settings, otherwise="ImportDatasets")),
        **action_datasets.states(settings, next_state="ImportDatasets"),
        "ImportDatasets": asl.inline_map(
            [
                {"dataset": dataset, "arn": settings.names.dataset_arn(dataset)}
                for dataset in _imported(settings)
            ],
            _import_states(settings),
            start="NameImport",
            Next=due.start(settings, otherwise=_first_training(settings)),
        ),
        **due.states(settings, next_state=_first_training(settings)),
        **_training_states(settings),
        **due.done(settings, next_state="FindUnused"),
        "FindUnused": solutions.unused(
            settings,
            versions="$versions",
            Output=jsonata(
                "{'run_id': $run_id, 'versions': $versions, 'unused_solutions': [$states.result.($)]}"
            ),
            End=True,
        ),
    }
    return asl.workflow(
        "train", comment="Datasets to judged solution versions", start="Start", states=states, hours=HOURS
    )


def _imported(settings: Settings) -> list[str]:
    known = (*layout.DATASETS, *layout.ACTION_DATASETS)
    return [dataset for dataset in known if settings.datasets.configured(dataset)]


def _first_training(settings: Settings) -> str:
    return "CheckPins" if any(one.version for one in settings.solutions) else "TrainSolutions"


def _training_states(settings: Settings) -> States:
    """Solutions whose version is pinned are not trained, and cost nothing while they are."""
    pinned = [{"name": one.name, "version": one.version} for one in settings.solutions if one.version]
    trained = [solutions.item(settings, one) for one in settings.solutions if one.version is None]
    found: States = {}
    if pinned:
        found["CheckPins"] = asl.inline_map(
            pinned,
            pins.states({one.name: RECIPES[one.recipe].arn for one in settings.solutions if one.version}),
            start="Pin",
            Assign={"versions": _with_versions()},
            Next="TrainSolutions" if trained else _trained(settings),
        )
    if trained:
        found["TrainSolutions"] = asl.inline_map(
            trained,
            _solution_states(settings),
            start="Solution",
            Assign={"versions": _with_versions()},
            Next=_trained(settings),
        )
    return found


def _trained(settings: Settings) -> str:
    return due.end(settings, otherwise="FindUnused")


def _with_versions() -> str:
    return jsonata("$merge([$versions, $states.result.{name: version}])")


def _import_states(settings: Settings) -> States:
    names = settings.names
    job_name = f"{asl.literal(names.prefix + '-')} & $states.input.dataset & '-' & $run_id"
    job_arn = f"{asl.literal(names.personalize_arn('dataset-import-job/'))} & $job_name"
    return {
        "NameImport": {
            "Type": "Pass",
            "Assign": {
                "dataset": jsonata("$states.input"),
                **asl.first_attempt(job_name),
                **asl.deadline("Import", hours=IMPORT_HOURS),
            },
            "Next": "CreateImport",
        },
        "CreateImport": _create_import(settings),
        **asl.polling(
            "Import",
            describe=asl.describe("DatasetImportJob", job_arn),
            done="Dataset import",
            failed=asl.CREATE_FAILED,
            next_state="Imported",
            again="ImportAgain",
        ),
        "ImportAgain": asl.second_attempt(Next="CreateImport"),
        "Imported": {"Type": "Succeed"},
    }


def _create_import(settings: Settings) -> State:
    names = settings.names
    folder = asl.joined(
        layout.DATASET, bucket=names.datasets_bucket, run_id="$run_id", dataset="$dataset.dataset"
    )
    return asl.task(
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
        Catch=[asl.found("DescribeImport")],
        Next="DescribeImport",
    )


def _solution_states(settings: Settings) -> States:
    name = f"{asl.literal(settings.names.prefix + '-')} & $states.input.name & '-' & $run_id"
    return {
        "Solution": {
            "Type": "Pass",
            "Assign": {
                "solution": jsonata("$states.input"),
                "updated": False,
                **asl.first_attempt(name),
                **asl.deadline("Solution", hours=solutions.SOLUTION_HOURS),
            },
            "Next": "DescribeSolution",
        },
        **solutions.states(settings, next_state=_training_start(settings)),
        **due.choosing(
            settings,
            serving=_read_serving(settings.names.control_table),
            train="StartTraining",
            kept="Trained",
        ),
        "StartTraining": {
            "Type": "Pass",
            "Assign": asl.deadline("SolutionVersion", hours=TRAINING_HOURS),
            "Next": "CreateVersion",
        },
        **automatic.states(
            settings, otherwise=_own_start(settings), judge="JudgeSolutionVersion", keep="KeepServing"
        ),
        **_train_states(),
        **_found_states(),
        **_judge_states(settings),
    }


def _training_start(settings: Settings) -> str:
    """Where training goes on from a solution that is configured; Personalize's own asks for no schedule of ours."""
    return "Training" if automatic.configured(settings) else _own_start(settings)


def _own_start(settings: Settings) -> str:
    return "IsDue" if settings.schedule.training else "StartTraining"


def _train_states() -> States:
    return {
        "CreateVersion": asl.task(
            sdk("personalize", "createSolutionVersion"),
            {
                "Name": jsonata("$job_name"),
                "SolutionArn": jsonata("$solution.arn"),
                "TrainingMode": jsonata("$mode"),
            },
            Retry=[asl.RETRY_BUSY],
            Catch=[asl.found("ListVersions")],
            Assign={"version": jsonata("$states.result.SolutionVersionArn")},
            Next="DescribeSolutionVersion",
        ),
        **asl.polling(
            "SolutionVersion",
            describe=asl.describe("SolutionVersion", "$version"),
            done="Training",
            failed=[*asl.CREATE_FAILED, "CREATE STOPPED"],
            next_state="JudgeSolutionVersion",
            again="TrainAgain",
        ),
        "TrainAgain": asl.second_attempt(Next="CreateVersion"),
    }


def _found_states() -> States:
    """The version exists, and the answer that named it was lost: a name is all that is known, and no list has it."""
    newest_first = "[$states.result.SolutionVersions^(>CreationDateTime).SolutionVersionArn]"
    return {
        "ListVersions": asl.task(
            sdk("personalize", "listSolutionVersions"),
            {"SolutionArn": jsonata("$solution.arn"), "MaxResults": 100},
            Output=jsonata(newest_first),
            Next="NameVersions",
        ),
        "NameVersions": asl.inline_map(
            jsonata(f"[$states.input[[0..{_MOST_VERSIONS - 1}]]]"),
            {"NameVersion": _name_version(), "Named": {"Type": "Succeed"}},
            start="NameVersion",
            Output=jsonata("{'arn': $join([$states.result[name = $job_name].arn])}"),
            Next="VersionFound",
        ),
        "VersionFound": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata("$states.input.arn != ''"),
                    "Assign": {"version": jsonata("$states.input.arn")},
                    "Next": "DescribeSolutionVersion",
                }
            ],
            "Default": "VersionNotFound",
        },
        "VersionNotFound": _version_not_found(),
    }


def _name_version() -> State:
    return asl.task(
        sdk("personalize", "describeSolutionVersion"),
        {"SolutionVersionArn": jsonata("$states.input")},
        Output=jsonata(
            "{'arn': $states.result.SolutionVersion.SolutionVersionArn, 'name': $states.result.SolutionVersion.Name}"
        ),
        Next="Named",
    )


def _version_not_found() -> State:
    return {
        "Type": "Fail",
        "Error": "VersionNotFound",
        "Cause": jsonata(
            f"'Version ' & $job_name & ' exists, but is none of the newest {_MOST_VERSIONS} of '"
            " & $solution.solution & ': start another run'"
        ),
    }


def _turned_down(settings: Settings) -> list[dict[str, str]]:
    if not automatic.configured(settings):
        return []
    return [{"Condition": jsonata("$solution.automatic"), "Next": "NoteTurnedDown"}]


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
            Assign={"why": jsonata("$states.result.Payload.reason")},
            Next="Promote",
        ),
        "Promote": {
            "Type": "Choice",
            "Choices": [
                {"Condition": jsonata("$states.input.promote"), "Next": "PromoteVersion"},
                *_turned_down(settings),
            ],
            "Default": "KeepServing",
        },
        "PromoteVersion": asl.task(
            asl.PUT_ITEM,
            {
                "TableName": names.control_table,
                "Item": {
                    **solutions.SERVING_KEY,
                    "solution_version_arn": {"S": jsonata("$version")},
                    "metrics": {"S": jsonata("$string($states.input.metrics)")},
                    "previous_solution_version_arn": {"S": jsonata("$states.input.previous")},
                    "run_id": {"S": jsonata("$run_id")},
                },
            },
            Output=jsonata("{'name': $solution.name, 'version': $version}"),
            Next="Trained",
        ),
        **_kept_states(names.control_table),
        "Trained": {"Type": "Succeed"},
    }


def _read_serving(table: str) -> State:
    serving = "$states.result.Item.solution_version_arn.S"
    return asl.task(
        asl.GET_ITEM,
        {"TableName": table, "Key": solutions.SERVING_KEY, "ConsistentRead": True},
        Output=jsonata(f"{{'name': $solution.name, 'version': {serving}}}"),
    )


def _kept_states(table: str) -> States:
    """The version that serves goes on serving, if there is one."""
    return {
        "KeepServing": {**_read_serving(table), "Next": "Served"},
        "Served": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$exists($states.input.version)"), "Next": "Trained"}],
            "Default": "NothingServes",
        },
        "NothingServes": {
            "Type": "Fail",
            "Error": "NothingServes",
            "Cause": jsonata(
                "'The new version of ' & $solution.solution & ' was rejected and none serves before it: ' & $why"
            ),
        },
    }


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    imports = names.personalize_arn(f"dataset-import-job/{names.prefix}-*")
    datasets = [names.dataset_arn(dataset) for dataset in _imported(settings)]
    return [
        *schemas.reading(settings),
        *schemas.writing(settings),
        *action_datasets.statements(settings),
        *due.statements(settings),
        allow("personalize:CreateDatasetImportJob", imports, *datasets),
        allow("personalize:DescribeDatasetImportJob", imports),
        *solutions.statements(settings),
        allow(
            ["personalize:CreateSolutionVersion", "personalize:DescribeSolutionVersion"], names.solution_arns
        ),
        # IAM knows no resource of the action.
        allow("personalize:ListSolutionVersions", "*"),
        pass_role(names.personalize_role_arn, to="personalize.amazonaws.com"),
        allow("lambda:InvokeFunction", names.function_arn("judge_solution_version")),
        allow(["dynamodb:PutItem", "dynamodb:GetItem"], names.table_arn(names.control_table)),
    ]
