"""A started endpoint and boto3 clients of it, for the tests of Glue, RDS and Redshift."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from osusume_endpoint import administrator
from osusume_endpoint.endpoint import Credentials

ACCOUNT, REGION = "111111111111", "ap-northeast-1"
PLUGINS = "iam,cloudformation,glue,rds,redshift"


@dataclass(frozen=True)
class Cloud:
    url: str
    home: Path
    process: subprocess.Popen[bytes]

    @functools.cache  # noqa: B019 - lives as long as the tests
    def client(self, service: str, role: str = "") -> Any:
        """A client of the administrator, or of the role."""
        keys = Credentials(*administrator.read(self.home)).boto3()
        if role:
            arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
            session = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
            keys = {
                "aws_access_key_id": session["AccessKeyId"],
                "aws_secret_access_key": session["SecretAccessKey"],
                "aws_session_token": session["SessionToken"],
            }
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)  # type: ignore[call-overload]

    def role(self, name: str, *, service: str, actions: list[str], resource: Any = "*") -> str:
        principals = {"Service": service, "AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        trust = {"Statement": [{"Effect": "Allow", "Principal": principals, "Action": "sts:AssumeRole"}]}
        policy = {"Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        return str(role["Arn"])

    def bucket(self, name: str) -> str:
        where = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
        return name

    def put(self, bucket: str, key: str, body: bytes | str) -> None:
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def keys(self, bucket: str, prefix: str) -> list[str]:
        found = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]

    def deploy(
        self, name: str, resources: dict[str, Any], outputs: dict[str, Any] | None = None
    ) -> dict[str, str]:
        """The outputs; raises with the stack's events when it failed."""
        cloudformation = self.client("cloudformation")
        shown = {key: {"Value": value} for key, value in (outputs or {}).items()}
        body = json.dumps({"Resources": resources, **({"Outputs": shown} if shown else {})})
        cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        stack = wait_for(
            lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0],
            lambda s: not s["StackStatus"].endswith("PROGRESS"),
        )
        if stack["StackStatus"] != "CREATE_COMPLETE":
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            raise RuntimeError(
                [e.get("ResourceStatusReason") for e in events if e.get("ResourceStatusReason")]
            )
        return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}

    def delete(self, name: str) -> None:
        cloudformation = self.client("cloudformation")
        identifier = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=name)
        look = lambda: cloudformation.describe_stacks(StackName=identifier)["Stacks"][0]["StackStatus"]  # noqa: E731
        status = wait_for(look, lambda seen: not seen.endswith("PROGRESS"))
        if status != "DELETE_COMPLETE":
            raise RuntimeError(f"{name}: {status}")


def wait_for(look: Callable[[], Any], done: Callable[[Any], bool], *, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if done(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(0.05)


@contextmanager
def running(home: Path, *, plugins: str = PLUGINS) -> Iterator[Cloud]:
    environment = {
        **os.environ,
        "OSUSUME_HOME": str(home),
        "OSUSUME_VALIDATE_RESPONSES": "1",
        "OSUSUME_PORT": "0",
        "OSUSUME_PLUGINS": plugins,
    }
    command = [sys.executable, "-m", "osusume_endpoint", "--account", ACCOUNT, "--region", REGION]
    with (home / "endpoint.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        state = home / "state.json"
        wait_for(lambda: state.exists() or process.poll() is not None, bool, seconds=60)
        if not state.exists():
            raise RuntimeError((home / "endpoint.log").read_text()[-3000:])
        yield Cloud(url=json.loads(state.read_text())["url"], home=home, process=process)
    finally:
        process.terminate()
        process.wait(20)
