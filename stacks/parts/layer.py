"""Layers of third-party packages, built with uv for Lambda's platform: no Docker."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.parts.assets import BUILD_FOLDER, ROOT, file_hash, open_to_all

PYTHON_VERSION = "3.13"
RUNTIME = ROOT / "lambdas" / "requirements.txt"
DBT = ROOT / "lambdas" / "run_dbt" / "requirements.txt"
# Lambda's Amazon Linux 2023 has glibc 2.34; some wheels (psycopg2-binary) need more than manylinux2014's.
PLATFORM = "aarch64-manylinux_2_28"
# Never imported at run time. `*.dist-info` stays: dbt finds its adapter by it.
REMOVED = ("tests", "test", "__pycache__")
COMPILED = "-compiled"  # end of the name of a finished layer that has bytecode


class LayerNotBuilt(Exception):
    """The packages of a layer could not be put together; the message names the cure."""


class PackagesLayer(lambda_.LayerVersion):
    """The packages of one requirements file. Its hash knows the file and how it is built: what is unchanged stays."""

    def __init__(self, scope: Construct, construct_id: str, *, requirements: Path) -> None:
        super().__init__(
            scope,
            construct_id,
            code=lambda_.Code.from_asset(str(requirements.parent), **_asset_options(scope, requirements)),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )


def packages_asset(scope: Construct, construct_id: str, *, requirements: Path) -> s3_assets.Asset:
    """The zip of a layer's packages, for what has no layers: the same file as the layer's."""
    return s3_assets.Asset(
        scope, construct_id, path=str(requirements.parent), **_asset_options(scope, requirements)
    )


def _asset_options(scope: Construct, requirements: Path) -> dict[str, Any]:
    # Built here and not in the bundling's callback, whose exceptions lose their type on the way.
    built = _built(requirements) if Stack.of(scope).bundling_required else None
    return {
        "asset_hash": layer_hash(requirements, compiled=built is not None and _is_compiled(built)),
        "asset_hash_type": AssetHashType.CUSTOM,
        "bundling": BundlingOptions(
            # Never pulled: the local bundling either succeeds or raises.
            image=DockerImage.from_registry("scratch"),
            local=_Packages(requirements),
        ),
    }


class RuntimeLayer(PackagesLayer):
    """What every function imports. Each stack has its own, so no stack waits for another's version."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "RuntimeLayer", requirements=RUNTIME)


class DbtLayer(PackagesLayer):
    """dbt and its Redshift adapter."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "DbtLayer", requirements=DBT)


class DuckDbLayer(PackagesLayer):
    """DuckDB alone: the part of PySpark that runs on it is ours, and lies in the function's zip."""

    def __init__(self, scope: Construct) -> None:
        requirements = ROOT / "lambdas" / "build_datasets" / "requirements.txt"
        super().__init__(scope, "DuckDbLayer", requirements=requirements)


class StatisticsLayer(PackagesLayer):
    """numpy and scipy."""

    def __init__(self, scope: Construct) -> None:
        requirements = ROOT / "lambdas" / "analyse_experiments" / "requirements.txt"
        super().__init__(scope, "StatisticsLayer", requirements=requirements)


class TokensLayer(PackagesLayer):
    """PyJWT and cryptography."""

    def __init__(self, scope: Construct) -> None:
        requirements = ROOT / "lambdas" / "authorize_reader" / "requirements.txt"
        super().__init__(scope, "TokensLayer", requirements=requirements)


class ParquetLayer(PackagesLayer):
    """pyarrow."""

    def __init__(self, scope: Construct) -> None:
        requirements = ROOT / "lambdas" / "forget_users" / "requirements.txt"
        super().__init__(scope, "ParquetLayer", requirements=requirements)


@jsii.implements(ILocalBundling)
class _Packages:
    def __init__(self, requirements: Path) -> None:
        self._requirements = requirements

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        _link_tree(_built(self._requirements), Path(output_dir))
        return True


def layer_hash(requirements: Path, *, compiled: bool) -> str:
    """A hash of all that decides what is in the layer. One without bytecode, from a machine without Lambda's Python,
    has another hash than one with it, so that the next deployment from a machine that has it replaces it.
    """
    made = [
        file_hash(requirements),
        PLATFORM,
        PYTHON_VERSION,
        *REMOVED,
        "compiled" if compiled else "sources",
    ]
    return hashlib.sha256("\0".join(made).encode()).hexdigest()


def _is_compiled(folder: Path) -> bool:
    return folder.name.endswith(COMPILED)


def _built(requirements: Path) -> Path:
    """The finished layer, from the cache if what decides it is unchanged; compiled ones are kept apart."""
    sources = BUILD_FOLDER / "layers" / layer_hash(requirements, compiled=False)[:16]
    compiled = sources.with_name(f"{sources.name}{COMPILED}")
    if compiled.is_dir():
        return compiled
    python = _lambda_interpreter()
    folder = compiled if python else sources
    if not folder.is_dir():
        _build(requirements, folder, python)
    return folder


def _build(requirements: Path, folder: Path, python: str | None) -> None:
    # Renamed into place when complete; the process id keeps two syntheses at once apart.
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    target = partial / "python"
    target.mkdir(parents=True)
    try:
        _install(requirements, target)
        _strip(target)
        if python:
            _compile(python, target)
        shutil.copyfile(requirements, partial / "requirements.txt")
        open_to_all(partial)
        if not folder.is_dir():
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _strip(target: Path) -> None:
    for path in [path for name in REMOVED for path in target.rglob(name) if path.is_dir()]:
        shutil.rmtree(path, ignore_errors=True)


def _install(requirements: Path, target: Path) -> None:
    command = [_uv(), "pip", "install", "--quiet", "--require-hashes", "-r", str(requirements)]
    command += ["--target", str(target)]
    command += ["--python-platform", PLATFORM, "--python-version", PYTHON_VERSION, "--only-binary", ":all:"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LayerNotBuilt(
            f"uv could not install {requirements} for Lambda ({PLATFORM}, Python {PYTHON_VERSION}): "
            f"correct the file, or the network, and synthesize again\n{done.stderr.strip()}"
        )


def _uv() -> str:
    in_environment = ROOT / ".venv" / "bin" / "uv"
    found = str(in_environment) if in_environment.is_file() else shutil.which("uv")
    if found is None:
        raise LayerNotBuilt(
            "layers are built with uv, which is neither in .venv/bin nor on PATH: "
            "`python -m pip install uv`, or synthesize without layers with `-c aws:cdk:bundling-stacks=[]`"
        )
    return found


def _compile(python: str, target: Path) -> None:
    """Bytecode for Lambda's own interpreter; by hash, because the zip's timestamps are of 1980."""
    command = [python, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(target), str(target)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    # Some packages ship files for other versions of Python; those stay uncompiled, as on any installation.
    subprocess.run(command, capture_output=True, check=False, env=environment)


def _lambda_interpreter() -> str | None:
    """A Python of the functions' version, or none: on PATH, one that uv manages, or one of pyenv."""
    return next((python for python in _candidates() if _is_lambdas_version(python)), None)


def _candidates() -> Iterator[str]:
    name = f"python{PYTHON_VERSION}"
    on_path = shutil.which(name)
    if on_path:
        yield on_path
    command = [_uv(), "python", "find", "--managed-python", "--offline", "--no-project", PYTHON_VERSION]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        yield found.stdout.strip()
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{PYTHON_VERSION}.*/bin/{name}"), reverse=True))


def _is_lambdas_version(python: str) -> bool:
    """Asked and not read from the name: pyenv's shims exist for versions that are not active."""
    command = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == PYTHON_VERSION


def _link_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
