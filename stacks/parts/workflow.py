"""A Step Functions state machine from a plain definition, with exactly the permissions given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.parts.access import Statements, own_account, service_role
from stacks.parts.logs import LogGroup
from stacks.parts.stack import EnvironmentStack


class Workflow(Construct):
    """`definition` is Amazon States Language; its ARNs are literal, so linters can read what is deployed."""

    def __init__(
        self,
        scope: EnvironmentStack,
        construct_id: str,
        *,
        name: str,
        definition: Mapping[str, Any],
        statements: Statements,
    ) -> None:
        super().__init__(scope, construct_id)
        names, settings = scope.names, scope.settings
        group = LogGroup(self, scope, name=f"/aws/vendedlogs/states/{names.workflow(name)}")
        role = service_role(
            self,
            "Role",
            service="states.amazonaws.com",
            statements=statements,
            conditions=own_account(settings.account, names.workflow_arn("*")),
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=names.workflow(name),
            definition_body=sfn.DefinitionBody.from_string(json.dumps(definition, separators=(",", ":"))),
            role=role,
            # Errors with their input: what a person needs in order to know which file or job failed.
            logs=sfn.LogOptions(destination=group, level=sfn.LogLevel.ERROR, include_execution_data=True),
            tracing_enabled=True,
            removal_policy=RemovalPolicy.DESTROY,  # it holds nothing, and its name is fixed
        )
