"""The Spark worker: `python -m osusume_endpoint.glue.runner <scratch folder> <result fd> <settings>`.

Single use. It starts the JVM and a session, says {"ready": true} on the result pipe, waits for one
JSON line on stdin (see Order), runs the script and reports {"state": ..., "error": ...}. When stdin closes,
the endpoint is gone and the whole process group ends at once.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, NoReturn, TextIO

from osusume_endpoint import paths, private

HIDDEN = frozenset(["osusume_endpoint", "osusume_engine"])
SHIM = Path(__file__).parent / "shim"
ERROR_LENGTH = 2000  # of the 2,048 or so that Glue keeps


@dataclass(frozen=True)
class Order:
    """One job run. Paths are local; `modules` are the files of --extra-py-files.

    `cut_off` are databases that the job's network doesn't reach, and why.
    """

    script: str
    arguments: list[str]
    environment: dict[str, str]
    modules: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    conf: dict[str, str] = field(default_factory=dict)
    cut_off: dict[str, str] = field(default_factory=dict)


def main(arguments: list[str]) -> NoReturn:
    private.close_to_others()
    scratch, report = Path(arguments[0]), os.fdopen(int(arguments[1]), "w", buffering=1)
    settings = json.loads(arguments[2])
    control = _take_over_stdin()
    spark = _prepare(scratch, conf=settings["conf"], warm=settings["warm"])
    print(json.dumps({"ready": True}), file=report, flush=True)
    line = control.readline()
    if not line:
        _end(1)
    threading.Thread(target=_end_with_parent, args=(control,), daemon=True).start()
    result = run(Order(**json.loads(line)), spark=spark, scratch=scratch)
    sys.stdout.flush()
    sys.stderr.flush()
    print(json.dumps(result), file=report, flush=True)
    _end(0)


def _take_over_stdin() -> TextIO:
    """Scripts get an empty stdin; the control pipe moves to another descriptor."""
    control = os.fdopen(os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    return control


def _prepare(scratch: Path, *, conf: Mapping[str, str], warm: bool) -> Any:
    # Imported before the order comes, so that the script's own imports find them loaded.
    import boto3  # noqa: F401
    from pyspark.sql import SparkSession, Window, functions, types  # noqa: F401

    from osusume_endpoint.glue import jdbc, jvm

    jvm.start(conf=conf, scratch=scratch)
    spark = jvm.session()
    if warm:
        jvm.warm_up(spark, scratch)
    jdbc.install()
    return spark


def run(order: Order, *, spark: Any, scratch: Path) -> dict[str, str]:
    """Run the script as Glue would and say how it ended."""
    try:
        _apply(order, spark=spark, scratch=scratch)
        runpy.run_path(order.script, run_name="__main__")
    except SystemExit as leaving:
        if leaving.code in (None, 0):
            return {"state": "SUCCEEDED"}
        return {"state": "FAILED", "error": f"SystemExit: {leaving.code}"}
    except BaseException as error:
        traceback.print_exc()
        return {"state": "FAILED", "error": describe(error)}
    return {"state": "SUCCEEDED"}


def _apply(order: Order, *, spark: Any, scratch: Path) -> None:
    from osusume_endpoint.glue import jdbc, s3bridge

    jdbc.cut_off.update(order.cut_off)
    os.environ.update(order.environment)
    work = scratch / "work"
    work.mkdir(exist_ok=True)
    os.chdir(work)
    for file in order.files:
        paths.inside(work, Path(file).name).symlink_to(file)
    s3bridge.install(s3bridge.Bridge(client=_s3_client, stage=scratch / "s3"))
    for name, value in order.conf.items():
        spark.conf.set(name, value)
    _set_import_path(order)
    for module in order.modules:
        spark.sparkContext.addPyFile(module)
    sys.argv = [order.script, *order.arguments]


def _s3_client() -> Any:
    import boto3

    return boto3.client("s3")


def _set_import_path(order: Order) -> None:
    """A script must not see the endpoint: on Glue it has only its own modules."""
    sys.meta_path.insert(0, _Hider())
    kept = [part for part in sys.path if part and Path(part).resolve() != Path.cwd()]
    sys.path[:] = [*order.modules, str(SHIM), *kept]
    os.environ["PYTHONPATH"] = os.pathsep.join([*order.modules, str(SHIM)])


class _Hider(MetaPathFinder):
    """The endpoint's packages, which are installed here and not on Glue."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname in HIDDEN:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def describe(error: BaseException) -> str:
    """The line that Glue shows as ErrorMessage."""
    name = type(error).__name__
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("\tat ")]
    return f"{name}: {' '.join(lines)}"[:ERROR_LENGTH]


def _end_with_parent(control: TextIO) -> None:
    control.read()
    _end(1)


def _end(code: int) -> NoReturn:
    """The JVM and Python workers are in this process group."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
