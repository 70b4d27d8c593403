"""The buckets of a run: private, TLS only, encrypted with the environment's key, versioned."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from stacks.parts.access import own_account
from stacks.parts.stack import EnvironmentStack

KEEP_DAYS = 90
# Of what the lists were made of: when a version gives way, its files name the lists that may expire.
KEEP_PUBLISHED_DAYS = 730


class RunBucket(s3.Bucket):
    """`expiring` says how many days objects below a prefix live ("" is all); what was overwritten lives 30 more."""

    def __init__(
        self,
        scope: EnvironmentStack,
        construct_id: str,
        *,
        name: str,
        key: kms.IKey,
        expiring: Mapping[str, int],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            bucket_name=name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            removal_policy=scope.removal_policy,
            lifecycle_rules=[_leftovers(), *(_expire(*rule) for rule in expiring.items())],
        )
        self._stack = scope

    def allow_personalize(self, *actions: str) -> None:
        """Personalize reads and writes as the service itself too, not only through its role."""
        settings = self._stack.settings
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Personalize",
                principals=[iam.ServicePrincipal("personalize.amazonaws.com")],
                actions=list(actions),
                resources=[self.bucket_arn, self.arn_for_objects("*")],
                conditions=own_account(settings.account, settings.names.personalize_arn("*")),
            )
        )


def _leftovers() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="leftovers",
        noncurrent_version_expiration=Duration.days(30),
        abort_incomplete_multipart_upload_after=Duration.days(1),
        expired_object_delete_marker=True,
    )


def _expire(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id=f"expire-{prefix.strip('/') or 'all'}", prefix=prefix or None, expiration=Duration.days(days)
    )
