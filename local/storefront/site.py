"""What the pages ask for: the shop's own data, the API through its proxy, and the console's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import BotoCoreError, ClientError

from config.settings import Settings
from local.storefront import logs, roles, rows, runs
from local.storefront.people import NotKnown, People
from local.storefront.proxy import Answer, Api, problem
from local.storefront.versions import NotAsked, Rollback, served
from operations.place import Place, Refused

MOST_NAMES = 200  # items whose names are asked for at once
API = "/api"


class WrongRequest(ValueError):
    """The message says what is right."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`query` holds every value of each name."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        return parse_qs(self.query, keep_blank_values=True, max_num_fields=300).get(name, [])

    def value(self, name: str) -> str:
        """Raises WrongRequest."""
        found = self.values(name)
        if len(found) != 1:
            raise WrongRequest(f"{name} is given {len(found)} times: give it once")
        return found[0]

    def number(self, name: str) -> int:
        """Raises WrongRequest."""
        try:
            return int(self.value(name))
        except ValueError:
            raise WrongRequest(f"{name} is {self.value(name)[:40]!r}: give a whole number") from None


@dataclass(frozen=True, kw_only=True)
class Site:
    """`jobs` is the folder with the Glue jobs' logs."""

    settings: Settings
    api: Api
    people: People
    place: Place
    rollback: Rollback
    jobs: Path

    def answer(self, asked: Asked) -> Answer:
        """What a request for data gets; errors are problem details."""
        if asked.path.startswith(f"{API}/"):
            return self.api.send(asked.method, asked.path.removeprefix(API), asked.query, asked.body)
        try:
            return self._own(asked)
        except (WrongRequest, NotAsked) as error:
            return problem(400, str(error), asked.path)
        except logs.NoLog as error:
            return problem(404, str(error), asked.path)
        except (NotKnown, Refused) as error:
            return problem(503, str(error), asked.path)
        except (BotoCoreError, ClientError) as error:
            return problem(502, f"AWS refused or did not answer: {error}", asked.path)

    def _own(self, asked: Asked) -> Answer:
        ways = self._ways()
        found = ways.get((asked.method, asked.path))
        if found is None:
            return problem(
                404, f"{asked.method} {asked.path[:200]} is nothing that this server has", asked.path
            )
        return Answer(200, json.dumps(found(asked), ensure_ascii=False, default=str).encode())

    def _ways(self) -> Mapping[tuple[str, str], Callable[[Asked], Any]]:
        return {
            ("GET", "/shop/about"): lambda asked: about(self.settings),
            ("GET", "/shop/users"): lambda asked: self.people.users("".join(asked.values("search"))[:256]),
            ("GET", "/shop/purchases"): lambda asked: self.people.purchases(asked.value("user")),
            ("POST", "/shop/names"): lambda asked: self.people.named(_ids(asked.body)),
            ("GET", "/console/runs"): lambda asked: runs.listed(self.place),
            ("GET", "/console/run"): self._run,
            ("GET", "/console/log"): self._log,
            ("GET", "/console/rows"): lambda asked: rows.reports(self.place),
            ("GET", "/console/verdicts"): lambda asked: rows.verdicts(self.place),
            ("GET", "/console/versions"): lambda asked: served(self.place),
            ("POST", "/console/rollback"): lambda asked: self.rollback.back(_content(asked.body)),
        }

    def _run(self, asked: Asked) -> dict[str, Any]:
        return runs.graph(self.place, asked.value("workflow"), asked.value("name"))

    def _log(self, asked: Asked) -> list[str]:
        if asked.values("job"):
            return logs.of_job(self.jobs, asked.value("job"))
        start, end = asked.number("from"), asked.number("to")
        return logs.of_group(self.place, asked.value("group"), start=start, end=end)


def about(settings: Settings) -> dict[str, Any]:
    """What the page knows of the configuration: {environment, role, fields, events, logged, placements, rules}."""
    return {
        "environment": settings.environment,
        "role": roles.application(settings.names),
        "fields": list(settings.publishing.item_fields),
        "events": settings.creates_log,
        "logged": settings.api.log_impressions,
        "placements": [_placement(settings, name) for name in settings.placements],
        "rules": {
            name: {"kind": rule.kind, "says": (type(rule).__doc__ or "").split("\n")[0]}
            for name, rule in settings.rules.items()
        },
    }


def _placement(settings: Settings, name: str) -> dict[str, Any]:
    """`logged`: the API logs itself what it shows there."""
    one, whole = settings.placements[name], settings.api.log_impressions
    for_each = next(solution.for_each for solution in settings.solutions if solution.name == one.lists[0])
    logged = whole if one.log_impressions is None else one.log_impressions
    return {"name": name, "for_each": for_each, "length": one.length, "logged": logged}


def _content(body: bytes) -> Any:
    """Raises WrongRequest."""
    try:
        return json.loads(body)
    except ValueError:
        raise WrongRequest("the body must be JSON") from None


def _ids(body: bytes) -> Sequence[str]:
    content = _content(body)
    if not isinstance(content, list) or not all(isinstance(one, str) for one in content):
        raise WrongRequest('the body must be a list of ids, as ["995242"]')
    if len(content) > MOST_NAMES:
        raise WrongRequest(f"{len(content)} ids are asked for: {MOST_NAMES} at most")
    return content
