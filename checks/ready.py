"""`python -m checks.ready [environment]`: refuses what config/ still has of the example; `make deploy` asks it first.

Synthesis takes the example's values, so that the templates can be looked at and tried before anything is written.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from config import files
from config.settings import Settings, load

ACCOUNTS = ("111111111111", "222222222222")
# Names that belong to nobody (RFC 2606).
_NOBODYS = re.compile(r"[^@]*@(?:.+\.)?(?:example\.(?:com|net|org)|.+\.(?:example|invalid|test))")
_ITEM = re.compile(r"default-item-\d+")


def left(settings: Settings) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """(key, value, cure) of each value that is an example's."""
    if settings.account in ACCOUNTS:
        yield ("account",), settings.account, "write the number of your AWS account, in quotes"
    items = [item for item in settings.api.default_items if _ITEM.fullmatch(item)]
    if items:
        shown = f"{items[0]}, ... ({len(items)} of {len(settings.api.default_items)} items)"
        cure = "write ids of items that your shop always has, best first"
        yield ("api", "default_items"), shown, cure
    for section in ("alerts", "budget"):
        email = getattr(settings, section).email or ""
        if _NOBODYS.fullmatch(email):
            yield (section, "email"), email, "write an address that somebody reads, or null"


def refusals(environment: str, folder: Path | None = None) -> list[str]:
    """One line each, with file, key, value and cure. Raises ConfigError."""
    place = folder or files.folder()
    holder = files.read(environment, place).holder
    return [
        f"{holder(key)}: {'.'.join(key)} = {value}: this is the example's: {cure}"
        for key, value, cure in left(load(environment, place))
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.ready", description=__doc__)
    parser.add_argument("environment", nargs="?", default=os.environ.get("OSUSUME_ENV", "dev"))
    environment = parser.parse_args().environment
    found = refusals(environment)
    sys.stderr.writelines(f"{line}\n" for line in found)
    if found:
        print(f"{environment} is not deployed: {len(found)} value(s) are the example's", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
