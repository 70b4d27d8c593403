"""Datasets follow the configured fields: users and items gain nullable ones, anything else is refused.

Developer guide, "Replacing a dataset's schema to add new columns": every field of the schema before is kept as it is,
new ones support null, and datasets of other types keep their schema.
"""

from __future__ import annotations

from typing import Any

from config.avro import REPLACEABLE, DatasetSchema, schemas
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata, sdk

UPDATE_HOURS = 0.5
WAY_OUT = (
    "Change it back; or raise datasets.schema_version, with which a new dataset group is made beside the old one, "
    "filled and trained by the next run, and serves once its solutions are judged."
)


def states(settings: Settings, *, next_state: str) -> States:
    """`CheckFields`, and `UpdateDatasets` where fields were added."""
    if not _gaining(settings):
        return {"CheckFields": check(settings, Next=next_state)}
    return {
        "CheckFields": check(settings, Next="UpdateDatasets"),
        "UpdateDatasets": _update(settings, Next=next_state),
    }


def _gaining(settings: Settings) -> list[DatasetSchema]:
    return [schema for schema in schemas(settings.datasets).values() if schema.added]


def check(settings: Settings, **fields: Any) -> State:
    """A Map that changes nothing: fails at fields that no dataset can take, outputs [{dataset, gained}]."""
    items = [_wanted(settings, schema) for schema in schemas(settings.datasets).values()]
    return asl.inline_map(items, _check_states(), start="Fields", **fields)


def _wanted(settings: Settings, schema: DatasetSchema) -> dict[str, Any]:
    return {
        "dataset": schema.dataset,
        "arn": settings.names.dataset_arn(schema.dataset),
        "fields": list(schema.fields),
        "replaceable": schema.dataset in REPLACEABLE,
    }


def _check_states() -> States:
    return {
        "Fields": {
            "Type": "Pass",
            "Assign": {"wanted": jsonata("$states.input")},
            "Next": "ReadDataset",
        },
        "ReadDataset": asl.task(
            sdk("personalize", "describeDataset"),
            {"DatasetArn": jsonata("$wanted.arn")},
            Output=jsonata(f"{{'schema': {_IN_FORCE}}}"),
            Next="ReadSchema",
        ),
        "ReadSchema": asl.task(
            sdk("personalize", "describeSchema"),
            {"SchemaArn": jsonata("$states.input.schema")},
            Output=jsonata(COMPARED),
            Next="Compared",
        ),
        "Compared": {
            "Type": "Choice",
            "Choices": [
                {"Condition": jsonata("$count($states.input.refused) > 0"), "Next": "FieldsRefused"},
            ],
            "Default": "Comparable",
        },
        "FieldsRefused": {
            "Type": "Fail",
            "Error": "FieldsRefused",
            "Cause": jsonata(
                "'Dataset ' & $wanted.dataset & ' can not have the configured fields: '"
                f" & $join($states.input.refused, '; ') & '. ' & {asl.literal(WAY_OUT)}"
            ),
        },
        "Comparable": {"Type": "Succeed"},
    }


# Where an update succeeded, a description may still show the schema of the creation beside it.
_IN_FORCE = """(
  $update := $states.result.Dataset.LatestDatasetUpdate;
  $update.Status = 'ACTIVE' ? $update.SchemaArn : $states.result.Dataset.SchemaArn
)"""
COMPARED = """(
  $deployed := $parse($states.result.Schema.Schema).fields;
  $now := $merge($deployed.{name: $});
  $then := $merge($wanted.fields.{name: $});
  $gone := $deployed[$not($exists($lookup($then, name)))];
  $changed := $deployed[$exists($lookup($then, name)) and $lookup($then, name) != $];
  $new := $wanted.fields[$not($exists($lookup($now, name)))];
  $strict := $new[$not('null' in type)];
  {
    'dataset': $wanted.dataset,
    'gained': [$new.name],
    'refused': [
      $gone.('field ' & name & ' is gone, and a dataset keeps its fields'),
      $changed.('field ' & name & ' differs, and a field keeps its type and attributes'),
      $strict.('field ' & name & ' is new and not nullable, and records lack it'),
      $wanted.replaceable ? [] : $new.('field ' & name & ' is new, and only users and items gain fields')
    ]
  }
)"""


def _update(settings: Settings, **fields: Any) -> State:
    """A Map over the datasets that lack fields of their schema; its input is the output of `check`."""
    all_ = [_replacement(settings, schema) for schema in _gaining(settings)]
    items = (
        f"( $lacking := $states.input[$count(gained) > 0].dataset; {asl.data(all_)}[dataset in $lacking] )"
    )
    return asl.inline_map(
        jsonata(f"[{items}[[0..{max(len(all_) - 1, 0)}]]]"), _update_states(), start="Dataset", **fields
    )


def _replacement(settings: Settings, schema: DatasetSchema) -> dict[str, Any]:
    names = settings.names
    name = schema.name(names)
    return {
        "dataset": schema.dataset,
        "arn": names.dataset_arn(schema.dataset),
        "schema": {"Name": name, "Schema": schema.avro},
        "schema_arn": names.personalize_arn(f"schema/{name}"),
    }


def _update_states() -> States:
    of_dataset = "$gains.dataset"
    return {
        "Dataset": {
            "Type": "Pass",
            "Assign": {"gains": jsonata("$states.input"), **asl.deadline("Update", hours=UPDATE_HOURS)},
            "Next": "CreateSchema",
        },
        "CreateSchema": asl.task(
            sdk("personalize", "createSchema"),
            {"Name": jsonata("$gains.schema.Name"), "Schema": jsonata("$gains.schema.Schema")},
            # Its name has the digest of its fields, so a schema of that name is this one.
            Catch=[{"ErrorEquals": asl.EXISTS, "Next": "UpdateDataset"}],
            Next="UpdateDataset",
        ),
        "UpdateDataset": asl.task(
            sdk("personalize", "updateDataset"),
            {"DatasetArn": jsonata("$gains.arn"), "SchemaArn": jsonata("$gains.schema_arn")},
            Retry=[asl.RETRY_BUSY],
            Next="DescribeUpdate",
        ),
        **asl.polling(
            "Update",
            describe=asl.task(
                sdk("personalize", "describeDataset"),
                {"DatasetArn": jsonata("$gains.arn")},
                Output=jsonata(_UPDATED),
            ),
            done="Update of dataset ",
            of=of_dataset,
            failed=asl.CREATE_FAILED,
            next_state="Updated",
            seconds=30,
        ),
        "Updated": {"Type": "Succeed"},
    }


# What is described may be an update of before, for as long as this one is not seen.
_UPDATED = """(
  $update := $states.result.Dataset.LatestDatasetUpdate;
  $ours := $update.SchemaArn = $gains.schema_arn;
  { 'status': $ours ? $update.Status : 'CREATE PENDING', 'reason': $ours ? $update.FailureReason }
)"""


def reading(settings: Settings) -> list[Statement]:
    """What `check` needs. A dataset's schema has whatever name; all of ours begin with the prefix."""
    names = settings.names
    datasets = [names.dataset_arn(dataset) for dataset in schemas(settings.datasets)]
    return [
        allow("personalize:DescribeDataset", *datasets),
        allow("personalize:DescribeSchema", names.personalize_arn(f"schema/{names.prefix}-*")),
    ]


def writing(settings: Settings) -> list[Statement]:
    """What the update needs beside it, where there is one."""
    names, gaining = settings.names, _gaining(settings)
    if not gaining:
        return []
    made = [names.personalize_arn(f"schema/{schema.name(names)}") for schema in gaining]
    return [
        allow("personalize:CreateSchema", *made),
        allow("personalize:UpdateDataset", *(names.dataset_arn(schema.dataset) for schema in gaining)),
    ]
