"""`python -m tests.mutations [kind ...]`: every mutation, what noticed it, and what escaped."""

from __future__ import annotations

import argparse
import collections
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.mutations import corpus
from tests.mutations.mutation import ESCAPED, Mutation, reason_of, shipped, unused_escapes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("kinds", nargs="*", help="only these kinds, such as statement-removed")
    parser.add_argument("--escaped", action="store_true", help="print what escaped and nothing else")
    given = parser.parse_args()
    started = time.monotonic()
    results = []
    for mutation, rule in verdicts(given.kinds):
        results.append((mutation, rule))
        if rule == ESCAPED or not given.escaped:
            print(f"{mutation.id:<110} {rule}{_reason(mutation, rule)}", flush=True)
    escaped = [mutation for mutation, rule in results if rule == ESCAPED]
    unexplained = [mutation for mutation in escaped if reason_of(mutation) is None]
    unused = [] if given.kinds else unused_escapes(escaped)
    _summary(results, len(escaped), len(unexplained), time.monotonic() - started)
    for pattern in unused:
        print(f"escapes.yaml: nothing escapes as {pattern!r} any more: take it away")
    return 1 if unexplained or unused else 0


def verdicts(kinds: list[str]) -> Iterator[tuple[Mutation, str]]:
    """In one process a processor; the shipped templates are synthesized once, before they part."""
    shipped()
    chosen = [m for m in corpus.mutations() if not kinds or m.kind in kinds]
    with ProcessPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        rules = pool.map(_verdict, [kinds] * len(chosen), range(len(chosen)), chunksize=8)
        yield from zip(chosen, rules, strict=True)


def _verdict(kinds: list[str], position: int) -> str:
    """Mutations hold functions, which can't be sent: the processes find them by their place."""
    chosen = [m for m in corpus.mutations() if not kinds or m.kind in kinds]
    return chosen[position].noticed(True) or ESCAPED


def _reason(mutation: Mutation, rule: str) -> str:
    return f" ({reason_of(mutation) or 'no reason given'})" if rule == ESCAPED else ""


def _summary(results: list[tuple[Mutation, str]], escaped: int, unexplained: int, seconds: float) -> None:
    rules = collections.Counter(rule for _, rule in results)
    print()
    for rule, count in rules.most_common():
        print(f"{count:>6}  {rule}")
    print(
        f"\n{len(results)} mutations, {len(results) - escaped} noticed by {len(rules) - bool(escaped)} rules, "
        f"{escaped} escaped, {unexplained} without a reason; {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
