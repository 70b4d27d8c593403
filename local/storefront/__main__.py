"""`python -m local.storefront --environment dev`: the server beside a running endpoint. It ends with the endpoint."""

from __future__ import annotations

import argparse
import os
import threading
import time

from config.settings import load
from local import cli
from local.storefront import process, roles, versions
from local.storefront.guard import Guard
from local.storefront.people import People
from local.storefront.proxy import Api
from local.storefront.server import Served, listening
from local.storefront.site import Site
from local.storefront.versions import Rollback
from osusume_endpoint import private, processes, state
from osusume_endpoint.endpoint import Endpoint

LOOK_SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environment", required=True)
    environment = parser.parse_args().environment
    private.close_to_others()
    home = state.home()
    current = state.running(home)
    threading.Thread(target=_end_with, args=(current.pid,), daemon=True).start()
    endpoint = cli.endpoint_of(current, home)
    port, token = process.wanted(home, current.port)
    server = listening(port)
    guard = Guard(port=server.server_port, token=token)
    server.served = Served(site=site(endpoint, environment), guard=guard)
    process.save(home, process.Running(os.getpid(), environment, guard.port, guard.token))
    server.serve_forever()


def site(endpoint: Endpoint, environment: str) -> Site:
    settings = load(environment)
    roles.ensure(endpoint, settings.names)
    application = roles.Session(endpoint, roles.application(settings.names))
    place = roles.place(endpoint, settings)
    return Site(
        settings=settings,
        api=Api(
            url=cli.api_url(endpoint), region=endpoint.region, credentials=lambda: application.credentials
        ),
        people=People(place),
        place=place,
        rollback=Rollback(place=place, command=versions.run),
        jobs=endpoint.home / "log" / "glue",
    )


def _end_with(pid: int) -> None:
    while processes.is_alive(pid):
        time.sleep(LOOK_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
