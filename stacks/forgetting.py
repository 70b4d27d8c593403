"""Forgetting a user: the function that removes, and the workflow `forget`."""

from __future__ import annotations

from aws_cdk import Duration, Size
from constructs import Construct

from config.settings import Settings
from lambdas.shared.environment import packed
from stacks.parts import access
from stacks.parts.access import Statement, allow
from stacks.parts.function import PythonFunction
from stacks.parts.layer import ParquetLayer, RuntimeLayer
from stacks.parts.stack import WAREHOUSE_SECRET_ARN, WORKGROUP_ARN, EnvironmentStack
from stacks.parts.workflow import Workflow
from stacks.workflows import forget, prepare

OF_STATEMENTS = ("DescribeStatement", "GetStatementResult")


class ForgettingStack(EnvironmentStack):
    part = "forgetting"
    needs = ("storage", "analytics", "training")

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Forgetting users")
        self._forget_users()
        Workflow(
            self,
            "Forget",
            name="forget",
            definition=forget.definition(settings),
            statements=forget.statements(settings, key_arn=self.key_arn),
        )

    def _forget_users(self) -> None:
        names, settings = self.names, self.settings
        PythonFunction(
            self,
            "ForgetUsers",
            name="forget_users",
            layers=[RuntimeLayer(self), ParquetLayer(self)],
            environment={
                "CONTROL_TABLE": names.control_table,
                "RECOMMENDATIONS_TABLE": names.recommendations_table,
                "USER_STATE_TABLE": names.user_state_table,
                "APPLICATION_LOG_TABLE": self.settings.application_log_table if self._has_log else "",
                "RAW_BUCKET": names.raw_bucket,
                "DATASETS_BUCKET": names.datasets_bucket,
                "RESULTS_BUCKET": names.results_bucket,
                "KEY_ARN": self.key_arn,
                **self._where_warehouse(),
                "LOG_RETENTION_DAYS": str(settings.log_retention_days),
                "USER_COLUMNS": packed(settings.user_columns),
                "USER_LISTS": packed(_lists(settings, of_users=True)),
                "OTHER_LISTS": packed(_lists(settings, of_users=False)),
            },
            # Files are scanned eight at a time, and lie on the disk while they are.
            memory_size=1769,
            storage=Size.gibibytes(10),
            timeout=Duration.minutes(15),
            statements=[*self._tables(), *self._files(), *self._warehouse(), self._key_use()],
        )

    @property
    def _has_log(self) -> bool:
        return self.settings.sources.application_log is not None

    def _where_warehouse(self) -> dict[str, str]:
        """Empty values without one: the function leaves it out."""
        given = self.settings.analytics.enabled
        return {
            "WAREHOUSE_WORKGROUP": self.names.warehouse if given else "",
            "WAREHOUSE_DATABASE": self.settings.analytics.database if given else "",
            "WAREHOUSE_SECRET_ARN": self.read(WAREHOUSE_SECRET_ARN) if given else "",
        }

    def _tables(self) -> list[Statement]:
        names = self.names
        return [
            allow(
                ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Scan"],
                names.table_arn(names.control_table),
            ),
            # Users are members of segments too, whose keys say nothing of them.
            allow(
                ["dynamodb:Query", "dynamodb:Scan", "dynamodb:BatchWriteItem"],
                names.table_arn(names.recommendations_table),
            ),
            allow("dynamodb:BatchWriteItem", names.table_arn(names.user_state_table)),
            *self._remove_events(),
        ]

    def _remove_events(self) -> list[Statement]:
        """A table whose key does not begin with the user is scanned."""
        if not self._has_log:
            return []
        calls = ("DescribeTable", "Query", "Scan", "BatchWriteItem")
        return [allow([f"dynamodb:{name}" for name in calls], prepare.table_arn(self.settings))]

    def _files(self) -> list[Statement]:
        names = self.names
        buckets = [
            f"arn:aws:s3:::{bucket}"
            for bucket in (names.raw_bucket, names.datasets_bucket, names.results_bucket)
        ]
        on_objects = [
            "s3:GetObjectVersion",
            "s3:PutObject",
            "s3:DeleteObjectVersion",
            "s3:AbortMultipartUpload",
        ]
        return [
            allow("s3:ListBucketVersions", *buckets),
            allow(on_objects, *(f"{bucket}/*" for bucket in buckets)),
        ]

    def _warehouse(self) -> list[Statement]:
        if not self.settings.analytics.enabled:
            return []
        return [
            allow("redshift-data:ExecuteStatement", self.read(WORKGROUP_ARN)),
            # Statements have no ARN; the Data API shows them to the role that started them, and to no other.
            allow([f"redshift-data:{name}" for name in OF_STATEMENTS], "*"),
            allow("secretsmanager:GetSecretValue", self.read(WAREHOUSE_SECRET_ARN)),
        ]

    def _key_use(self) -> Statement:
        """Files and the warehouse's secret, and the ids of requests."""
        return access.encrypt_and_decrypt(self.key_arn)


def _lists(settings: Settings, *, of_users: bool) -> list[str]:
    return [one.name for one in settings.solutions if (one.for_each == "user") is of_users]
