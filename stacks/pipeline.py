"""The workflows `pipeline` and `clean-up`, and the schedules that start them."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from config import layout
from config.settings import Settings
from lambdas.shared.environment import packed
from stacks.parts.access import allow
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import EnvironmentStack
from stacks.parts.workflow import Workflow
from stacks.workflows import clean_up, due, pipeline, solutions

_STARTS = 5  # again, when a target does not take them


class PipelineStack(EnvironmentStack):
    part = "pipeline"
    needs = ("storage",)

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The scheduled run")
        workflow = Workflow(
            self,
            "Pipeline",
            name="pipeline",
            definition=pipeline.definition(settings),
            statements=pipeline.statements(settings, key_arn=self.key_arn),
        )
        self._clean_up()
        cleaning = Workflow(
            self,
            "CleanUp",
            name="clean-up",
            definition=clean_up.definition(settings),
            statements=clean_up.statements(settings),
        )
        self._schedules(workflow.state_machine, cleaning.state_machine)

    def _clean_up(self) -> None:
        names, settings = self.names, self.settings
        PythonFunction(
            self,
            "DeleteSuperseded",
            name="clean_up",
            layers=[RuntimeLayer(self)],
            environment={
                "CONTROL_TABLE": names.control_table,
                "RECOMMENDATIONS_TABLE": names.recommendations_table,
                "PREFIX": names.prefix,
                "DATASET_GROUPS": packed(names.dataset_group_arns),
                "SOLUTIONS": packed({one.name: solutions.name(settings, one) for one in settings.solutions}),
                "PINNED": packed([one.version for one in settings.solutions if one.version]),
                "KEEP_SUPERSEDED": str(settings.clean_up.keep_superseded),
                "SUPERSEDED_AFTER_DAYS": str(settings.clean_up.superseded_after_days),
            },
            timeout=Duration.minutes(5),
            statements=[
                # IAM knows no resource of either.
                allow(["personalize:ListSolutions", "personalize:ListSolutionVersions"], "*"),
                allow("personalize:DeleteSolution", names.solution_arns),
                allow(
                    "dynamodb:GetItem",
                    names.table_arn(names.control_table),
                    names.table_arn(names.recommendations_table),
                ),
            ],
        )

    def _schedules(self, run: sfn.StateMachine, cleaning: sfn.StateMachine) -> None:
        schedule, clean = self.settings.schedule, self.settings.clean_up
        dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=self.names.schedule_dead_letters,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self._schedule(
            "Schedule",
            name=self.names.schedule,
            description=f"Starts a run of {self.names.prefix}",
            expression=schedule.expression,
            enabled=schedule.enabled,
            target=_start(
                run,
                dead_letters,
                {"mode": "auto", "scheduled_time": scheduler.ContextAttribute.scheduled_time},
            ),
        )
        if schedule.training:
            self._schedule(
                "TrainingSchedule",
                name=self.names.training_schedule,
                description=f"Makes a training due, which the next run of {self.names.prefix} does",
                expression=schedule.training,
                enabled=schedule.enabled,
                target=self._mark_due(dead_letters),
            )
        self._schedule(
            "CleanUpSchedule",
            name=self.names.clean_up_schedule,
            description=f"Removes what serves no more of {self.names.prefix}",
            expression=clean.expression,
            enabled=clean.enabled,
            target=_start(cleaning, dead_letters, {}),
        )

    def _mark_due(self, dead_letters: sqs.Queue) -> targets.Universal:
        """The scheduler itself writes the item: who starts a run for it would meet the lock of another."""
        table = self.names.control_table
        since = {"S": scheduler.ContextAttribute.scheduled_time}
        only_this = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [layout.TRAINING_DUE]}}
        return targets.Universal(
            service="dynamodb",
            action="putItem",
            input=scheduler.ScheduleTargetInput.from_object(
                {"TableName": table, "Item": {**due.KEY, "since": since}}
            ),
            policy_statements=[allow("dynamodb:PutItem", self.names.table_arn(table), conditions=only_this)],
            dead_letter_queue=dead_letters,
            retry_attempts=_STARTS,
            max_event_age=Duration.hours(2),
        )

    def _schedule(
        self,
        construct_id: str,
        *,
        name: str,
        description: str,
        expression: str,
        enabled: bool,
        target: targets.ScheduleTargetBase,
    ) -> None:
        zone = TimeZone.of(self.settings.schedule.time_zone)
        scheduler.Schedule(
            self,
            construct_id,
            schedule_name=name,
            description=description,
            schedule=scheduler.ScheduleExpression.expression(expression, zone),
            enabled=enabled,
            target=target,
        )


def _start(
    state_machine: sfn.StateMachine, dead_letters: sqs.Queue, given: Mapping[str, object]
) -> targets.StepFunctionsStartExecution:
    return targets.StepFunctionsStartExecution(
        state_machine,
        input=scheduler.ScheduleTargetInput.from_object(given),
        dead_letter_queue=dead_letters,
        retry_attempts=_STARTS,
        max_event_age=Duration.hours(2),
    )
