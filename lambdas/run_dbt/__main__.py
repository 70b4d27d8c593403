"""The function's work as a program, for a build of CodeBuild: `RUN_ID=… python -m lambdas.run_dbt`.

What went wrong is written to the file `failure`, too: a build tells its caller no more of a command than its status.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lambdas.run_dbt import handler

FAILURE = Path("failure")
CHARACTERS = 2000  # the workflow cuts causes at 3,000, and says more than this


def main() -> int:
    try:
        handler.run(os.environ["RUN_ID"])
    except Exception as error:
        FAILURE.write_text(f"{type(error).__name__}: {error}"[:CHARACTERS])
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
