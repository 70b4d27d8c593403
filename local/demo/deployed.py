"""A deployed pipeline with its API, as whoever drives it sees it: the demo's runs, chaos and the end-to-end tests."""

from __future__ import annotations

from typing import Any

from botocore.credentials import Credentials as Signer

from config.settings import Settings
from local import cli, users
from local.demo import schedule
from local.demo.api import Api
from osusume_endpoint.endpoint import Endpoint

EXPORTED_AFTER_SECONDS = 2.0  # an export shows the log as of a whole second before the run


class ApiMissing(RuntimeError):
    """The deployed stacks have no API."""


class Deployed:
    """Base of dataclasses with these two fields."""

    endpoint: Endpoint
    settings: Settings

    def client(self, service: str) -> Any:
        """The administrator's."""
        return self.endpoint.client(service)

    @property
    def operator(self) -> Signer:
        return Signer(*users.operator_credentials(self.endpoint, environment=self.settings.environment))

    @property
    def api(self) -> Api:
        url = cli.api_url(self.endpoint)
        if not url:
            raise ApiMissing("No REST API is deployed: the stack `serving` should have made one")
        return Api(url, self.endpoint.region, self.operator)

    def fire(self) -> str:
        """Fires the schedule's target with its own input; the execution's ARN."""
        return schedule.fire(
            url=self.endpoint.url,
            region=self.endpoint.region,
            credentials=self.operator,
            schedule=self.settings.names.schedule,
        )

    def item(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The recommendations table's item, in DynamoDB's notation."""
        answer = self.client("dynamodb").get_item(
            TableName=self.settings.names.recommendations_table,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            ConsistentRead=True,
        )
        item: dict[str, Any] | None = answer.get("Item")
        return item
