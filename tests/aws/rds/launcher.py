"""The endpoint with IAM, CloudFormation and the three data plug-ins: `python -m tests.aws.rds.launcher`."""

from __future__ import annotations

import sys

from local.aws import __main__ as endpoint_command
from local.aws import server

WANTED = ("iam", "cloudformation", "glue", "rds", "redshift")

if __name__ == "__main__":
    server.PLUGINS = tuple(name for name in server.PLUGINS if name.split(".")[2] in WANTED)
    raise SystemExit(endpoint_command.main(sys.argv[1:]))
