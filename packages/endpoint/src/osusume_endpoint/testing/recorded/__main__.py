"""`python -m osusume_endpoint.testing.recorded CHECKOUT`: prints how many scenarios are equal, and what differs."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from osusume_endpoint.testing import running

SUITE = "tests/aws/services/stepfunctions/v2"
PLUGINS = "iam,cloudformation,cloudwatch,lambda,dynamodb,s3,stepfunctions"
PLUGIN = "osusume_endpoint.testing.recorded.plugin"
# Best first. "not served" are scenarios of services, operations or fixtures that aren't here.
OUTCOMES = ("equal", "text only", "ends the same", "differs", "refused", "not served")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if not (options.checkout / SUITE).is_dir():
        print(
            f"{options.checkout}: no {SUITE} there; give a checkout of localstack/localstack", file=sys.stderr
        )
        return 2
    with tempfile.TemporaryDirectory() as folder:
        home, report = Path(folder, "home"), Path(folder, "report.json")
        (home / "log").mkdir(parents=True)
        with running.running(home, plugins=PLUGINS) as endpoint:
            asked = [str(Path(SUITE, part)) for part in options.only or [""]]
            _run(options.checkout, asked, options.k, home=home, url=endpoint.url, report=report)
        found = json.loads(report.read_text()) if report.is_file() else []
    if options.details:
        options.details.write_text(json.dumps(found, indent=1))
    print(_table(found))
    return 0 if found else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m osusume_endpoint.testing.recorded", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of github.com/localstack/localstack")
    parser.add_argument("--only", nargs="*", help=f"files or folders in {SUITE}")
    parser.add_argument("-k", default="", help="pytest's choice by name")
    parser.add_argument("--details", type=Path, help="a file for every scenario's outcome and differences")
    return parser


def _run(checkout: Path, asked: list[str], chosen: str, *, home: Path, url: str, report: Path) -> None:
    """Runs in a process of its own: the checkout's package has the name of ours, tests."""
    options = [
        "-q",
        "-n",
        "0",
        "--noconftest",
        "--tb=no",
        "--continue-on-collection-errors",
        "-p",
        "no:cacheprovider",
        "-p",
        PLUGIN,
    ]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir=.", "-c", os.devnull, *asked]
    environment = {
        **os.environ,
        "OSUSUME_HOME": str(home),
        "OSUSUME_RECORDED_REPORT": str(report),
        "AWS_ENDPOINT_URL": url,
        "PYTHONPATH": os.pathsep.join([".", *(str(Path(each).resolve()) for each in sys.path if each)]),
    }
    chosen_by = ["-k", chosen] if chosen else []
    subprocess.run([*command, *chosen_by], cwd=checkout, env=environment, check=False)


def _table(found: list[dict[str, Any]]) -> str:
    counts = Counter(each["outcome"] for each in found)
    lines = [f"{outcome:<14}{counts[outcome]:>5}" for outcome in OUTCOMES]
    ran = [each for each in found if each["outcome"] != "not served"]
    families = Counter(each["family"] for each in ran if each["outcome"] not in ("equal", "text only"))
    lines += ["", *(f"{number:>5}  {family}" for family, number in families.most_common(30))]
    return "\n".join([f"{len(found)} scenarios, {len(ran)} ran", *lines])


if __name__ == "__main__":
    sys.exit(main())
