"""What outlives everything else: the key, the buckets and the tables."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from config import layout
from config.settings import Settings
from stacks.parts.access import own_account
from stacks.parts.buckets import KEEP_DAYS, KEEP_PUBLISHED_DAYS, RunBucket
from stacks.parts.stack import FORGETTING_SECRET_ARN, KEY_ARN, EnvironmentStack

LOG_KEY_ACTIONS = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
]


class StorageStack(EnvironmentStack):
    part = "storage"

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Key, buckets and tables")
        key = self._encryption_key()
        self.publish(KEY_ARN, key.key_arn)

        # RAW_EVENTS is the log's history, which each export adds to: it never expires.
        RunBucket(
            self,
            "Raw",
            name=self.names.raw_bucket,
            key=key,
            expiring={f"{form.top}/": KEEP_DAYS for form in self._expiring},
        )
        datasets = RunBucket(
            self, "Datasets", name=self.names.datasets_bucket, key=key, expiring={"": KEEP_DAYS}
        )
        datasets.allow_personalize("s3:GetObject", "s3:ListBucket")
        results = RunBucket(
            self,
            "Results",
            name=self.names.results_bucket,
            key=key,
            expiring={
                f"{layout.RUN_FOLDER.top}/": KEEP_DAYS,
                f"{layout.PUBLISH.top}/": KEEP_PUBLISHED_DAYS,
            },
        )
        results.allow_personalize("s3:GetObject", "s3:ListBucket", "s3:PutObject")

        self._table(
            "Recommendations", self.names.recommendations_table, sort_key=layout.SK, ttl=layout.EXPIRES
        )
        self._table("UserState", self.names.user_state_table, ttl=layout.EXPIRES)
        self._table("Control", self.names.control_table, ttl=layout.EXPIRES)
        self.publish(FORGETTING_SECRET_ARN, self._forgetting_secret(key).secret_arn)

    @property
    def _expiring(self) -> list[layout.Form]:
        streamed = self.settings.datasets.streams
        return [layout.RAW_TABLE, layout.LOG_EXPORT, *([layout.STREAM_QUARANTINE] if streamed else [])]

    def _forgetting_secret(self, key: kms.Key) -> secretsmanager.Secret:
        """Lives as long as the hashes that were made with it: another one would let everybody in again."""
        return secretsmanager.Secret(
            self,
            "Forgetting",
            secret_name=self.names.forgetting_secret,
            description="Hashes the ids of forgotten users",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True
            ),
            removal_policy=self.removal_policy,
        )

    def _encryption_key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=self.names.prefix,
            description=f"Data of {self.names.prefix}",
            enable_key_rotation=True,
            removal_policy=self.removal_policy,
        )
        for statement in self._key_statements():
            key.add_to_resource_policy(statement)
        return key

    def _key_statements(self) -> list[iam.PolicyStatement]:
        """Services that use the key as themselves. In a key policy `*` means this key."""
        account, region = self.settings.account, self.settings.region
        for_personalize = own_account(account, self.names.personalize_arn("*"))
        use = ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:ListGrants"]
        log_groups = f"arn:aws:logs:{region}:{account}:log-group:/aws-glue/jobs/*"
        return [
            _service("Personalize", "personalize", use, for_personalize),
            # A grant lets Personalize decrypt the dataset group after the call that created it has ended.
            _service("PersonalizeGrants", "personalize", ["kms:CreateGrant"], for_personalize),
            _service(
                "GlueLogs",
                f"logs.{region}",
                LOG_KEY_ACTIONS,
                {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
            ),
            # Alarms publish to the encrypted topic.
            _service("Alarms", "cloudwatch", ["kms:Decrypt", "kms:GenerateDataKey"], own_account(account)),
        ]

    def _table(
        self, construct_id: str, name: str, *, sort_key: str | None = None, ttl: str | None = None
    ) -> None:
        text = dynamodb.AttributeType.STRING
        dynamodb.Table(
            self,
            construct_id,
            table_name=name,
            partition_key=dynamodb.Attribute(name=layout.PK, type=text),
            sort_key=dynamodb.Attribute(name=sort_key, type=text) if sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=ttl,
            deletion_protection=self.protected,
            removal_policy=self.removal_policy,
        )


def _service(
    sid: str, service: str, actions: list[str], conditions: dict[str, object]
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
        actions=actions,
        resources=["*"],
        conditions=conditions,
    )
