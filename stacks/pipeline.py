"""The workflow `pipeline` and the schedule that starts it."""

from __future__ import annotations

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from config.settings import Settings
from stacks.parts.stack import EnvironmentStack
from stacks.parts.workflow import Workflow
from stacks.workflows import pipeline


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
        self._schedule(workflow.state_machine)

    def _schedule(self, state_machine: sfn.StateMachine) -> None:
        schedule = self.settings.schedule
        dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=self.names.schedule_dead_letters,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        start = targets.StepFunctionsStartExecution(
            state_machine,
            input=scheduler.ScheduleTargetInput.from_object(
                {"mode": "auto", "scheduled_time": scheduler.ContextAttribute.scheduled_time}
            ),
            dead_letter_queue=dead_letters,
            retry_attempts=5,
            max_event_age=Duration.hours(2),
        )
        scheduler.Schedule(
            self,
            "Schedule",
            schedule_name=self.names.schedule,
            description=f"Starts a run of {self.names.prefix}",
            schedule=scheduler.ScheduleExpression.expression(
                schedule.expression, TimeZone.of(schedule.time_zone)
            ),
            enabled=schedule.enabled,
            target=start,
        )
