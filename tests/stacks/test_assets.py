"""What is staged for functions, jobs and layers, without synthesizing."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.parts import assets, layer
from stacks.parts.layer import LayerNotBuilt


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "build"
    monkeypatch.setattr(assets, "BUILD_FOLDER", folder)
    monkeypatch.setattr(layer, "BUILD_FOLDER", folder)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "handler.py").write_text("def handler(): ...\n")
    (folder / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"x")
    return folder


def test_a_staged_folder_keeps_its_place_and_leaves_bytecode_out(build: Path, source: Path) -> None:
    folder, _ = assets.stage("function", {"lambdas/f": source})
    staged = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    assert staged == ["lambdas/f/handler.py"]


def test_the_hash_is_of_contents_and_places_not_of_times(build: Path, source: Path) -> None:
    _, first = assets.stage("function", {"lambdas/f": source})
    (source / "handler.py").touch()
    (source / "__pycache__" / "other.pyc").write_bytes(b"y")
    assert assets.stage("function", {"lambdas/f": source})[1] == first
    assert assets.stage("function", {"lambdas/g": source})[1] != first
    (source / "handler.py").write_text("def handler(): return 1\n")
    assert assets.stage("function", {"lambdas/f": source})[1] != first


def test_two_contents_that_only_join_alike_have_different_hashes(build: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, (first, second) in ((one, ("ab", "c")), (two, ("a", "bc"))):
        folder.mkdir()
        (folder / "x").write_text(first)
        (folder / "y").write_text(second)
    assert assets.stage("a", {"t": one})[1] != assets.stage("a", {"t": two})[1]


def test_a_text_becomes_a_file_and_counts_for_the_hash(build: Path, source: Path) -> None:
    folder, first = assets.stage("function", {"lambdas/f": source, "lambdas/f/list.json": '["é"]'})
    assert (folder / "lambdas/f/list.json").read_text(encoding="utf-8") == '["é"]'
    assert assets.stage("function", {"lambdas/f": source, "lambdas/f/list.json": "[]"})[1] != first


def test_without_uv_the_error_names_the_cure(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("boto3==1.43.106\n")
    with pytest.raises(LayerNotBuilt, match="python -m pip install uv"):
        layer._built(requirements)
    assert list(build.rglob("*.py")) == []


@pytest.fixture
def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that finds no Python and 'installs' one module, or fails as `fails` says."""
    binary = tmp_path / ".venv" / "bin" / "uv"
    binary.parent.mkdir(parents=True)
    binary.write_text(
        "#!/bin/sh\n"
        'echo "$@" >> "$0.calls"\n'
        '[ "$1" = python ] && exit 2\n'
        '[ -f "$0.fails" ] && { echo "no matching wheel" >&2; exit 1; }\n'
        'while [ "$1" != --target ]; do shift; done\n'
        'mkdir -p "$2/package/tests"\n'
        'echo 1 > "$2/package/__init__.py"\n'
        'echo 1 > "$2/package/tests/test_it.py"\n'
    )
    binary.chmod(0o755)
    monkeypatch.setattr(layer, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "nowhere"))
    return binary


def calls(uv: Path, command: str) -> int:
    return sum(line.startswith(command) for line in uv.with_name("uv.calls").read_text().splitlines())


def test_a_layer_is_built_once_for_lambdas_platform_and_without_tests(
    build: Path, fake_uv: Path, tmp_path: Path
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("package==1\n")
    folder = layer._built(requirements)
    again = layer._built(requirements)
    assert folder == again
    assert calls(fake_uv, "pip install") == 1
    assert (
        "--python-platform aarch64-manylinux_2_28 --python-version 3.13"
        in fake_uv.with_name("uv.calls").read_text()
    )
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == ["python/package/__init__.py", "requirements.txt"]


def test_a_failed_installation_tells_uvs_reason_and_leaves_nothing(
    build: Path, fake_uv: Path, tmp_path: Path
) -> None:
    fake_uv.with_name("uv.fails").write_text("")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("package==1\n")
    with pytest.raises(LayerNotBuilt, match="no matching wheel"):
        layer._built(requirements)
    assert list((build / "layers").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("PLATFORM", "x86_64-manylinux_2_28"), ("PYTHON_VERSION", "3.14"), ("REMOVED", ("tests",))],
)
def test_a_layer_that_is_built_otherwise_has_another_hash_and_another_place(
    build: Path, fake_uv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("package==1\n")
    before = layer.layer_hash(requirements, compiled=False), layer._built(requirements)
    monkeypatch.setattr(layer, name, value)
    assert layer.layer_hash(requirements, compiled=False) != before[0]
    assert layer._built(requirements) != before[1]


def test_a_layer_without_bytecode_is_replaced_by_one_that_has_it(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("package==1\n")
    assert len({layer.layer_hash(requirements, compiled=compiled) for compiled in (True, False)}) == 2
    assert layer._is_compiled(tmp_path / f"abc{layer.COMPILED}") and not layer._is_compiled(tmp_path / "abc")
