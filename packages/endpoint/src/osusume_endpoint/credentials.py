"""An access key of the endpoint."""

from __future__ import annotations

from typing import NamedTuple


class Credentials(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None = None

    def boto3(self) -> dict[str, str | None]:
        """Keyword arguments of boto3.client and boto3.Session."""
        return {
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "aws_session_token": self.token,
        }

    def environment(self) -> dict[str, str]:
        values = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return {**values, "AWS_SESSION_TOKEN": self.token} if self.token else values
