"""Who the server is to AWS: the application, for the API; a reader, for the console. Neither may more than it shows."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from config.names import Names
from config.settings import Settings
from operations.place import Place
from osusume_endpoint.endpoint import Credentials, Endpoint

SESSION_SECONDS = 3600
_EARLY_SECONDS = 300.0  # before its end a session is replaced


def application(names: Names) -> str:
    return names.of("storefront")


def reader(names: Names) -> str:
    return names.of("console")


def statements(names: Names) -> list[dict[str, Any]]:
    """What the console reads. The users of the databases may only read, too."""
    buckets = [f"arn:aws:s3:::{bucket}" for bucket in (names.datasets_bucket, names.results_bucket)]
    secrets = [
        f"arn:aws:secretsmanager:{names.region}:{names.account}:secret:{names.aurora_reader_secret}-??????"
    ]
    tables = [names.table_arn(table) for table in (names.recommendations_table, names.control_table)]
    watched = ["states:ListExecutions", "states:DescribeExecution", "states:GetExecutionHistory"]
    return [
        _allow([*watched, "logs:FilterLogEvents"], "*"),
        _allow(["s3:ListBucket"], *buckets),
        _allow(["s3:GetObject"], *(f"{bucket}/*" for bucket in buckets)),
        _allow(["dynamodb:GetItem"], *tables),
        _allow(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], *secrets),
        _allow(["rds-data:ExecuteStatement", "rds:DescribeDBClusters"], "*"),
        _allow(["cloudformation:ListStackResources"], "*"),
        _allow(["kms:Decrypt"], "*"),
    ]


def _allow(actions: list[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def ensure(endpoint: Endpoint, names: Names) -> None:
    """Makes both roles, or brings them up to date."""
    iam = endpoint.client("iam")
    _make(iam, application(names), account=endpoint.account)
    # Nothing to call yet where the stack of the API is not deployed.
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        iam.attach_role_policy(
            RoleName=application(names),
            PolicyArn=f"arn:aws:iam::{endpoint.account}:policy/{names.caller_policy}",
        )
    _make(iam, reader(names), account=endpoint.account)
    policy = {"Version": "2012-10-17", "Statement": statements(names)}
    iam.put_role_policy(RoleName=reader(names), PolicyName="console", PolicyDocument=json.dumps(policy))


def _make(iam: Any, name: str, *, account: str) -> None:
    trusted = {"AWS": f"arn:aws:iam::{account}:root"}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            Description="The storefront's server; made by the local runtime",
        )


@dataclass
class Session:
    """A role's credentials and clients; they are new before they end. Raises ClientError where they are refused."""

    endpoint: Endpoint
    role: str
    clock: Callable[[], float] = time.monotonic
    _credentials: Credentials | None = field(default=None, init=False)
    _until: float = field(default=0.0, init=False)
    _clients: dict[str, Any] = field(default_factory=dict, init=False)

    @property
    def credentials(self) -> Credentials:
        if self._credentials is None or self.clock() > self._until:
            self._until = self.clock() + SESSION_SECONDS - _EARLY_SECONDS
            self._clients.clear()
            self._credentials = self._assumed()
        return self._credentials

    def client(self, service: str) -> Any:
        credentials = self.credentials
        if service not in self._clients:
            self._clients[service] = self.endpoint.client(service, credentials)
        return self._clients[service]

    def _assumed(self) -> Credentials:
        arn = f"arn:aws:iam::{self.endpoint.account}:role/{self.role}"
        issued = self.endpoint.client("sts").assume_role(
            RoleArn=arn, RoleSessionName="storefront", DurationSeconds=SESSION_SECONDS
        )["Credentials"]
        return Credentials(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])


@dataclass(frozen=True)
class Seen(Place):
    """The environment as the console's role sees it. Its clients are the session's, which change."""

    def client(self, service: str) -> Any:
        return self.session.client(service)


def place(endpoint: Endpoint, settings: Settings) -> Place:
    return Seen(settings, Session(endpoint, reader(settings.names)))
