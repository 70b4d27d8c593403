"""Names from data never become paths outside of their folder."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import deploy
from osusume_endpoint import paths
from osusume_endpoint.errors import ApiError
from osusume_endpoint.glue.runs import Fetch
from osusume_endpoint.glue.s3bridge import Bridge
from osusume_endpoint.lambda_ import archive
from tests.security import path_building

HOSTILE = (
    "..",
    ".",
    "",
    "/",
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a/..",
    "a//b",
    "a/",
    "a/./b",
    "evil/../../../../../X",
    "..\\x",
    "C:\\x",
    "a\0b",
    "n" * 256,
    "é" * 128,
    "/".join(["n" * 200] * 25),
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(paths.Outside, match=r": .+"):
        paths.inside(tmp_path, name)
    with pytest.raises(paths.Outside):
        paths.inside(tmp_path, "below", name)


@pytest.mark.parametrize(
    "name", ["a", "a/b.c", "...", "..a", "a..", "día=1/x", "a b", "%2e%2e", "~", "n" * 255]
)
def test_an_ordinary_name_is_the_path_itself(name: str, tmp_path: Path) -> None:
    assert paths.inside(tmp_path, name) == tmp_path / name


def test_a_symbolic_link_that_leads_out_is_refused_and_one_that_stays_is_not(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "out").symlink_to(tmp_path)
    (root / "in").symlink_to(root / "real")
    assert paths.inside(root, "in/x") == root / "in" / "x"
    with pytest.raises(paths.Outside, match="symbolic link"):
        paths.inside(root, "out/x")


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_component_is_one_safe_name_and_two_names_never_share_one(one: str, other: str) -> None:
    name = paths.component(one)
    assert paths.inside(Path("/nowhere"), name).parent == Path("/nowhere")
    assert (name == paths.component(other)) == (one == other)


@pytest.mark.parametrize("name", ["a", "a=1", "part-0000.csv", "a%20b", "*.csv", "..a"])
def test_an_ordinary_component_keeps_its_name(name: str) -> None:
    assert paths.component(name) == name


class Objects:
    """S3 as far as the bridge asks it: objects by key."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, str]:
        from botocore.exceptions import ClientError

        if Key not in self.objects:
            raise ClientError({"ResponseMetadata": {"HTTPStatusCode": 404}}, "HeadObject")  # type: ignore[typeddict-item]
        return {"ETag": "e"}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": k, "ETag": k} for k in self.objects if k.startswith(Prefix)]}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[Key])}


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", [*HOSTILE, "plain", "%%2E%2E"])
def test_the_bridge_mirrors_every_key_below_its_own_folder(name: str, tmp_path: Path) -> None:
    key = f"evil/{name}x" if name.endswith("/") else f"evil/{name}"
    objects = {key: b"told"} if not key.endswith("/") else {}
    stage = tmp_path / "deep" / "down" / "stage"
    bridge = Bridge(client=lambda: Objects({**objects, "evil/beside": b"b"}), stage=stage)
    if len(key) > 1024:  # longer than S3's keys
        with pytest.raises(paths.Outside, match="4095 bytes"):
            bridge.fetch("s3://bucket/evil/")
        return
    bridge.fetch("s3://bucket/evil/")
    assert sorted(_files(tmp_path).values()) == sorted([*objects.values(), b"b"])
    assert _files(stage / "in" / "bucket" / "evil") == _files(tmp_path)


@pytest.mark.parametrize("bucket", ["..", ".", "a\\b", "b" * 300])
def test_the_bridge_refuses_a_bucket_that_is_no_name(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(paths.Outside):
        Bridge(client=lambda: None, stage=tmp_path).local(f"s3://{bucket}/x")


@pytest.mark.parametrize("key", ["a/..", "..", "a\\b", "n" * 300, "a/"])
def test_a_script_or_module_of_a_job_whose_name_is_no_file_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="Cannot read s3://b/"):
        Fetch(Objects({key: b"x"}), tmp_path / "run")(f"s3://b/{key}")
    assert _files(tmp_path) == {}


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as written:
        for name in names:
            written.writestr(name, name)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name", ["../x.py", "/x.py", "a/../../x.py", "a\\..\\x.py", "a//b.py", f"{'n' * 300}.py"]
)
def test_an_archive_that_leads_out_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(archive.UnsafeArchive, match="can't be unpacked"):
        archive.unpack(_zip("index.py", name), folder=tmp_path / "code")
    assert _files(tmp_path) == {}
    assert list((tmp_path / "code").iterdir()) == []


def test_an_ordinary_archive_is_unpacked_and_a_link_in_it_is_only_a_file(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO(_zip("./index.py", "folder/", "folder/a.txt"))
    with zipfile.ZipFile(buffer, "a") as written:
        written.writestr(link, "/etc/passwd")
    unpacked = archive.unpack(buffer.getvalue(), folder=tmp_path)
    assert {str(path.relative_to(unpacked)) for path in _files(unpacked)} == {
        "index.py",
        "folder/a.txt",
        "link",
    }
    assert not (unpacked / "link").is_symlink()


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret"])
def test_an_assembly_that_names_files_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(deploy.DeployFailed, match="is no assembly of this app"):
        deploy._of(tmp_path, name)


def test_every_path_from_data_is_made_by_the_helper() -> None:
    found = path_building.found_in_repository()
    assert [str(one) for one in path_building.unreviewed(found, path_building.REVIEWED)] == []


def test_no_review_is_left_over() -> None:
    found = {(one.file, one.text) for one in path_building.found_in_repository()}
    assert sorted(set(path_building.REVIEWED) - found) == []


@pytest.mark.parametrize(
    "line",
    [
        "folder / key",
        "folder / 'in' / key",
        "folder / f'{key}.json'",
        "folder / record['name']",
        "folder / key.rsplit('/', 1)[-1]",
        "folder.joinpath(key)",
        "folder.joinpath('a', *parts)",
        "path.with_name(key)",
        "path.with_suffix(key)",
        "Path(folder, key)",
        "Path(f'{folder}/{key}')",
        "Path(folder + key)",
        "Path(event['key'])",
        "os.path.join(folder, key)",
        "open(f'{folder}/{key}')",
        "open(event['key'])",
        "archive.extractall(folder)",
        "archive.extract(member, folder)",
        "shutil.unpack_archive(given, folder)",
        "tempfile.mkdtemp(prefix=key)",
        "folder.glob(key)",
    ],
)
def test_a_path_built_beside_the_helper_is_noticed(line: str) -> None:
    source = f"import os, shutil, tempfile\nfrom pathlib import Path\nx = {line}\n"
    assert [found.line for found in path_building.found_in(source, file="local/new.py")] == [3]


@pytest.mark.parametrize(
    "line", ["folder / 'a'", "folder / NAME", "Path(__file__)", "open('a')", "folder.glob('*')"]
)
def test_a_literal_path_is_no_finding(line: str) -> None:
    source = f"from pathlib import Path\nx = {line}\n"
    assert path_building.found_in(source, file="local/new.py") == []


def test_a_layer_that_is_not_built_is_a_folder_of_the_app(tmp_path: Path) -> None:
    layer = deploy.REPOSITORY / "lambdas"
    assert deploy._of(tmp_path, str(layer)) == layer
    with pytest.raises(deploy.DeployFailed, match="is no assembly of this app"):
        deploy._of(tmp_path, f"{layer}/../../etc/passwd")
