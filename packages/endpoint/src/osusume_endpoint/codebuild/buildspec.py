"""A build's specification: the phases' commands as one shell script, which tells what it does on descriptor 3.

Sources: CodeBuild user guide, "Build specification reference for CodeBuild" (version 0.2: one shell for all commands)
and "Build phase transitions".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
_TOP = frozenset(["version", "env", "phases", "run-as"])
_ENV = frozenset(["shell", "variables", "exported-variables"])
_PHASE = frozenset(["runtime-versions", "commands", "finally", "on-failure"])
SHELLS = {"sh": "/bin/sh", "bash": "/bin/bash"}


class BuildspecInvalid(ValueError):
    """CodeBuild would refuse it, or the local endpoint has not what it asks for; the message says which."""


@dataclass(frozen=True)
class Phase:
    name: str
    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()


@dataclass(frozen=True)
class Buildspec:
    phases: tuple[Phase, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    shell: str = "/bin/sh"


def read(text: str) -> Buildspec:
    """Raises BuildspecInvalid."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecInvalid(f"YAML_FILE_ERROR: {error}") from None
    if not isinstance(content, dict):
        raise BuildspecInvalid("YAML_FILE_ERROR: the buildspec is no mapping with version and phases")
    if str(content.get("version")) != "0.2":
        raise _not_emulated(f"version {content.get('version')}", "0.2")
    _check_names(content, _TOP, "the buildspec")
    if "run-as" in content:
        raise _not_emulated("run-as", "builds as one user")
    return _read(content)


def _read(content: Mapping[str, Any]) -> Buildspec:
    env, phases = content.get("env") or {}, content.get("phases") or {}
    _check_names(env, _ENV, "env")
    unknown = sorted(set(phases) - set(PHASES))
    if unknown or not phases:
        raise BuildspecInvalid(f"YAML_FILE_ERROR: phases are {', '.join(PHASES)}, not {', '.join(unknown)}")
    shell = str(env.get("shell", "sh"))
    if shell not in SHELLS:
        raise _not_emulated(f"env.shell {shell}", ", ".join(SHELLS))
    return Buildspec(
        phases=tuple(_phase(name, phases.get(name) or {}) for name in PHASES),
        variables={str(name): str(value) for name, value in (env.get("variables") or {}).items()},
        exported=_exported(env),
        shell=SHELLS[shell],
    )


def _exported(env: Mapping[str, Any]) -> tuple[str, ...]:
    """They become words of the script and names of files."""
    names = tuple(map(str, env.get("exported-variables") or ()))
    wrong = [name for name in names if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)]
    if wrong:
        raise BuildspecInvalid(
            f"YAML_FILE_ERROR: {', '.join(wrong)} of exported-variables is no variable's name"
        )
    return names


def _phase(name: str, content: Mapping[str, Any]) -> Phase:
    _check_names(content, _PHASE, f"phases.{name}")
    if str(content.get("on-failure", "ABORT")) != "ABORT":
        raise _not_emulated(f"phases.{name}.on-failure {content['on-failure']}", "ABORT")
    other = sorted(set(content.get("runtime-versions") or {}) - {"python"})
    if other:
        raise _not_emulated(f"runtime-versions {', '.join(other)}", "python, of this environment's version")
    return Phase(name, _commands(content, "commands"), _commands(content, "finally"))


def _commands(content: Mapping[str, Any], key: str) -> tuple[str, ...]:
    listed = content.get(key) or []
    if not isinstance(listed, list):
        raise BuildspecInvalid(f"YAML_FILE_ERROR: {key} is no list of commands")
    return tuple(map(str, listed))


def _check_names(content: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(set(content) - known)
    if unknown:
        raise _not_emulated(f"{', '.join(unknown)} of {where}", ", ".join(sorted(known)))


def _not_emulated(what: str, supported: str) -> BuildspecInvalid:
    return BuildspecInvalid(f"{what} is not emulated by the local endpoint; it runs {supported}")


def script(spec: Buildspec) -> str:
    """The whole build. Reports are lines: `begin PHASE`, `failed STATUS COMMAND`, `end PHASE`, and `done` at the end.

    At its end the exported variables stand in files of their names in $OSUSUME_LOCAL_EXPORTS.
    """
    return "\n".join([_HEAD, *(line for phase in spec.phases for line in _of_phase(phase)), *_exports(spec)])


# In this shell and not in a function's: what a command exports, and where it goes, holds for all that follow.
_HEAD = """_osusume_stop=""
"""


def _of_phase(phase: Phase) -> Iterator[str]:
    if phase.name != "post_build":
        # After a failed install or pre_build nothing follows; after a failed build, post_build does.
        yield 'if [ -z "$_osusume_stop" ]; then'
    else:
        yield 'if [ -z "$_osusume_stop" ] || [ "$_osusume_stop" = build ]; then'
    yield f'echo "begin {phase.name}" >&3; _osusume_failed=""'
    for command in phase.commands:
        yield f'if [ -z "$_osusume_failed" ]; then\n{_command(command)}\nfi'
    yield from map(_command, phase.finally_)
    yield f'[ -z "$_osusume_failed" ] || [ -n "$_osusume_stop" ] || _osusume_stop={phase.name}'
    yield 'export CODEBUILD_BUILD_SUCCEEDING="$([ -z "$_osusume_stop" ] && echo 1 || echo 0)"'
    yield f'echo "end {phase.name}" >&3\nfi'


def _command(command: str) -> str:
    quoted = shlex.quote(command)
    told = shlex.quote(" ".join(command.split()))
    return (
        f"printf '%s\\n' \"[Container] Running command \"{told}\n"
        f"eval {quoted} 3>&-\n"
        "_osusume_status=$?\n"
        'if [ "$_osusume_status" -ne 0 ]; then _osusume_failed=1; '
        f"printf 'failed %s %s\\n' \"$_osusume_status\" {told} >&3; fi"
    )


def _exports(spec: Buildspec) -> Iterator[str]:
    for name in spec.exported:
        yield f'printf "%s" "${{{name}-}}" > "$OSUSUME_LOCAL_EXPORTS/{name}"'
    yield "echo done >&3"
