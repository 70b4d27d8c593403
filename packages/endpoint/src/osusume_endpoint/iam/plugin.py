"""What IAM checks on AWS and ministack does not."""

from __future__ import annotations

from osusume_endpoint import calls
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.iam import encryption, leading_keys, pass_role, statements
from osusume_endpoint.network import policies


def install(endpoint: Endpoint) -> None:
    calls.interceptors += [policies.intercept, pass_role.intercept, encryption.intercept]
    leading_keys.install()
    statements.install()
