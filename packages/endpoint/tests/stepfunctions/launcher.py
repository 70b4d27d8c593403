"""ministack with the Step Functions plug-in only: `python -m tests.stepfunctions.launcher HOME PORT`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from osusume_endpoint import endpoint as endpoints
from osusume_endpoint import server
from osusume_endpoint.endpoint import Endpoint

REGION, ACCOUNT = "us-east-1", "123456789012"


def main(home: Path, port: int) -> None:
    os.environ.update(server.environment(home=home, port=port, region=REGION, account=ACCOUNT))
    url = f"http://127.0.0.1:{port}"
    endpoint = Endpoint(url=url, port=port, region=REGION, account=ACCOUNT, home=home, wait_scale=0.01)
    endpoints.activate(endpoint)
    from osusume_endpoint import hooks
    from osusume_endpoint.stepfunctions import plugin

    hooks.install()
    plugin.install(endpoint)
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "WARNING"
    await serve(app.app, config)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
