"""Resources of others that an environment reads, in place of those that it would make: what was recorded of ours is
asked of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator

from checks.assembly import Assembly, once


def shown(assembly: Assembly, arn: str) -> str:
    """The ARN, of theirs where one of theirs is read."""
    for own, theirs in _pairs(assembly):
        if arn == own or arn.startswith(f"{own}/"):
            return f"{theirs}{arn.removeprefix(own)}"
    return arn


def stands_for(assembly: Assembly, name: str) -> bool:
    """Whether one of theirs is read in place of ours of this name."""
    return any(own.endswith(f"/{name}") for own, _ in _pairs(assembly))


@once
def _pairs(assembly: Assembly) -> tuple[tuple[str, str], ...]:
    """(ARN of ours, ARN of theirs): the application's log and its stream, and the secret that the extraction reads.

    Of two that fit the first one counts.
    """
    where = f"{assembly.region}:{assembly.account}"
    tables, secrets = f"arn:aws:dynamodb:{where}:table/", f"arn:aws:secretsmanager:{where}:secret:"
    log, secret = f"{assembly.prefix}-application-log", f"{assembly.prefix}/aurora-reader"
    return (
        *((f"{tables}{log}/stream/x", arn) for arn in _streams(assembly, without=f"{tables}{log}/")),
        *((f"{tables}{log}", f"{tables}{name}") for name in _logs(assembly) if name != log),
        *((f"{secrets}{secret}-000000", arn) for arn in _secrets(assembly) if arn.startswith("arn:")),
    )


def _logs(assembly: Assembly) -> Iterator[str]:
    """Names of the log's table, as functions are told of it; none where there is no log."""
    functions = assembly.each("AWS::Lambda::Function")
    told = (
        one.get("Environment", {}).get("Variables", {}).get("APPLICATION_LOG_TABLE")
        for _, _, one in functions
    )
    yield from dict.fromkeys(str(name) for name in told if name)


def _streams(assembly: Assembly, *, without: str) -> Iterator[str]:
    for _, _, mapping in assembly.each("AWS::Lambda::EventSourceMapping"):
        arn = str(mapping.get("EventSourceArn"))
        if arn.startswith("arn:aws:dynamodb:") and not arn.startswith(without):
            yield arn


def _secrets(assembly: Assembly) -> Iterator[str]:
    for _, _, job in assembly.each("AWS::Glue::Job"):
        if "--secret_name" in job.get("DefaultArguments", {}):
            yield str(job["DefaultArguments"]["--secret_name"])
