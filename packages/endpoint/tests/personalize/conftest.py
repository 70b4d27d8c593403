"""A real endpoint with the Personalize plug-in, reached by boto3 clients."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT, REGION = "111111111111", "ap-northeast-1"
BUCKET = "personalize-tests"
SERVICE = "personalize.amazonaws.com"


@dataclass
class World:
    url: str
    names: int = 0
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, **keys: str) -> Any:
        keys = keys or {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local-administrator"}
        known = f"{service}|{sorted(keys.items())}"
        if known not in self.clients:
            self.clients[known] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
                **keys,
            )
        return self.clients[known]

    @property
    def personalize(self) -> Any:
        return self.client("personalize")

    @property
    def runtime(self) -> Any:
        return self.client("personalize-runtime")

    @property
    def events(self) -> Any:
        return self.client("personalize-events")

    @property
    def s3(self) -> Any:
        return self.client("s3")

    def name(self, base: str) -> str:
        self.names += 1
        return f"{base}-{self.names}"

    def put(self, key: str, text: str, bucket: str = BUCKET) -> str:
        self.s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        return f"s3://{bucket}/{key}"

    def get(self, key: str, bucket: str = BUCKET) -> str:
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def settled(self, describe: str, arn: str, timeout: float = 300) -> dict[str, Any]:
        """The resource once its state is final; `describe` is its name ("dataset_import_job")."""
        words = describe.split("_")
        member = words[0] + "".join(word.title() for word in words[1:])
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            shown = getattr(self.personalize, f"describe_{describe}")(**{f"{member}Arn": arn})[member]
            if "PENDING" not in shown["status"] and "IN_PROGRESS" not in shown["status"]:
                return shown
            time.sleep(0.05)
        raise AssertionError(f"{arn} is still {shown['status']}")

    def active(self, describe: str, arn: str) -> dict[str, Any]:
        shown = self.settled(describe, arn)
        assert shown["status"] == "ACTIVE", shown.get("failureReason", shown)
        return shown

    def gone(self, describe: str, arn: str) -> None:
        """Waits until a deleted resource is no longer found."""
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            for _ in range(600):
                self.settled(describe, arn)
                time.sleep(0.02)


def failure(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    """(code, message) of the refusal of a call."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def schema(name: str, *fields: dict[str, Any]) -> str:
    return json.dumps(
        {
            "type": "record",
            "name": name,
            "namespace": "com.amazonaws.personalize.schema",
            "fields": list(fields),
            "version": "1.0",
        }
    )


INTERACTIONS = schema(
    "Interactions",
    {"name": "USER_ID", "type": "string"},
    {"name": "ITEM_ID", "type": "string"},
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "EVENT_VALUE", "type": ["null", "float"]},
    {"name": "TIMESTAMP", "type": "long"},
)
ITEMS = schema(
    "Items",
    {"name": "ITEM_ID", "type": "string"},
    {"name": "GENRE", "type": ["null", "string"], "categorical": True},
    {"name": "PRICE", "type": "float"},
    {"name": "TITLE", "type": ["null", "string"], "textual": True},
)
USERS = schema("Users", {"name": "USER_ID", "type": "string"}, {"name": "AGE", "type": ["null", "int"]})


def interactions_csv(users: int = 60, items: int = 40, seed: int = 1) -> str:
    """Two tastes: even users like even items, odd users odd ones."""
    chance, lines = random.Random(seed), ["USER_ID,ITEM_ID,EVENT_TYPE,EVENT_VALUE,TIMESTAMP"]
    for user in range(users):
        for step in range(30):
            taste = user % 2 if chance.random() < 0.9 else 1 - user % 2
            item = 2 * int(chance.triangular(0, items // 2 - 1, 0)) + taste
            kind = "purchase" if chance.random() < 0.3 else "click"
            moment = 1_700_000_000 + step * 3600 + user
            lines.append(f"u{user},i{item},{kind},{chance.random():.2f},{moment}")
    return "\n".join(lines) + "\n"


def items_csv(items: int = 40) -> str:
    rows = (f"i{n},{'even' if n % 2 == 0 else 'odd'}|all,{n}.5,Item {n}" for n in range(items))
    return "ITEM_ID,GENRE,PRICE,TITLE\n" + "\n".join(rows) + "\n"


def users_csv(users: int = 60) -> str:
    return "USER_ID,AGE\n" + "\n".join(f"u{n},{n if n % 5 else ''}" for n in range(users)) + "\n"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("personalize")


def start_endpoint(home: Path, **environment: str) -> tuple[subprocess.Popen[bytes], str]:
    settings = {
        "OSUSUME_HOME": str(home),
        "OSUSUME_PORT": "0",
        "OSUSUME_PLUGINS": "iam,cloudformation,personalize",
        "OSUSUME_VALIDATE_RESPONSES": "1",
    }
    (home / "state.json").unlink(missing_ok=True)  # of one that was killed
    with (home / "endpoint.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "osusume_endpoint", "--account", ACCOUNT, "--region", REGION],
            env={**os.environ, **settings, **environment},
            stdout=log,
            stderr=log,
        )
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        state = home / "state.json"
        if state.exists():
            return process, json.loads(state.read_text())["url"]
        time.sleep(0.1)
    raise AssertionError((home / "endpoint.log").read_text())


def stop_endpoint(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture(scope="session")
def world(home: Path) -> Iterator[World]:
    process, url = start_endpoint(home)
    world = World(url)
    _prepare(world)
    yield world
    stop_endpoint(process)


def _prepare(world: World) -> None:
    world.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    world.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(bucket_policy(BUCKET)))


def bucket_policy(bucket: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def make_role(
    world: World, name: str, *, service: str = SERVICE, actions: tuple[str, ...] = ("s3:*",)
) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    iam = world.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
    iam.put_role_policy(RoleName=name, PolicyName="data", PolicyDocument=json.dumps(policy))
    return arn


@pytest.fixture(scope="session")
def role(world: World) -> str:
    return make_role(world, "personalize-service")


@dataclass
class Shop:
    """A dataset group with imported interactions, items and users."""

    group: str
    datasets: dict[str, str]
    role: str


def make_shop(world: World, role: str, name: str, *, kinds: tuple[str, ...]) -> Shop:
    sources = {
        "INTERACTIONS": (INTERACTIONS, interactions_csv()),
        "ITEMS": (ITEMS, items_csv()),
        "USERS": (USERS, users_csv()),
    }
    return make_group(world, role, name, {kind: sources[kind] for kind in kinds})


def make_group(world: World, role: str, name: str, sources: Mapping[str, tuple[str, str]]) -> Shop:
    """sources: the schema and the records of each dataset type."""
    api = world.personalize
    group = api.create_dataset_group(name=name)["datasetGroupArn"]
    world.active("dataset_group", group)
    datasets, jobs = {}, []
    for kind, (text, records) in sources.items():
        schema_arn = api.create_schema(name=f"{name}-{kind}", schema=text)["schemaArn"]
        dataset = api.create_dataset(
            name=kind.lower(), datasetType=kind, datasetGroupArn=group, schemaArn=schema_arn
        )["datasetArn"]
        world.active("dataset", dataset)
        datasets[kind] = dataset
        location = world.put(f"{name}/{kind}.csv", records)
        jobs.append(import_records(world, f"{name}-{kind}", dataset, location, role))
    for job in jobs:
        world.active("dataset_import_job", job)
    return Shop(group, datasets, role)


def import_records(world: World, name: str, dataset: str, location: str, role: str, **more: Any) -> str:
    arn: str = world.personalize.create_dataset_import_job(
        jobName=name, datasetArn=dataset, dataSource={"dataLocation": location}, roleArn=role, **more
    )["datasetImportJobArn"]
    return arn


@pytest.fixture(scope="session")
def shop(world: World, role: str) -> Shop:
    return make_shop(world, role, "shop", kinds=("INTERACTIONS", "ITEMS", "USERS"))


def untrained(world: World, shop: Shop, name: str, recipe: str, **more: Any) -> str:
    """The ARN of an ACTIVE solution without a version."""
    solution: str = world.personalize.create_solution(
        name=name,
        datasetGroupArn=shop.group,
        recipeArn=f"arn:aws:personalize:::recipe/{recipe}",
        performAutoTraining=False,
        **more,
    )["solutionArn"]
    world.active("solution", solution)
    return solution


def trained(world: World, shop: Shop, name: str, recipe: str, **more: Any) -> str:
    """The ARN of an ACTIVE solution version."""
    solution = untrained(world, shop, name, recipe, **more)
    version: str = world.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    world.active("solution_version", version)
    return version


def batch_output(
    world: World, shop: Shop, version: str, name: str, text: str, **more: Any
) -> list[dict[str, Any]]:
    """The lines that a batch inference job writes for the lines of `text`, to NAME/out/."""
    arn = world.personalize.create_batch_inference_job(
        jobName=name,
        solutionVersionArn=version,
        jobInput={"s3DataSource": {"path": world.put(f"{name}/in.json", text)}},
        jobOutput={"s3DataDestination": {"path": f"s3://{BUCKET}/{name}/out/"}},
        roleArn=shop.role,
        **more,
    )["batchInferenceJobArn"]
    world.active("batch_inference_job", arn)
    return [json.loads(line) for line in world.get(f"{name}/out/in.json.out").splitlines()]


@pytest.fixture(scope="session")
def personalization(world: World, shop: Shop) -> str:
    return trained(world, shop, "for-you", "aws-user-personalization-v2")


@pytest.fixture(scope="session")
def popularity(world: World, shop: Shop) -> str:
    return trained(world, shop, "popular", "aws-popularity-count")
