"""Log groups with a retention and the environment's removal policy."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.parts.stack import EnvironmentStack


class LogGroup(logs.LogGroup):
    def __init__(
        self, scope: Construct, stack: EnvironmentStack, *, name: str, construct_id: str = "Logs"
    ) -> None:
        super().__init__(scope, construct_id, log_group_name=name, removal_policy=stack.removal_policy)
        # Not `retention=`: its enumeration would repeat the days that the settings have checked.
        resource = self.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        resource.retention_in_days = stack.settings.log_retention_days
