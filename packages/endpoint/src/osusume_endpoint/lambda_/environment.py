"""The environment variables of a function's process: Lambda's own, the function's, and a few of ours.

Ours: AWS_ENDPOINT_URL (so that boto3 finds the endpoint), and a patience that fits a busy machine. The function's own
win. Nothing of this process's environment is passed on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.network import placed
from osusume_endpoint.network.model import Place

# Names that Lambda reserves: CreateFunction refuses them.
RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


# Each gives the process of a function, or of a build, more variables of ours: by its place in a VPC, and by the values
# of its variables.
contributors: list[Callable[[Place | None, Collection[str]], Mapping[str, str]]] = []


def variables(
    config: dict[str, Any], *, endpoint: Endpoint, credentials: Credentials, code: Path, temporary: Path
) -> dict[str, str]:
    own = (config.get("Environment") or {}).get("Variables") or {}
    place, told = placed.of_function(config), set(own.values())
    return {
        **_lambda_defaults(config, endpoint=endpoint, code=code),
        **_ours(endpoint),
        **{name: str(value) for name, value in own.items() if name not in RESERVED},
        **credentials.environment(),
        "TMPDIR": str(temporary),
        **{name: value for contribute in contributors for name, value in contribute(place, told).items()},
    }


def _lambda_defaults(config: dict[str, Any], *, endpoint: Endpoint, code: Path) -> dict[str, str]:
    name, version = config["FunctionName"], config.get("Version", "$LATEST")
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"
    return {
        "_HANDLER": config.get("Handler", "index.handler"),
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', 'python3.13')}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_REGION": endpoint.region,
        "LAMBDA_TASK_ROOT": str(code),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
    }


def _ours(endpoint: Endpoint) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        # A laptop that trains and serves on two cores is slower than DynamoDB: do not call that a fault.
        "READ_TIMEOUT_MS": "2000",
        "ANSWER_WITHIN_MS": "5000",
    }
