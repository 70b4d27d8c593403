"""Filters: expressions checked against the schemas of their dataset group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.errors import in_use, invalid, limit_exceeded
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models import datasets
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    describing,
    listing,
    picked,
    tags_of,
)
from osusume_endpoint.personalize.models.schemas import schema_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext
from osusume_engine.filters import FilterError, FilterExpression, check_filter, check_recipe, parse_filter
from osusume_engine.filters.rules import MAX_FIELDS_OF_GROUP
from osusume_engine.recipes import RecipeSpec

MAX_FILTERS = 30  # of a dataset group ("Amazon Personalize endpoints and quotas"), adjustable on AWS
_BATCHES = ("BatchInferenceJob", "BatchSegmentJob")


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("Filter", parameters["name"])
    tags = tags_of(parameters)
    with service.store.lock:
        group = service.active(parameters["datasetGroupArn"], "DatasetGroup")
        service.check_absent(arn)
        others = service.store.where("Filter", datasetGroupArn=group.arn)
        service.check_quota(
            len(others), MAX_FILTERS, f"More than {MAX_FILTERS} filters in {group.arn}. Please delete some."
        )
        expression = _checked(service, group, parameters["filterExpression"])
        _check_fields(expression, others)
        service.create(
            "Filter", arn, picked(parameters, "name", "datasetGroupArn", "filterExpression"), tags=tags
        )
    return {"filterArn": arn}


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    record = service.store.get(parameters["filterArn"], "Filter")
    with service.store.lock:
        for job in _jobs_using(service, record.arn):
            raise in_use(f"Filter {record.arn} is in use by {job.arn}.")
        service.delete(record)
    return {}


def _jobs_using(service: Personalize, filter_arn: str) -> Iterator[Record]:
    for kind in _BATCHES:
        yield from (j for j in service.store.where(kind, filterArn=filter_arn) if j.private.get("job"))


def check_usable(service: Personalize, arn: str, *, group_arn: str, recipe: RecipeSpec) -> Record:
    """The ACTIVE filter, which must belong to the group and filter what the recipe recommends."""
    record = service.active(arn, "Filter")
    if record.fields["datasetGroupArn"] != group_arn:
        raise invalid(f"Filter {arn} belongs to another dataset group than {group_arn}.")
    try:
        check_recipe(parse_filter(record.fields["filterExpression"]), recipe)
    except FilterError as error:
        raise invalid(f"Filter {arn} {error}.") from None
    return record


def mask(
    service: Personalize, record: Record, *, user: str | None, item: str | None, values: Mapping[str, str]
) -> Any:
    """What the filter lets through for a request; InvalidInputException on missing or wrong values."""
    present = datasets.datasets_of(service, record.fields["datasetGroupArn"])
    evaluator = service.catalogue.evaluator(record.fields["filterExpression"], present.values())
    try:
        return evaluator.mask(user_id=user, item_id=item, values=values)
    except FilterError as error:
        raise invalid(str(error)) from None


def _checked(service: Personalize, group: Record, text: str) -> FilterExpression:
    present = datasets.datasets_of(service, group.arn)
    try:
        expression = parse_filter(text)
        check_filter(expression, {kind: schema_of(service, d) for kind, d in present.items()})
    except FilterError as error:
        raise invalid(f"Could not create filter. {error}") from None
    return expression


def _check_fields(expression: FilterExpression, others: list[Record]) -> None:
    fields = set(expression.fields())
    for other in others:
        fields |= parse_filter(other.fields["filterExpression"]).fields()
    if len(fields) > MAX_FIELDS_OF_GROUP:
        raise limit_exceeded(
            f"The filters of the dataset group would use {len(fields)} distinct dataset fields: at most "
            f"{MAX_FIELDS_OF_GROUP} are allowed."
        )


def register(service: Personalize) -> None:
    service.jobs.register("create", "Filter", Runner(lambda record: {}))
    service.jobs.register("delete", "Filter", Runner(lambda record: {}, running=states.DELETE_IN_PROGRESS))


OPERATIONS: dict[str, Operation] = {
    "CreateFilter": create,
    "DescribeFilter": describing("Filter"),
    "ListFilters": listing("Filter"),
    "DeleteFilter": delete,
}
