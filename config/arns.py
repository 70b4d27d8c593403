"""What is named by its ARN lies where the services look for it: in the region, mostly in the account.

A client asks its own region, so an ARN of another one is not found, or refused, on the first run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.settings import Settings


def check(settings: Settings) -> None:
    """Raises ValueError that names key, value and cure."""
    for key, arn in _of_the_region(settings):
        region = arn.split(":")[3]
        if region != settings.region:
            raise ValueError(
                f"{key} is {arn!r}, which lies in region {region}, but region is {settings.region!r}: name one there"
            )
    for key, arn in _of_the_account(settings):
        account = arn.split(":")[4]
        if account != settings.account:
            raise ValueError(
                f"{key} is {arn!r}, which belongs to account {account}, but account is {settings.account!r}: name one "
                "of it"
            )
    _check_secret(settings)


def _of_the_region(settings: Settings) -> Iterator[tuple[str, str]]:
    aurora, log = settings.sources.aurora, settings.sources.application_log
    found = {
        "sources.aurora.secret_arn": aurora and aurora.secret_arn,
        "sources.aurora.secret_key_arn": aurora and aurora.secret_key_arn,
        "sources.application_log.stream_arn": log and log.stream_arn,
        "etl.bootstrap_key_arn": settings.etl.bootstrap_key_arn,
        "analytics.quicksight.secret_arn": settings.analytics.quicksight.secret_arn,
    }
    yield from ((key, arn) for key, arn in found.items() if arn)


def _of_the_account(settings: Settings) -> Iterator[tuple[str, str]]:
    """QuickSight's users have the region of their identities, which may be another; a table has its own stream."""
    log, dashboards = settings.sources.application_log, settings.analytics.quicksight
    if log and log.stream_arn:
        yield "sources.application_log.stream_arn", log.stream_arn
    if dashboards.principal_arn:
        yield "analytics.quicksight.principal_arn", dashboards.principal_arn
    for arn in dashboards.viewer_arns:
        yield "analytics.quicksight.viewer_arns", arn


def _check_secret(settings: Settings) -> None:
    """Secrets Manager user guide, "Access from a different account": the account's own key opens it for nobody else."""
    aurora = settings.sources.aurora
    if aurora is None or aurora.secret_arn is None or aurora.secret_key_arn is not None:
        return
    account = aurora.secret_arn.split(":")[4]
    if account != settings.account:
        raise ValueError(
            f"sources.aurora.secret_arn is {aurora.secret_arn!r} of account {account}, and only a KMS key of its own "
            "lets another account read it: name that key in sources.aurora.secret_key_arn"
        )
