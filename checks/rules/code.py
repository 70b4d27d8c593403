"""Functions and jobs against their code: handlers exist, variables, arguments and events are what code reads."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from checks import builds, parts
from checks.assembly import Assembly, Stack
from checks.finding import Finding
from checks.rule import Rule
from checks.simulation import visits
from config.limits import MAX_VARIABLES_BYTES
from lambdas.shared import environment

ROOT = Path(__file__).parents[2]
# Read by Lambda itself, Powertools or dbt rather than by the function's own type.
_READ_ELSEWHERE = frozenset(
    "POWERTOOLS_SERVICE_NAME POWERTOOLS_METRICS_NAMESPACE POWERTOOLS_LOG_LEVEL POWERTOOLS_DEV "
    "AWS_LAMBDA_EXEC_WRAPPER PYTHONPATH".split()
)
_FIRST_WITH_S3A, _NEWEST_GLUE = 5.1, "6.0"
_NAME_IN_LOGS = "POWERTOOLS_SERVICE_NAME"
_LEFT_TO_CODE = frozenset(["ANSWER_WITHIN_MS", "DBT_SCHEMA", "READ_TIMEOUT_MS"])  # the default stands
# Arguments that Glue itself reads (Glue developer guide, "Job parameters").
_OF_GLUE = (
    "--extra-py-files --job-language --enable-metrics --enable-observability-metrics "
    "--enable-continuous-cloudwatch-log --continuous-log-logGroup --enable-continuous-log-filter "
    "--TempDir --conf --additional-python-modules --extra-jars --enable-spark-ui --spark-event-logs-path "
    "--enable-job-insights --enable-auto-scaling --continuous-log-logStreamPrefix --class"
).split()


RULES = (
    Rule(
        "code-handler",
        "Every invocation fails: there is no such function.",
        "Correct Handler.",
        "lambdas/",
    ),
    Rule(
        "code-environment",
        "The function fails when it starts, or a variable is read by nothing.",
        "Give what the function's Environment type declares.",
        "lambdas/<name>/environment.py",
    ),
    Rule(
        "code-environment-size",
        "CloudFormation can't create the function, and rolls the stack back.",
        "Configure fewer solutions, bounds or fields.",
        'Lambda developer guide, "Lambda quotas": 4 KB for all environment variables of a function',
    ),
    Rule(
        "code-layers",
        "The function's packages are missing.",
        "Add the layer.",
        "lambdas/<name>/requirements.txt",
    ),
    Rule(
        "code-runtime",
        "The layer's compiled packages don't load.",
        "Use the layer's runtime and architecture.",
        'Lambda developer guide, "Layers"',
    ),
    Rule(
        "code-script",
        "Glue finds no script.",
        "Give the script's asset.",
        'Glue developer guide, "Job API"',
    ),
    Rule(
        "code-package",
        "The run fails: the package glue_jobs is not given.",
        "Give the package's zip by --extra-py-files.",
        'Glue developer guide, "Job parameters"',
    ),
    Rule(
        "code-arguments",
        "The run fails, or an argument is read by nothing.",
        "Give what ARGUMENTS of the script lists.",
        "glue_jobs/<job>.py",
    ),
    Rule(
        "code-spark-region",
        "From Glue 5.1 on Spark asks S3 in us-east-2, and uploads of a job in a VPC time out.",
        "Give --conf spark.hadoop.fs.s3a.endpoint.region with the stack's region.",
        'Glue user guide, "Migrating AWS Glue for Spark jobs to AWS Glue version 5.1"',
    ),
    Rule(
        "code-event",
        "The handler refuses its event.",
        "Pass the key that it reads.",
        "lambdas/<name>/handler.py",
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    return [*_functions(assembly), *_projects(assembly), *_jobs(assembly), *_payloads(assembly)]


def _functions(assembly: Assembly) -> Iterator[Finding]:
    spared = parts.variables(assembly)
    for stack, logical_id, function in assembly.each("AWS::Lambda::Function"):
        handler = str(function.get("Handler", ""))
        module, _, name = handler.rpartition(".")
        source = ROOT / f"{module.replace('.', '/')}.py"
        if not handler.startswith("lambdas."):
            continue
        if not source.is_file() or name not in _defined(source):
            why = f"there is no function {handler}: every invocation fails."
            yield Finding(stack.name, logical_id, "code-handler", why, "correct Handler.")
            continue
        for problem in _variables(module, function, spared):
            cure = "give the variable in the function's Environment."
            yield Finding(stack.name, logical_id, "code-environment", problem, cure)
        yield from _size(stack, logical_id, function)
        folder = source.parent
        wanted = 1 + (folder / "requirements.txt").is_file()
        if len(function.get("Layers", [])) < wanted:
            why = f"it has {len(function.get('Layers', []))} of {wanted} layers: its packages are missing."
            yield Finding(stack.name, logical_id, "code-layers", why, "add the layer.")
        for problem in _runtime(assembly, function):
            yield Finding(stack.name, logical_id, "code-runtime", problem, "use the layer's runtime.")


def _projects(assembly: Assembly) -> Iterator[Finding]:
    """A build runs the function's code, with the function's variables and one that the workflow gives."""
    spared = parts.variables(assembly)
    for stack, logical_id, project in builds.projects(assembly):
        module, _, name = str(project["Handler"]).rpartition(".")
        source = ROOT / f"{module.replace('.', '/')}.py"
        if not source.is_file() or name not in _defined(source):
            why = (
                f"no command of the build runs a module of lambdas/ ({project['Handler'] or 'python -m …'})."
            )
            yield Finding(stack.name, logical_id, "code-handler", why, "correct the command.")
            continue
        for problem in _variables(module, project, spared):
            cure = "give the variable in the project's Environment."
            yield Finding(stack.name, logical_id, "code-environment", problem, cure)
        for started in _builds(assembly, str(project["FunctionName"])):
            for variable in sorted(_asked(source) - started):
                why = f"a build of it is started without {variable}, which its program reads."
                cure = "give it in EnvironmentVariablesOverride."
                yield Finding(stack.name, logical_id, "code-event", why, cure)


def _builds(assembly: Assembly, project: str) -> Iterator[set[str]]:
    """Names of the variables with which workflows start the project's builds."""
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        if arguments.get("ProjectName") == project:
            yield {str(one.get("Name")) for one in arguments.get("EnvironmentVariablesOverride", [])}


def _asked(source: Path) -> set[str]:
    """What a program reads of its environment by itself: os.environ["NAME"]."""
    return {
        str(node.slice.value)
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and getattr(node.value, "attr", "") == "environ"
    }


@cache
def _defined(source: Path) -> frozenset[str]:
    tree = ast.parse(source.read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def _variables(module: str, function: Mapping[str, Any], spared: Set[str]) -> Iterator[str]:
    """`spared` are of parts that the environment does without."""
    kind = importlib.import_module(f"{module.rpartition('.')[0]}.environment").Environment
    given = {k: str(v) for k, v in function.get("Environment", {}).get("Variables", {}).items()}
    try:
        environment.read(kind, given)
    except environment.EnvironmentInvalid as error:
        yield f"{'; '.join(str(error).splitlines()[1:])}: the function fails when it starts."
    read = {field.name.upper() for field in fields(kind)}
    for name in sorted(set(given) - read):
        if name not in _READ_ELSEWHERE:
            yield f"{name} is given and nothing reads it."
    for name in sorted({_NAME_IN_LOGS, *read} - set(given) - _LEFT_TO_CODE - spared):
        yield f"{name} is not given: the code's default stands, which the templates always override."


def _size(stack: Stack, logical_id: str, function: Mapping[str, Any]) -> Iterator[Finding]:
    given = function.get("Environment", {}).get("Variables", {})
    whole = _measured(given)
    if whole > MAX_VARIABLES_BYTES:
        sizes = {name: _measured({name: value}) for name, value in given.items()}
        longest = max(sizes, key=lambda name: sizes[name])
        why = f"its variables have {whole:,} bytes of {MAX_VARIABLES_BYTES:,}, {longest} alone {sizes[longest]:,}."
        cure = f"configure less of what {longest} holds."
        yield Finding(stack.name, logical_id, "code-environment-size", why, cure)


def _measured(given: Mapping[str, Any]) -> int:
    """Lambda measures the JSON of all variables: quotes inside of values count twice ("String measured: {...}")."""
    return len(json.dumps({name: str(value) for name, value in given.items()}, separators=(",", ":")))


def _runtime(assembly: Assembly, function: Mapping[str, Any]) -> Iterator[str]:
    """Compiled packages fit one version of Python and one processor."""
    layers = {str(ref) for ref in function.get("Layers", [])}
    for stack, logical_id, layer in assembly.each("AWS::Lambda::LayerVersion"):
        if stack.resolver.name(logical_id) not in layers and stack.resolver.arn(logical_id) not in layers:
            continue
        if function.get("Runtime") not in layer.get("CompatibleRuntimes", [function.get("Runtime")]):
            yield f"runtime {function.get('Runtime')} is not one of layer {logical_id}."
        processors = function.get("Architectures", ["x86_64"])
        if not set(processors) <= set(layer.get("CompatibleArchitectures", processors)):
            yield f"architecture {processors} is not one of layer {logical_id}."


def _jobs(assembly: Assembly) -> Iterator[Finding]:
    started = _started(assembly)
    for stack, logical_id, job in assembly.each("AWS::Glue::Job"):
        script = ROOT / "glue_jobs" / f"{_script(job, assembly)}.py"
        if not script.is_file():
            continue
        given = set(job.get("DefaultArguments", {}))
        location = str(job.get("Command", {}).get("ScriptLocation", ""))
        if not location.startswith("s3://") or not location.endswith(".py"):
            why = f"its ScriptLocation is {location!r}: Glue finds no script."
            yield Finding(stack.name, logical_id, "code-script", why, "give the script's asset.")
        if "from glue_jobs" in script.read_text() and "--extra-py-files" not in given:
            why = f"{script.name} imports the package glue_jobs, which no --extra-py-files gives: the run fails."
            yield Finding(stack.name, logical_id, "code-package", why, "give the package's zip.")
        yield from _s3a_region(assembly.region, stack, logical_id, job)
        for arguments in started.get(str(job.get("Name")), [set()]):
            wanted = {f"--{name}" for name in _arguments(script)}
            for name in sorted(wanted - given - arguments):
                why = f"{script.name} reads {name}, which neither the job nor the workflow gives: the run fails."
                yield Finding(stack.name, logical_id, "code-arguments", why, f"give {name}.")
            for name in sorted((given | arguments) - wanted - set(_OF_GLUE)):
                why = f"{name} is given and {script.name} does not read it."
                yield Finding(stack.name, logical_id, "code-arguments", why, "correct the name.")


def _s3a_region(region: str, stack: Stack, logical_id: str, job: Mapping[str, Any]) -> Iterator[Finding]:
    """A job without a version gets the newest one, which has S3A too."""
    version = str(job.get("GlueVersion") or _NEWEST_GLUE)
    if not version.replace(".", "").isdigit() or float(version) < _FIRST_WITH_S3A:
        return
    conf = str(job.get("DefaultArguments", {}).get("--conf", ""))
    found = re.findall(r"(?:^|[\s=])spark\.hadoop\.fs\.s3a\.endpoint\.region=(\S+)", conf)
    if found != [region]:
        why = f"Glue {version} writes through S3A, whose region is {', '.join(found) or 'not given'}."
        cure = f"give --conf spark.hadoop.fs.s3a.endpoint.region={region}."
        yield Finding(stack.name, logical_id, "code-spark-region", why, cure)


def _script(job: Mapping[str, Any], assembly: Assembly) -> str:
    return str(job.get("Name")).removeprefix(f"{assembly.prefix}-").replace("-", "_")


@cache
def _arguments(script: Path) -> tuple[str, ...]:
    """The module's list ARGUMENTS."""
    for node in ast.parse(script.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ARGUMENTS":
            return tuple(ast.literal_eval(node.value))
    return ()


def _started(assembly: Assembly) -> dict[str, list[set[str]]]:
    """Names of the arguments with which workflows start each job."""
    found: dict[str, list[set[str]]] = {}
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        if ":glue:startJobRun" in str(visit.state.get("Resource")):
            found.setdefault(str(arguments.get("JobName")), []).append(set(arguments.get("Arguments", {})))
    return found


def _payloads(assembly: Assembly) -> Iterator[Finding]:
    """What a workflow passes has every key that the handler reads."""
    handlers = {
        stack.resolver.arn(logical_id): str(function.get("Handler", ""))
        for stack, logical_id, function in assembly.each("AWS::Lambda::Function")
    }
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        handler = handlers.get(str(arguments.get("FunctionName")), "")
        source = ROOT / f"{handler.rpartition('.')[0].replace('.', '/')}.py"
        payload = arguments.get("Payload", {})
        if not source.is_file() or not isinstance(payload, dict):
            continue
        for key, kind in sorted(_events(source)):
            if not isinstance(payload.get(key), str if kind == "text" else list):
                why = f"state {visit.name!r}: {handler} reads {key} of its event, and gets {payload.get(key)!r}."
                found = visit.workflow
                yield Finding(found.stack.name, found.logical_id, "code-event", why, f"pass {key}.")


@cache
def _events(source: Path) -> frozenset[tuple[str, str]]:
    """(key, text or texts) of `events.text(event, key)` in a handler."""
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    return frozenset(
        (str(node.args[1].value), node.func.attr)
        for node in calls
        if isinstance(node.func, ast.Attribute)
        and getattr(node.func.value, "id", "") == "events"
        and node.func.attr in ("text", "texts")
        and isinstance(node.args[1], ast.Constant)
    )
