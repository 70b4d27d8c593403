"""Amazon Personalize in the endpoint: personalize, personalize-runtime and personalize-events."""

from __future__ import annotations

import atexit
import functools
import shutil
from typing import Any

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.personalize import autotraining, cloudformation, responses
from osusume_endpoint.personalize.models import datasets
from osusume_endpoint.personalize.resources import resource_arn
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.service import add_service


def install(endpoint: Endpoint) -> None:
    from ministack.core.responses import request_scope

    service = open_service(
        endpoint, scope=functools.partial(request_scope, endpoint.account, endpoint.region)
    )
    serve(service)
    cloudformation.install(service)
    atexit.register(service.close)


def open_service(endpoint: Endpoint, **options: Any) -> Personalize:
    """The service with what an earlier process left, its unfinished jobs queued again."""
    service = Personalize(endpoint, **options)
    shutil.rmtree(service.home / "temporary", ignore_errors=True)
    service.sweep_models()
    for dataset in service.store.of_kind("Dataset"):
        datasets.sweep(service, dataset)
    responses.register_jobs(service)
    service.jobs.resume()
    autotraining.watch(service, service.ending)
    return service


def serve(service: Personalize) -> None:
    endpoint = service.endpoint
    for name, functions in responses.operations().items():
        add_service(
            name=name,
            operations=responses.bound(service, functions),
            resource_arn=functools.partial(resource_arn, region=endpoint.region, account=endpoint.account),
            endpoint=endpoint,
            iam_namespace="personalize",
        )
