"""`osusume-endpoint`: the endpoint without a template.

osusume-endpoint personalize --port 4570    # Amazon Personalize alone, in the foreground
eval "$(osusume-endpoint env)"              # in another shell: any SDK finds it
osusume-endpoint serve                      # every service that is emulated
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osusume_endpoint import __main__ as whole
from osusume_endpoint import state
from osusume_endpoint.endpoint import Endpoint

HOME = ".osusume-endpoint"
PORT = 4570
PLUGINS = ("iam", "personalize", "only")
# Personalize reads and writes S3 with a role, so these belong to it.
SERVICES = ("personalize", "personalize-runtime", "personalize-events", "s3", "iam", "sts")
# What an import, an export or a batch job needs, made at the start: a bucket and a role of this name.
READY_MADE = "personalize"
_ACTIONS = ("s3:GetObject", "s3:ListBucket", "s3:PutObject")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.environ["OSUSUME_HOME"] = str(options.home or os.environ.get("OSUSUME_HOME") or HOME)
    try:
        return int(options.run(options))
    except state.NotRunning as error:
        print(
            f"{error.home}: nothing runs there. Start it with `osusume-endpoint personalize`.",
            file=sys.stderr,
        )
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="osusume-endpoint", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    personalize = commands.add_parser("personalize", help="serve Amazon Personalize alone, until Ctrl-C")
    personalize.set_defaults(run=run_personalize)
    serve = commands.add_parser("serve", help="serve everything, until Ctrl-C")
    serve.set_defaults(run=run_whole)
    for command in (personalize, serve):
        command.add_argument("--port", type=int, default=PORT, help=f"0 takes a free one (default: {PORT})")
        command.add_argument("--region", default="us-east-1")
        command.add_argument("--account", default="111111111111")
    env = commands.add_parser("env", help="print export lines for a shell: addresses and credentials")
    env.set_defaults(run=run_env)
    for command in (personalize, serve, env):
        command.add_argument(
            "--home", type=Path, help=f"what is remembered, and the credentials (default: {HOME} here)"
        )
    return parser


def run_personalize(options: argparse.Namespace) -> int:
    os.environ |= {"OSUSUME_PLUGINS": ",".join(PLUGINS), "OSUSUME_SERVICES": ",".join(SERVICES)}
    return _serve(options, prepare=True)


def run_whole(options: argparse.Namespace) -> int:
    return _serve(options, prepare=False)


def _serve(options: argparse.Namespace, *, prepare: bool) -> int:
    given = ["--account", options.account, "--region", options.region, "--port", str(options.port)]
    return whole.main(
        given, beside=lambda: threading.Thread(target=_welcome, args=(prepare,), daemon=True).start()
    )


def _welcome(prepare: bool) -> None:
    """Runs beside the server: once it answers, makes what imports need, and says where it is."""
    home = state.home()
    while (current := state.load(home)) is None or current.server_pid != os.getpid():
        time.sleep(0.01)
    endpoint = endpoint_of(current, home)
    if prepare:
        make_ready(endpoint)
        print(f"bucket {READY_MADE}, role {role_arn(endpoint)}")
    print(
        f'{endpoint.url} is ready: eval "$(osusume-endpoint env --home {shlex.quote(str(home))})"', flush=True
    )


def endpoint_of(current: state.State, home: Path) -> Endpoint:
    return Endpoint(
        url=current.url, port=current.port, region=current.region, account=current.account, home=home
    )


def role_arn(endpoint: Endpoint) -> str:
    return f"arn:aws:iam::{endpoint.account}:role/{READY_MADE}"


def make_ready(endpoint: Endpoint) -> None:
    """The bucket and the role that Personalize reads and writes it with. Leaves those alone that are there."""
    s3, iam = endpoint.client("s3"), endpoint.client("iam")
    if READY_MADE not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        # Named where no region is meant, us-east-1's buckets have no location.
        where = {"CreateBucketConfiguration": {"LocationConstraint": endpoint.region}}
        s3.create_bucket(Bucket=READY_MADE, **(where if endpoint.region != "us-east-1" else {}))
        s3.put_bucket_policy(Bucket=READY_MADE, Policy=_document({"Service": "personalize.amazonaws.com"}))
    if READY_MADE not in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "personalize.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        iam.create_role(RoleName=READY_MADE, AssumeRolePolicyDocument=_policy(trust))
        iam.put_role_policy(RoleName=READY_MADE, PolicyName="data", PolicyDocument=_document(None))


def _document(principal: Mapping[str, str] | None) -> str:
    """What may be done with the bucket: by the principal in its own policy, or by whom the policy is attached to."""
    resources = [f"arn:aws:s3:::{READY_MADE}", f"arn:aws:s3:::{READY_MADE}/*"]
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(_ACTIONS), "Resource": resources}
    return _policy({**statement, "Principal": principal} if principal else statement)


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def run_env(options: argparse.Namespace) -> int:
    home = state.home()
    endpoint = endpoint_of(state.running(home), home)
    for name, value in variables(endpoint).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def variables(endpoint: Endpoint) -> dict[str, str]:
    """Addresses by service, so that what else a program calls goes where it went before."""
    addresses = {f"AWS_ENDPOINT_URL_{name.upper().replace('-', '_')}": endpoint.url for name in SERVICES}
    region = {"AWS_REGION": endpoint.region, "AWS_DEFAULT_REGION": endpoint.region}
    role = {"PERSONALIZE_BUCKET": READY_MADE, "PERSONALIZE_ROLE_ARN": role_arn(endpoint)}
    return {**addresses, **region, **endpoint.administrator.environment(), **role}


if __name__ == "__main__":
    raise SystemExit(main())
