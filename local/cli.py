"""`osusume`, or `python -m local`: the commands of the endpoint, and those that the modules of _parser() add."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from local import catalogue, console, users
from local import deploy as deployment
from local.repository import REPOSITORY
from local.storefront import process as storefront
from operations import place as places
from operations.place import Place
from osusume_endpoint import lodging, private, processes, state
from osusume_endpoint.endpoint import Endpoint
from stacks.synthesis import SynthesisFailed, synthesize

START_SECONDS = 60.0


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.environ.setdefault("OSUSUME_HOME", str(REPOSITORY / ".local"))
    private.close_to_others()
    try:
        return int(options.run(options) or 0)
    except (
        catalogue.CatalogueFailed,
        ConfigError,
        state.NotRunning,
        deployment.DeployFailed,
        private.NotPrivate,
        StartFailed,
        SynthesisFailed,
        storefront.NotStarted,
    ) as error:
        print(error, file=sys.stderr)
        return 1


class StartFailed(RuntimeError):
    """The endpoint did not come up; the message holds the end of its log."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=console.name(), description="The local runtime")
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start the endpoint and deploy cdk.out into it")
    up.add_argument("--no-deploy", action="store_true", help="start an empty endpoint")
    up.add_argument("--environment", help="synthesize config/<environment>.yaml first; else take --cdk-out")
    add_port(up)
    up.set_defaults(run=run_up)
    deploy = commands.add_parser("deploy", help="deploy cdk.out into the running endpoint")
    deploy.set_defaults(run=run_deploy)
    for command in (up, deploy):
        command.add_argument("--cdk-out", type=Path, default=REPOSITORY / "cdk.out")
    commands.add_parser("down", help="stop everything").set_defaults(run=run_down)
    commands.add_parser(
        "clean", help="forget the databases that lie outside of the state folder"
    ).set_defaults(run=run_clean)
    commands.add_parser("env", help="print export lines for a shell").set_defaults(run=run_env)
    commands.add_parser("catalogue", help="describe every mart and column, in one file").set_defaults(
        run=run_catalogue
    )
    commands.add_parser("status", help="what runs, and the deployed stacks").set_defaults(run=run_status)
    for name in (
        "local.demo",
        "local.rehearsal",
        "local.chaos",
        "local.why",
        "local.acting",
        "local.comparison.command",
        "local.month",
    ):
        _register(name, commands)
    return parser


def add_port(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--port", type=int, help="of the endpoint; 0 takes a free one (default: $OSUSUME_PORT, or 4566)"
    )


def _register(name: str, commands: Any) -> None:
    """Sub-commands of a package that needs this one."""
    importlib.import_module(name).register(commands)


def endpoint_of(current: state.State, home: Path) -> Endpoint:
    """The running endpoint, seen from another process."""
    return Endpoint(
        url=current.url, port=current.port, region=current.region, account=current.account, home=home
    )


def run_up(options: argparse.Namespace) -> int:
    started = time.monotonic()
    home = private.secure(state.home())
    if getattr(options, "environment", None):
        options.cdk_out = home / "cdk.out"
        synthesize(environment=options.environment, folder=options.cdk_out)
        private.secure(options.cdk_out)  # Node copies files with the modes that they have here
    assembly = None if options.no_deploy else deployment.read_assembly(options.cdk_out)
    current = _running_on(home, options.port) or start(
        home=home,
        port=options.port,
        account=assembly.account if assembly else "111111111111",
        region=assembly.region if assembly else "ap-northeast-1",
    )
    print(f"endpoint {current.url} ({current.account}, {current.region}), {time.monotonic() - started:.1f} s")
    if assembly:
        _deploy(assembly, home=home)
    if getattr(options, "environment", None):
        _write_dashboards(options.environment)
        show_pages(options.environment)
    seconds = f"{time.monotonic() - started:.1f} s"
    print(f'ready in {seconds}; `eval "$(make -s env)"` points a shell at it')
    return 0


def _write_dashboards(environment: str) -> None:
    """The page of what an earlier run left in the warehouse."""
    from local import dashboards

    dashboards.write_if_filled(operator_place(environment))


def show_pages(environment: str) -> None:
    """Starts the storefront and says where it and the console are. Raises NotStarted."""
    say_pages(storefront.start(state.home(), environment))


def say_pages(running: storefront.Running) -> None:
    shop, console_page = running.addresses
    print(f"storefront {shop}\nconsole    {console_page}", flush=True)


def operator_place(environment: str) -> Place:
    """The running endpoint as its operator reaches it. Raises NotRunning, Refused and ConfigError."""
    home = state.home()
    current = state.running(home)
    os.environ.update(environment_variables(endpoint_of(current, home), current))
    return places.reached(environment)


def _running_on(home: Path, port: int | None) -> state.State | None:
    """The endpoint that runs already. Raises StartFailed when it listens on another port than the wanted one."""
    current = state.load(home)
    if current and port and current.port != port:
        raise StartFailed(
            f"--port {port}: an endpoint runs on {current.url} already: stop it with `make down`"
        )
    return current


def start(*, home: Path, account: str, region: str, port: int | None = None) -> state.State:
    """Starts the endpoint in the background and waits until it answers. Raises StartFailed."""
    log = home / "log" / "endpoint.log"
    command = [sys.executable, "-m", "osusume_endpoint", "--account", account, "--region", region]
    command += [] if port is None else ["--port", str(port)]
    environment = {**os.environ, "OSUSUME_HOME": str(home)}
    pid = processes.start_detached(command, log=log, environment=environment)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (current := state.load(home)) and current.pid == pid:
            return current
        if not processes.is_alive(pid):
            break
        time.sleep(0.02)
    processes.terminate(pid)
    raise StartFailed(f"The endpoint did not start; the end of {log}:\n{_tail(log)}")


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def run_deploy(options: argparse.Namespace) -> int:
    _deploy(deployment.read_assembly(options.cdk_out), home=state.home())
    return 0


def _deploy(assembly: deployment.Assembly, *, home: Path) -> None:
    endpoint = endpoint_of(state.running(home), home)
    deployment.deploy(assembly=assembly, endpoint=endpoint)
    environment = environment_name(assembly)
    users.ensure_operator(endpoint, environment=environment)
    state.update(home, environment=environment)


def environment_name(assembly: deployment.Assembly) -> str:
    """The stage in the stacks' names: osusume-<environment>-<stack>; "local" when they have none."""
    parts = assembly.stacks[0].name.split("-")
    return parts[1] if len(parts) > 2 else "local"


def run_down(options: argparse.Namespace) -> int:
    home = state.home()
    current = state.load(home)
    storefront.stop(home)
    if current is None:
        print("Nothing runs.")
        return 0
    processes.terminate(current.pid)
    state.path(home).unlink(missing_ok=True)
    print(f"Stopped {current.url}.")
    return 0


def run_clean(options: argparse.Namespace) -> int:
    home = state.home()
    if current := state.load(home):
        print(f"{current.url} still runs: `make down` first.", file=sys.stderr)
        return 1
    lodging.discard(home / "postgres")
    return 0


def run_env(options: argparse.Namespace) -> int:
    home = state.home()
    current = state.running(home)
    for name, value in environment_variables(endpoint_of(current, home), current).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def environment_variables(endpoint: Endpoint, current: state.State) -> dict[str, str]:
    credentials = users.operator_credentials(endpoint, environment=current.environment or "local")
    variables = {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": endpoint.region,
        "AWS_DEFAULT_REGION": endpoint.region,
        **credentials.environment(),
    }
    api = api_url(endpoint)
    return {**variables, "OSUSUME_API_URL": api} if api else variables


def api_url(endpoint: Endpoint) -> str:
    """The URL of the deployed REST API; empty when there is none."""
    gateway = endpoint.client("apigateway")
    for api in gateway.get_rest_apis()["items"]:
        for stage in gateway.get_stages(restApiId=api["id"])["item"]:
            return f"{endpoint.url}/_aws/execute-api/{api['id']}/{stage['stageName']}"
    return ""


def run_catalogue(options: argparse.Namespace) -> int:
    folder = private.secure(state.home() / "dashboards")
    print(f"file://{catalogue.write(folder)}")
    return 0


def run_status(options: argparse.Namespace) -> int:
    home = state.home()
    current = state.running(home)
    endpoint = endpoint_of(current, home)
    print(f"{current.url}  pid {current.pid}  {current.account}/{current.region}  since {current.started}")
    pages = endpoint.client("cloudformation").get_paginator("describe_stacks").paginate()
    for stack in (stack for page in pages for stack in page["Stacks"]):
        print(f"  {stack['StackName']:<40} {stack['StackStatus']}")
    if running := storefront.found(home):
        say_pages(running)
    return 0
