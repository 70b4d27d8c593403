"""Actions and their interactions: datasets that CloudFormation lacks, so `train` makes them before it imports.

Developer guide, "Actions dataset", "Action interactions dataset"; "Replacing a dataset's schema": theirs can't be.
"""

from __future__ import annotations

from typing import Any

from config.avro import DatasetSchema, action_schemas
from config.digests import digest
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl, schemas
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 0.5
_TYPES = {"actions": "Actions", "action_interactions": "Action_Interactions"}


def states(settings: Settings, *, next_state: str) -> States:
    """`MakeActionDatasets`, where they are configured."""
    if not action_schemas(settings.datasets):
        return {}
    items = [_item(settings, schema) for schema in action_schemas(settings.datasets).values()]
    made = asl.inline_map(items, _dataset_states(settings), start="ActionDataset", Next=next_state)
    return {"MakeActionDatasets": made}


def start(settings: Settings, *, otherwise: str) -> str:
    return "MakeActionDatasets" if action_schemas(settings.datasets) else otherwise


def schema_name(settings: Settings, schema: DatasetSchema) -> str:
    """The name with a digest of its fields: other fields are another schema, which such a dataset never gets."""
    return settings.names.schema(schema.dataset.replace("_", "-"), digest(schema.fields))


def _item(settings: Settings, schema: DatasetSchema) -> dict[str, Any]:
    names, schema_called = settings.names, schema_name(settings, schema)
    return {
        "dataset": schema.dataset,
        "arn": names.dataset_arn(schema.dataset),
        "name": names.dataset(schema.dataset.replace("_", "-")),
        "type": _TYPES[schema.dataset],
        "schema": {"Name": schema_called, "Schema": schema.avro},
        "schema_arn": names.personalize_arn(f"schema/{schema_called}"),
    }


def _dataset_states(settings: Settings) -> States:
    return {
        "ActionDataset": {
            "Type": "Pass",
            "Assign": {"wanted": jsonata("$states.input"), **asl.deadline("ActionDataset", hours=HOURS)},
            "Next": "DescribeActionDataset",
        },
        "CreateActionSchema": asl.task(
            sdk("personalize", "createSchema"),
            {"Name": jsonata("$wanted.schema.Name"), "Schema": jsonata("$wanted.schema.Schema")},
            # Its name has the digest of its fields, so a schema of that name is this one.
            Catch=[{"ErrorEquals": asl.EXISTS, "Next": "CreateActionDataset"}],
            Next="CreateActionDataset",
        ),
        "CreateActionDataset": _create(settings),
        **asl.polling(
            "ActionDataset",
            describe=_describe(),
            done="Creation of dataset ",
            of="$wanted.dataset",
            failed=asl.CREATE_FAILED,
            next_state="ActionDatasetMade",
            rules=[
                {
                    "Condition": jsonata("$states.input.schema != $wanted.schema_arn"),
                    "Next": "ActionFieldsRefused",
                }
            ],
            seconds=30,
        ),
        "ActionFieldsRefused": {
            "Type": "Fail",
            "Error": "ActionFieldsRefused",
            "Cause": jsonata(
                "'Dataset ' & $wanted.dataset & ' was made with schema ' & $states.input.schema"
                f" & ', and its fields can not change. ' & {asl.literal(schemas.WAY_OUT)}"
            ),
        },
        "ActionDatasetMade": {"Type": "Succeed"},
    }


def _describe() -> State:
    found = "$states.result.Dataset"
    return asl.task(
        sdk("personalize", "describeDataset"),
        {"DatasetArn": jsonata("$wanted.arn")},
        Output=jsonata(
            f"{{'status': {found}.Status, 'reason': {found}.Status, 'schema': {found}.SchemaArn}}"
        ),
        Catch=[{"ErrorEquals": asl.NOT_FOUND, "Next": "CreateActionSchema"}],
    )


def _create(settings: Settings) -> State:
    return asl.task(
        sdk("personalize", "createDataset"),
        {
            "Name": jsonata("$wanted.name"),
            "SchemaArn": jsonata("$wanted.schema_arn"),
            "DatasetGroupArn": settings.names.dataset_group_arn,
            "DatasetType": jsonata("$wanted.type"),
        },
        Retry=[asl.RETRY_BUSY],
        Catch=[{"ErrorEquals": asl.EXISTS, "Next": "DescribeActionDataset"}],
        Next="DescribeActionDataset",
    )


def statements(settings: Settings) -> list[Statement]:
    names, made = settings.names, action_schemas(settings.datasets)
    if not made:
        return []
    datasets = [names.dataset_arn(dataset) for dataset in made]
    named = [names.personalize_arn(f"schema/{schema_name(settings, schema)}") for schema in made.values()]
    return [
        allow("personalize:DescribeDataset", *datasets),
        allow("personalize:CreateSchema", *named),
        allow("personalize:CreateDataset", *datasets, *named, names.dataset_group_arn),
    ]
