"""What the demo tells at its end: real figures and recommendations that a person can judge."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from psycopg2 import sql

from config import layout
from config.names import Names
from config.settings import SourceTables
from local.demo import tables
from local.demo.api import Api
from local.demo.progress import Run

SHOWN = 8
NDCG = "normalized_discounted_cumulative_gain_at_25"
Clients = Callable[[str], Any]


class QueryFailed(RuntimeError):
    """The warehouse refused a statement."""


@dataclass(frozen=True)
class Catalogue:
    """The application's own tables: titles and purchases."""

    connection: Any
    tables: SourceTables

    def titles(self, items: Sequence[str]) -> dict[str, str]:
        rows = self._select(
            "select item_id, title, category from {items} where item_id = any(%s)", list(items)
        )
        return {
            item: title + (f" ({category.title()})" if category else "") for item, title, category in rows
        }

    def regular_user(self) -> str:
        """A user with a median number of orders: neither the heaviest buyer nor a newcomer."""
        rows = self._select(
            "select user_id from {orders} group by user_id "
            "order by count(distinct order_id), user_id "
            "offset (select count(distinct user_id) / 2 from {orders}) limit 1"
        )
        return str(rows[0][0])

    def recent_purchases(self, user: str) -> list[tuple[str, str]]:
        """(item, day) of the newest distinct items."""
        rows = self._select(
            "select item_id, to_char(max(ordered_at), 'Dy DD Mon') from {orders} where user_id = %s "
            "group by item_id order by max(ordered_at) desc, item_id limit %s",
            user,
            SHOWN,
        )
        return [(item, day) for item, day in rows]

    def bought(self, user: str) -> set[str]:
        return {
            row[0] for row in self._select("select distinct item_id from {orders} where user_id = %s", user)
        }

    def best_seller_of(self, user: str) -> str:
        rows = self._select(
            "select item_id from {orders} where user_id = %s group by item_id "
            "order by count(*) desc, item_id limit 1",
            user,
        )
        return str(rows[0][0])

    def _select(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        names = {
            name: sql.Identifier(*getattr(self.tables, name).split(".")) for name in tables.given(self.tables)
        }
        with self.connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(**names), values)
            return list(cursor.fetchall())


def recommendations(api: Api, catalogue: Catalogue) -> Iterator[str]:
    user = catalogue.regular_user()
    item = catalogue.best_seller_of(user)
    personal = api.get(f"/v1/users/{quote(user, safe='')}/recommendations?numResults={SHOWN}")
    related = api.get(f"/v1/items/{quote(item, safe='')}/related?numResults={SHOWN}")
    popular = api.get(f"/v1/popular?numResults={SHOWN}")
    recent = catalogue.recent_purchases(user)
    ids = [each["itemId"] for answer in (personal, related, popular) for each in answer["items"]]
    titles = catalogue.titles([*ids, *(bought for bought, _ in recent), item])
    bought = catalogue.bought(user)
    yield f"User {user}"
    left = [f"{day}  {titles.get(bought_item, bought_item)}" for bought_item, day in recent]
    right = [titles.get(each["itemId"], each["itemId"]) for each in personal["items"]]
    marks = ["*" if each["itemId"] in bought else " " for each in personal["items"]]
    yield from _beside(
        ("bought last", left),
        (f"recommended ({_origin(personal)})", [m + " " + t for m, t in zip(marks, right, strict=True)]),
    )
    yield "  * bought before: people buy groceries again, and the model learned when"
    yield ""
    yield f"Related to {titles.get(item, item)} ({_origin(related)})"
    yield from _listed(related, titles)
    yield ""
    yield f"Popular ({_origin(popular)})"
    yield from _listed(popular, titles)


def _origin(answer: Mapping[str, Any]) -> str:
    degraded = ", DEGRADED" if answer.get("degraded") else ""
    return f"source {answer['source']}, version {answer['version']}{degraded}"


def _listed(answer: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[str]:
    for each in answer["items"]:
        # Similar-Items' batch inference gives an order and no scores.
        score = "" if each["score"] is None else f"{each['score']:.4f}"
        yield f"  {score:>8}  {titles.get(each['itemId'], each['itemId'])}"


def _beside(left: tuple[str, list[str]], right: tuple[str, list[str]]) -> Iterator[str]:
    width = 54
    yield f"  {left[0]:<{width}}  {right[0]}"
    for n in range(max(len(left[1]), len(right[1]))):
        first = left[1][n] if n < len(left[1]) else ""
        second = right[1][n] if n < len(right[1]) else ""
        yield f"  {first[:width]:<{width}}  {second}"


def rows(clients: Clients, names: Names, run_id: str) -> Iterator[str]:
    """What became of each dataset's rows, by the run's report."""
    answer = clients("s3").get_object(Bucket=names.datasets_bucket, Key=layout.REPORT.of(run_id=run_id))
    for dataset, counts in json.loads(answer["Body"].read())["datasets"].items():
        aside = {**counts["ignored"], **counts["quarantined"]}
        reasons = "".join(f", {count:,} {reason}" for reason, count in sorted(aside.items()))
        yield f"  {dataset:<13} {counts['read']:>8,} read, {counts['kept']:>8,} kept{reasons}"


def metrics(clients: Clients, names: Names, solutions: Sequence[str]) -> Iterator[str]:
    """NDCG of the versions that serve, as Personalize measured them."""
    personalize = clients("personalize")
    for solution in solutions:
        key = {layout.PK: {"S": layout.SERVING.of(solution=solution)}}
        item = clients("dynamodb").get_item(TableName=names.control_table, Key=key)["Item"]
        arn = item["solution_version_arn"]["S"]
        values = personalize.get_solution_metrics(solutionVersionArn=arn)["metrics"]
        yield f"  {values[NDCG]:.3f}  {solution}  (coverage {values['coverage']:.2f})"


def marts(clients: Clients, *, workgroup: str, database: str, secret: str) -> Iterator[str]:
    """Coverage of the newest run, from the warehouse through Redshift's Data API."""
    records = query(
        clients("redshift-data"),
        "select solution, lists, recommended_items, coverage from marts.mart_catalogue_coverage "
        "where run_id = (select max(run_id) from marts.mart_catalogue_coverage) order by solution",
        workgroup=workgroup,
        database=database,
        secret=secret,
    )
    for solution, lists, items, coverage in records:
        yield f"  {solution:<10} {lists:>6,} lists  {items:>6,} items  {coverage:6.1%} of the catalogue"


def query(client: Any, statement: str, *, workgroup: str, database: str, secret: str) -> list[list[Any]]:
    """Rows, as the database user of the secret (name or ARN) sees them."""
    started = client.execute_statement(
        Sql=statement, WorkgroupName=workgroup, Database=database, SecretArn=secret
    )
    while True:
        state = client.describe_statement(Id=started["Id"])
        if state["Status"] in ("FAILED", "ABORTED"):
            raise QueryFailed(f"{state.get('Error')} ({statement})")
        if state["Status"] == "FINISHED":
            break
        time.sleep(0.1)
    records = client.get_statement_result(Id=started["Id"])["Records"]
    return [[next(iter(field.values())) for field in record] for record in records]


def timings(run: Run) -> Iterator[str]:
    for path, seconds in run.steps():
        if seconds >= 0.5:
            yield f"  {seconds:6.1f} s  {path}"


def run_id_of(output: str) -> str:
    """The run's id in the pipeline's output."""
    return str(json.loads(output)["run_id"])


def commands(url: str, user: str) -> Iterator[str]:
    """Lines that a person can paste."""
    yield 'eval "$(make -s env)"    # endpoint, region, the operator\'s credentials and OSUSUME_API_URL'
    yield "curl --aws-sigv4 aws:amz:$AWS_REGION:execute-api \\"
    yield "  --user $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY \\"
    yield '  -H "x-amz-security-token: $AWS_SESSION_TOKEN" \\'
    yield f"  '{url.rstrip('/')}/v1/users/{quote(user, safe='')}/recommendations?numResults=10'"
    yield "python -m local status    # the deployed stacks"
    yield "make down                 # stop everything"
