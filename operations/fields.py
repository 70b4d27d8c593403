"""Fields that the deployed datasets can't take, asked before CloudFormation changes anything.

A template whose schema differs from the one that it made fails: the schema is create-only and its name is taken. By
then the stacks before it are changed, and the next run would write columns that the dataset has not.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from config import fields
from config.avro import DatasetSchema, schemas
from config.names import Names
from operations.place import Place, Refused, absent


class Unfit(Exception):
    """The message names each field that a dataset can't take, and the way out."""


def check(place: Place) -> None:
    """Raises Refused naming the dataset, its fields and a cure."""
    client = place.client("personalize")
    for schema in schemas(place.settings.datasets).values():
        try:
            gained(client, place.names, schema)
        except Unfit as error:
            raise Refused(f"datasets.{schema.dataset}: {error}. Nothing was changed") from error
        except ClientError as error:
            rights = "personalize:DescribeDataset and personalize:DescribeSchema"
            raise Refused(
                f"datasets.{schema.dataset}: the deployed fields can't be read ({error}): "
                f"who deploys needs {rights}. Nothing was changed"
            ) from error


def gained(client: Any, names: Names, schema: DatasetSchema) -> list[str] | None:
    """Names of the fields that the next run gives the dataset; None where there is no dataset yet.

    Both schemas count: the one that the template made and keeps, and the one that the dataset has. Raises Unfit.
    """
    try:
        dataset = client.describe_dataset(datasetArn=names.dataset_arn(schema.dataset))["dataset"]
    except ClientError as error:
        if absent(error):
            return None
        raise
    made = _fields(client, names.personalize_arn(f"schema/{names.schema(schema.dataset)}"))
    now = _fields(client, dataset["schemaArn"])
    added = [str(field["name"]) for field in schema.added]
    found = fields.created(schema.dataset, made, schema.created, added=added)
    found = found or fields.refusals(schema.dataset, now, schema.fields)
    if found:
        raise Unfit(f"{'; '.join(found)} ({fields.WAY_OUT})")
    return [name for name in added if name not in {field["name"] for field in now}]


def _fields(client: Any, arn: str) -> list[fields.Field]:
    return fields.of_schema(client.describe_schema(schemaArn=arn)["schema"]["schema"])
