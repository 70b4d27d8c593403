"""What the stories of killed processes do to a deployed environment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from config import layout
from config.settings import Settings
from local.chaos.line import GONE, Line, Outcome
from local.chaos.rows import Counts
from operations import signed
from stacks.workflows import solutions

EXTRA = "leftover"  # names what no configuration has
BEST = 0.999  # a serving version is said to be so good, and the next is turned down


@dataclass
class Deeds:
    line: Line
    seconds: float = 600.0
    forgotten: dict[str, str] = field(default_factory=dict)  # user -> the execution that was to forget them

    @property
    def settings(self) -> Settings:
        return self.line.settings

    def run(self) -> Outcome:
        """A run as the schedule starts it."""
        return self.line.run(seconds=self.seconds)

    def pipeline(self, given: Mapping[str, Any], *, dead_lock: bool = False) -> Outcome:
        return self._execution("pipeline", given, dead_lock=dead_lock)

    def again(self) -> Outcome:
        """The newest run goes on where it ended, as its notification says; where it can't, a new one starts."""
        newest = self.line.newest_run()
        if self.line.control(layout.PROGRESS.of(run_id=newest)) and newest != self.watermark():
            return self.pipeline({"resume": newest})
        return self.run()

    def unusable(self) -> dict[str, str]:
        """A version that there is not, of a solution that there is."""
        solution = self.settings.solutions[0]
        return {solution.name: f"{solutions.arn(self.settings, solution)}/none"}

    def clean_up(self, *, dead_lock: bool = False) -> Outcome:
        return self._execution("clean-up", {}, dead_lock=dead_lock)

    def load(self) -> Outcome:
        """The run that serves once more, and those that the warehouse misses: twice is the same as once."""
        return self._execution("load", {"runs": sorted({*self.line.pending(), self.watermark()})})

    def forget(self, *, dead_lock: bool = False) -> Outcome:
        if dead_lock:
            self._leave_lock()
        return self._follow(self._forgetting())

    def finish(self) -> list[Outcome]:
        """Deletions that died are asked for again, as the operators' handbook says; how each ended then."""
        return [self._follow(self._forgetting(user)) for user in self.leaving()]

    def await_database(self) -> None:
        self._await(Counts(self.line).is_back)

    def leaving(self) -> list[str]:
        """Users whose deletion did not come to its end."""
        return [user for user, arn in self.forgotten.items() if not self._succeeded(arn)]

    def _succeeded(self, arn: str) -> bool:
        return bool(arn) and self.line.status(arn) == "SUCCEEDED"

    def while_forgetting(self) -> Outcome:
        """A deletion holds the lock; another waits for it, a run and a clean-up are refused."""
        first = self._forgetting()
        self._await(lambda: self.line.locked())
        refused = [self.line.start("pipeline", {}), self.line.start("clean-up", {})]
        second = self._forgetting()
        for arn in refused:
            self._follow(arn)
        outcomes = [self._follow(first), self._follow(second)]
        return next((one for one in outcomes if not one.succeeded), outcomes[-1])

    def changed(self) -> Outcome:
        """A run of everything, after hands that were not ours."""
        personal, _, popular = (solutions.arn(self.settings, one) for one in self.settings.solutions[:3])
        self._leave_leftovers(personal)
        said = self._praise(self.settings.solutions[1].name)
        personalize = self.line.client("personalize")
        with suppress(ClientError):
            personalize.update_solution(solutionArn=personal, performAutoTraining=True)
        self._delete_solution(popular)
        try:
            return self.pipeline({"mode": "full"})
        finally:
            self._say_again(said)

    def _execution(self, workflow: str, given: Mapping[str, Any], *, dead_lock: bool = False) -> Outcome:
        if dead_lock:
            self._leave_lock()
        return self._follow(self.line.start(workflow, given))

    def _follow(self, arn: str) -> Outcome:
        return self.line.follow(arn, seconds=self.seconds)

    def _leave_lock(self) -> None:
        """The lock as a run leaves it that was killed: with hours to go, its owner running no more."""
        owner = self._ended_execution()
        if owner and not self.line.locked():
            expires = str(int(time.time()) + 20 * 3600)
            item = {layout.PK: {"S": layout.LOCK}, "owner": {"S": owner}, layout.EXPIRES: {"N": expires}}
            self.line.client("dynamodb").put_item(TableName=self.settings.names.control_table, Item=item)

    def _ended_execution(self) -> str:
        machine = self.settings.names.workflow_arn("pipeline")
        found = self.line.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        return next((one["executionArn"] for one in found if one["status"] != "RUNNING"), "")

    def watermark(self) -> str:
        item = self.line.control(layout.WATERMARK) or {}
        return str(item.get("run_id", {}).get("S", ""))

    def _forgetting(self, user: str = "") -> str:
        """Asks the API to forget the user, or else somebody new; the execution that does."""
        user = user or Counts(self.line).somebody(but=list(self.forgotten))
        self.forgotten[user] = ""
        status, answer = signed.send(self.line.place, "DELETE", "v1", "users", user)
        if status != 202:
            raise RuntimeError(f"the API answered {status} to a deletion: {answer}")
        self._await(lambda: bool(self._newest_forgetting(answer["deletionId"])))
        self.forgotten[user] = self._newest_forgetting(answer["deletionId"])
        return self.forgotten[user]

    def _newest_forgetting(self, deletion: str) -> str:
        """The execution of a deletion's last attempt; empty where there is none."""
        machine = self.settings.names.workflow_arn("forget")
        found = self.line.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        of_it = [one for one in found if deletion in one["name"]]
        return str(max(of_it, key=lambda one: one["startDate"])["executionArn"]) if of_it else ""

    def _await(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.1)

    def _leave_leftovers(self, solution: str) -> None:
        """A campaign and a filter of another configuration."""
        personalize, names = self.line.client("personalize"), self.settings.names
        name = f"{names.prefix}-{EXTRA}-0123abcd"
        versions = personalize.list_solution_versions(solutionArn=solution)["solutionVersions"]
        version = next((one for one in reversed(versions) if one["status"] == "ACTIVE"), None)
        with suppress(ClientError):
            personalize.create_filter(
                name=name,
                datasetGroupArn=names.dataset_group_arn,
                filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
            )
        with suppress(ClientError):
            if version:
                arn = version["solutionVersionArn"]
                personalize.create_campaign(name=name, solutionVersionArn=arn, minProvisionedTPS=1)

    def _delete_solution(self, arn: str) -> None:
        personalize = self.line.client("personalize")
        with suppress(ClientError):
            personalize.delete_solution(solutionArn=arn)

        def gone() -> bool:
            try:
                personalize.describe_solution(solutionArn=arn)
            except ClientError:
                return True
            return False

        self._await(gone)

    def _praise(self, solution: str) -> list[dict[str, Any]]:
        """What was said of the version that serves, which is said to be as good as can be, with none before it."""
        keys = (layout.SERVING.of(solution=solution), layout.GATE.of(solution=solution))
        serving, history = (self.line.control(pk) for pk in keys)
        if serving is None:
            return []
        best = dict.fromkeys(json.loads(serving["metrics"]["S"]), BEST)
        dynamodb, table = self.line.client("dynamodb"), self.settings.names.control_table
        dynamodb.put_item(TableName=table, Item={**serving, "metrics": {"S": json.dumps(best)}})
        dynamodb.delete_item(TableName=table, Key={layout.PK: {"S": keys[1]}})
        return [serving, *([history] if history else [])]

    def _say_again(self, items: list[dict[str, Any]]) -> None:
        """What was said before, so that the next version is let in again."""
        with suppress(*GONE):
            for item in items:
                self.line.client("dynamodb").put_item(TableName=self.settings.names.control_table, Item=item)
