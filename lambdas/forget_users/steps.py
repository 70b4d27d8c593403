"""The steps of a forgetting. Each is done again without harm: what is gone is not found a second time."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from lambdas.forget_users import contents, report, tables
from lambdas.forget_users.contents import Users
from lambdas.forget_users.environment import Environment
from lambdas.forget_users.objects import Sweep
from lambdas.forget_users.warehouse import Warehouse
from lambdas.shared.forgetting import FAILED, RUNNING, Requests, key_of_request

MOST = 100  # requests that one execution takes on; the next takes those that are left
PLACES = ("application log", "lists", "raw", "datasets", "results", "warehouse")

Clients = Callable[[str], Any]
Answer = dict[str, Any]


@dataclass(frozen=True)
class Steps:
    clients: Clients
    settings: Environment
    requests: Requests
    late: Callable[[], bool]

    def begin(self) -> Answer:
        """The requests that this execution takes on: all that are not done."""
        found = self.requests.drop_done(self.requests.pending()[:MOST])
        self.requests.mark(found, RUNNING)
        return {"requests": found}

    def fail(self, requests: Sequence[str]) -> Answer:
        self.requests.mark(requests, FAILED)
        return {}

    def remove(self, requests: Sequence[str], position: Mapping[str, str]) -> Answer:
        """Goes on from {place, after} until it is late; {done} or {position}."""
        users = self.requests.users(requests)
        place, after = position["place"], position.get("after", "")
        while users:
            went_to, removed = self._from(place, after, users)
            self._count(requests, place, removed)
            place, after = self._next(place, went_to)
            if not place:
                break
            if went_to is not None or self.late():
                return {"done": False, "position": {"place": place, "after": after}}
        return {"done": True}

    def _places(self) -> list[str]:
        """The places that the environment has, in their order."""
        given = self.settings
        absent = [
            *([] if given.application_log_table else ["application log"]),
            *([] if given.warehouse_workgroup else ["warehouse"]),
        ]
        return [place for place in PLACES if place not in absent]

    def _next(self, place: str, went_to: str | None) -> tuple[str, str]:
        """Where to go on: in the same place, in the next, or nowhere."""
        if went_to is not None:
            return place, went_to
        places = self._places()
        following = places[places.index(place) + 1 :]
        return (following[0] if following else ""), ""

    def _from(self, place: str, after: str, users: Users) -> tuple[str | None, Counter[str]]:
        if place in ("raw", "datasets", "results"):
            return self._bucket(place, after, users)
        return None, Counter(rows=REMOVERS[place](self, users))

    def _bucket(self, zone: str, after: str, users: Users) -> tuple[str | None, Counter[str]]:
        names = contents.Names(self.settings.user_columns, self.settings.other_lists)
        sweep = Sweep(
            s3=self.clients("s3"),
            bucket=getattr(self.settings, f"{zone}_bucket"),
            content=partial(contents.content_of, zone, names=names),
            users=users,
            late=self.late,
        )
        return sweep.run(after=after)

    def log(self, users: Users) -> int:
        given = self.settings
        return tables.remove_log(
            self.clients("dynamodb"),
            table=given.application_log_table,
            attribute=given.user_columns["log"],
            users=users,
        )

    def lists(self, users: Users) -> int:
        dynamodb, given = self.clients("dynamodb"), self.settings
        served = tables.lists_served(dynamodb, control_table=given.control_table)
        names = (served | set(given.user_lists)) - set(given.other_lists)
        tables.remove_state(dynamodb, table=given.user_state_table, users=users)
        table = given.recommendations_table
        lists = tables.remove_lists(dynamodb, table=table, lists=sorted(names), users=users)
        return lists + tables.remove_from_segments(dynamodb, table=table, users=users)

    def warehouse(self, users: Users) -> int:
        given = self.settings
        where = {
            "WorkgroupName": given.warehouse_workgroup,
            "Database": given.warehouse_database,
            "SecretArn": given.warehouse_secret_arn,
        }
        return Warehouse(self.clients("redshift-data"), where, given.other_lists).remove(users)

    def write_list(self, requests: Sequence[str]) -> Answer:
        """A CSV for Personalize, which reads no list under a key of the customer's."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerows([("USER_ID",), *((user,) for user in self.requests.users(requests))])
        self.clients("s3").put_object(
            Bucket=self.settings.datasets_bucket,
            Key=_list_key(requests),
            Body=text.getvalue().encode(),
            ContentType="text/csv",
            ServerSideEncryption="AES256",
        )
        return {}

    def end(self, requests: Sequence[str]) -> Answer:
        """The list goes, the report is written, then the ids: what follows a kill finds all it needs."""
        s3, given = self.clients("s3"), self.settings
        _remove_versions(s3, bucket=given.datasets_bucket, key=_list_key(requests))
        self._export_whole()
        key = report_key(requests[0])
        content = report.report(
            requests=requests,
            removed=self._removed(requests),
            at=datetime.now(UTC),
            log_retention_days=given.log_retention_days,
            warehouse=bool(given.warehouse_workgroup),
        )
        s3.put_object(
            Bucket=given.results_bucket,
            Key=key,
            Body=json.dumps(content, indent=1).encode(),
            ContentType="application/json",
        )
        for request in requests:
            self.requests.finish(request, report=f"s3://{given.results_bucket}/{key}")
        return {"report": f"s3://{given.results_bucket}/{key}"}

    def _export_whole(self) -> None:
        """An export of changes would have a line for each event that was deleted, with its user."""
        dynamodb = self.clients("dynamodb")
        # Where no run has succeeded there is none, and the first exports all anyway.
        with suppress(dynamodb.exceptions.ConditionalCheckFailedException):
            dynamodb.update_item(
                TableName=self.settings.control_table,
                Key={"pk": {"S": "watermark"}},
                UpdateExpression="SET export_whole = :true",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":true": {"BOOL": True}},
            )

    def _count(self, requests: Sequence[str], place: str, removed: Mapping[str, int]) -> None:
        """Counted beside the first request, so that an execution that goes on knows what went before it."""
        for what, number in removed.items():
            if number:
                self.clients("dynamodb").update_item(
                    TableName=self.settings.control_table,
                    Key=key_of_request(requests[0]),
                    UpdateExpression="ADD #what :number",
                    ExpressionAttributeNames={"#what": f"removed {place}: {what}"},
                    ExpressionAttributeValues={":number": {"N": str(number)}},
                )

    def _removed(self, requests: Sequence[str]) -> dict[str, int]:
        item = self.requests.read(requests[0]) or {}
        marked = {
            name.removeprefix("removed "): value
            for name, value in item.items()
            if name.startswith("removed ")
        }
        zero = {f"{place}: rows": 0 for place in self._places()}
        return zero | {name: int(value["N"]) for name, value in marked.items()}


REMOVERS: Mapping[str, Callable[[Steps, Users], int]] = {
    "application log": Steps.log,
    "lists": Steps.lists,
    "warehouse": Steps.warehouse,
}


def report_key(request_id: str) -> str:
    return f"forget/{request_id}.json"


def _list_key(requests: Sequence[str]) -> str:
    return f"forget/{requests[0]}/users.csv"


def _remove_versions(s3: Any, *, bucket: str, key: str) -> None:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
