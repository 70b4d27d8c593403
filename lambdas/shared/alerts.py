"""Mails of functions to the topic that the environment's alerts go to."""

from __future__ import annotations

from typing import Any

SUBJECT_CHARACTERS = 99  # of SNS: fewer than 100


def prefix_of(topic_arn: str) -> str:
    """The environment's prefix, such as `shop-dev`, which the topic's name begins with."""
    return topic_arn.rpartition(":")[2].removesuffix("-alerts")


def tell(sns: Any, topic_arn: str, *, subject: str, message: str) -> None:
    """A mail whose subject begins with the prefix, as those of the workflows do. Raises what SNS refuses."""
    opened = f"{prefix_of(topic_arn)}: {subject}"[:SUBJECT_CHARACTERS]
    sns.publish(TopicArn=topic_arn, Subject=opened, Message=message)
