"""Which Python, with its own Spark, runs the jobs of a version of Glue.

Two versions of Spark don't fit into one environment. Glue 5's is this process's own; Glue 6's lies beside it and is
installed on demand (`make spark4`), for it takes a gigabyte that few need.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

INSTALL = "make spark4"
# Written last, by what installs the environment: one that is half there is not installed.
READY = ".ready"


class NotInstalled(RuntimeError):
    """The environment of a version of Glue isn't there; the message names the cure."""


def spark_4() -> Path:
    """The folder of Spark 4's environment, there or not: OSUSUME_SPARK4, or beside this one, named after it."""
    return Path(os.environ.get("OSUSUME_SPARK4") or f"{sys.prefix}-spark4")


def _own() -> str:
    return sys.executable


def has_spark_4() -> bool:
    return (spark_4() / READY).is_file()


def _of_spark_4() -> str:
    folder = spark_4()
    if not has_spark_4():
        raise NotInstalled(f"needs Spark 4.1 and Python 3.13, which {folder} doesn't have: run `{INSTALL}`")
    return str(folder / "bin" / "python")


# AWS, "AWS Glue versions": 5.0 is Spark 3.5.4 and 5.1 is 3.5.6, on Python 3.11; 6.0 is Spark 4.1.1 on Python 3.13.
_OF_VERSION: Mapping[str, Callable[[], str]] = {"5.0": _own, "5.1": _own, "6.0": _of_spark_4}
VERSIONS = tuple(_OF_VERSION)


def python_of(version: str) -> str:
    """Path of the interpreter. Raises NotInstalled, and KeyError for a version that is not of VERSIONS."""
    return _OF_VERSION[version]()
