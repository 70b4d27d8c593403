"""What IAM checks on AWS and ministack does not."""

from __future__ import annotations

from local.aws import calls
from local.aws.endpoint import Endpoint
from local.aws.iam import encryption, leading_keys, pass_role


def install(endpoint: Endpoint) -> None:
    calls.interceptors += [pass_role.intercept, encryption.intercept]
    leading_keys.install()
