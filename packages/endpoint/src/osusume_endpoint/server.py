"""Configures ministack, installs our plug-ins and serves until told to stop."""

from __future__ import annotations

import asyncio
import faulthandler
import importlib
import logging
import os
import signal
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from osusume_endpoint import checkpoint, state
from osusume_endpoint import endpoint as endpoints
from osusume_endpoint.endpoint import Endpoint

# In this order: what is not served is refused first; IAM, as others build on it; the guard last, as it looks at what
# is left.
PLUGINS = (
    "osusume_endpoint.only.plugin",
    "osusume_endpoint.iam.plugin",
    "osusume_endpoint.cloudformation.plugin",
    "osusume_endpoint.cloudwatch.plugin",
    "osusume_endpoint.lambda_.plugin",
    "osusume_endpoint.dynamodb.plugin",
    "osusume_endpoint.s3.plugin",
    "osusume_endpoint.apigateway.plugin",
    "osusume_endpoint.appconfig.plugin",
    "osusume_endpoint.stepfunctions.plugin",
    "osusume_endpoint.scheduler.plugin",
    "osusume_endpoint.glue.plugin",
    "osusume_endpoint.rds.plugin",
    "osusume_endpoint.redshift.plugin",
    "osusume_endpoint.codebuild.plugin",
    "osusume_endpoint.personalize.plugin",
    "osusume_endpoint.quicksight.plugin",
    "osusume_endpoint.faults.plugin",
    "osusume_endpoint.guard.plugin",
)


def environment(*, home: Path, port: int, region: str, account: str) -> dict[str, str]:
    """ministack's settings. It reads them when it is imported."""
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": region,
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home / "s3"),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(home / "ministack"),
        "LAMBDA_EXECUTOR": "local",
        "LOG_LEVEL": os.environ.get("OSUSUME_LOG_LEVEL", "WARNING"),
        # No Docker: a socket of a daemon on this machine must not be used.
        "DOCKER_HOST": f"unix://{home}/no-docker.sock",
        "TMPDIR": str(home / "tmp"),
    }


def run(*, home: Path, port: int, region: str, account: str, wait_scale: float, supervisor: int) -> None:
    for folder in ("s3", "ministack", "log", "tmp"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    os.environ.update(environment(home=home, port=port, region=region, account=account))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        # ministack takes the key of its own environment for root's; nobody else's may be that.
        os.environ.pop(name, None)
    tempfile.tempdir = None  # read TMPDIR again
    endpoint = Endpoint(
        url=f"http://127.0.0.1:{port}",
        port=port,
        region=region,
        account=account,
        home=home,
        wait_scale=wait_scale,
        log=home / "log",
    )
    endpoints.activate(endpoint)
    install_plugins(endpoint)
    checkpoint.install()
    asyncio.run(_serve(endpoint, supervisor=supervisor))


def install_plugins(endpoint: Endpoint) -> None:
    """Installs the wanted plug-ins in the order of PLUGINS."""
    from osusume_endpoint import hooks

    hooks.install()
    for name in wanted_plugins():
        importlib.import_module(name).install(endpoint)


def wanted_plugins() -> list[str]:
    """Every plug-in, or those named in OSUSUME_PLUGINS (iam,glue,...)."""
    chosen = [name for name in os.environ.get("OSUSUME_PLUGINS", "").split(",") if name]
    return [name for name in PLUGINS if not chosen or name.split(".")[1].rstrip("_") in chosen]


async def _serve(endpoint: Endpoint, *, supervisor: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    config = Config()
    config.bind = [f"127.0.0.1:{endpoint.port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    config.graceful_timeout = 1
    config.shutdown_timeout = 5
    faulthandler.register(signal.SIGUSR1)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, stop.set)
    ready = asyncio.create_task(_announce(endpoint, supervisor=supervisor))
    await serve(app.app, config, shutdown_trigger=stop.wait)
    ready.cancel()
    # Leaving the ordinary way would wait for every worker thread; the supervisor ends our children.
    logging.shutdown()
    os._exit(0)


async def _announce(endpoint: Endpoint, *, supervisor: int) -> None:
    """Writes the state file once the port answers: that is the sign of readiness."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        break
    state.save(
        endpoint.home,
        state.State(
            pid=supervisor,
            server_pid=os.getpid(),
            port=endpoint.port,
            url=endpoint.url,
            region=endpoint.region,
            account=endpoint.account,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )
