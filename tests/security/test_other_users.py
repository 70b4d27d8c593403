"""Another user of the machine reads and changes nothing of a running endpoint."""

from __future__ import annotations

import http.client
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import ClientError

from osusume_endpoint import lodging, private, state
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.security import KEYS

ROOT = Path(__file__).parents[2]
INSTALLED = Path(private.__file__).parents[1]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def open_to_others(folder: Path) -> list[str]:
    return [f"{path} {path.lstat().st_mode & 0o777:o}" for path in _everything(folder) if _open(path)]


def _open(path: Path) -> bool:
    mode = path.lstat().st_mode
    return not stat.S_ISLNK(mode) and bool(mode & 0o077)


def _everything(folder: Path) -> Iterator[Path]:
    yield folder
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


def test_the_whole_state_folder_is_its_users_alone(used: Endpoint, home: Path) -> None:
    made = {path.relative_to(home).parts[0] for path in _everything(home) if path != home}
    assert {"glue", "lambda", "log", "ministack", "personalize", "postgres", "s3", "state.json"} <= made
    assert open_to_others(home) == []


def test_the_servers_own_place_is_its_users_alone(used: Endpoint, home: Path) -> None:
    place = (home / "postgres" / "data").resolve()
    assert (place / "PG_VERSION").is_file()
    assert open_to_others(place) == []
    assert {path.lstat().st_uid for path in _everything(place)} == {place.stat().st_uid}


def test_every_process_has_the_umask(used: Endpoint, home: Path) -> None:
    supervisor = psutil.Process(state.running(home).pid)
    masks = {}
    for process in [supervisor, *supervisor.children(recursive=True)]:
        status = Path(f"/proc/{process.pid}/status")
        if status.exists() and process.status() != psutil.STATUS_ZOMBIE:
            masks[f"{process.pid} {' '.join(process.cmdline())[:90]}"] = (
                status.read_text().split("Umask:")[1].split()[0]
            )
    assert len(masks) >= 5, masks
    assert any("personalize.worker" in name for name in masks), "training was not looked at"
    assert {name: mask for name, mask in masks.items() if mask != "0077"} == {}


TRY = """
import json, os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
opened = []
for path in json.load(sys.stdin):
    for mode in (os.O_RDONLY, os.O_WRONLY):
        try:
            os.close(os.open(path, mode))
            opened.append(path)
        except OSError:
            pass
print(json.dumps(opened))
"""


def opened_by_nobody(paths: list[Path]) -> list[str]:
    """The paths that a process of `nobody` can open for reading or writing."""
    command = [sys.executable, "-c", TRY]
    given = json.dumps([str(path) for path in paths])
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, cwd="/")
    return list(json.loads(done.stdout))


@as_root
def test_nobody_opens_no_file_of_the_endpoint(used: Endpoint, home: Path) -> None:
    data = (home / "postgres" / "data").resolve()
    paths = [*_everything(home), *_everything(data.parent)]
    names = {path.name for path in paths}
    assert {"admin.password", "pg_hba.conf", "state.json", "plain"} <= names
    assert opened_by_nobody(paths) == []


@as_root
def test_nobody_opens_no_file_even_where_the_folders_above_let_everybody_in(
    used: Endpoint, home: Path
) -> None:
    """pytest's own folders are closed: here the state folder itself must hold."""
    above = [parent for parent in home.parents if not parent.stat().st_mode & stat.S_IXOTH]
    for parent in above:
        parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    try:
        assert opened_by_nobody([home.parent / "nothing", Path("/etc/passwd")]) == ["/etc/passwd"]
        assert opened_by_nobody(list(_everything(home))) == []
    finally:
        for parent in above:
            parent.chmod(parent.stat().st_mode & ~stat.S_IXOTH)


@as_root
def test_the_server_runs_as_a_user_that_no_account_has(used: Endpoint, home: Path) -> None:
    servers = [
        p for p in psutil.Process(state.running(home).pid).children(recursive=True) if p.name() == "postgres"
    ]
    users = {process.uids().real for process in servers}
    assert len(users) == 1
    assert not lodging._has_account(users.pop())


@as_root
def test_a_copied_state_folder_does_not_take_over_the_databases(
    used: Endpoint, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "data").symlink_to((home / "postgres" / "data").readlink())
    with pytest.raises(lodging.NoLodging, match=f"is a copy of {home / 'postgres'}"):
        lodging.of(tmp_path / "postgres")
    lodging.discard(tmp_path / "postgres")
    assert (home / "postgres" / "data" / "PG_VERSION").is_file()


@as_root
def test_databases_of_an_older_version_move_out_of_the_state_folder(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("18\n")
    found = lodging.of(folder)
    assert found is not None
    assert (folder / "data").readlink() == found.data
    assert (found.data / "PG_VERSION").read_text() == "18\n"
    assert (found.data / "PG_VERSION").stat().st_uid == found.user
    lodging.discard(folder)
    assert not found.folder.exists()


@as_root
def test_databases_that_are_gone_are_told_and_not_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "data").symlink_to(tmp_path / "gone" / "data")
    with pytest.raises(lodging.NoLodging, match=r"which is gone: delete .* to start afresh"):
        lodging.of(tmp_path / "postgres")


@pytest.mark.parametrize("folder", [Path("/tmp"), Path.home(), ROOT, INSTALLED, *INSTALLED.parents])
def test_a_folder_that_holds_other_things_is_no_state_folder(folder: Path) -> None:
    before = folder.stat().st_mode
    with pytest.raises(private.NotPrivate, match="holds other things too"):
        private.secure(folder)
    assert folder.stat().st_mode == before


def test_a_checkout_is_no_state_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").touch()
    (tmp_path / "README.md").chmod(0o644)
    with pytest.raises(private.NotPrivate, match="holds other things too"):
        private.secure(tmp_path)
    assert (tmp_path / "README.md").stat().st_mode & 0o777 == 0o644


def test_a_file_is_no_state_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(private.NotPrivate, match="is not a folder"):
        private.secure(tmp_path / "file")


def test_what_was_open_is_closed_and_links_are_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch(mode=0o644)
    outside.chmod(0o644)
    folder = tmp_path / "home"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "run").touch()
    (folder / "a" / "b" / "run").chmod(0o755)
    (folder / "a" / "link").symlink_to(outside)
    for path in (folder, folder / "a", folder / "a" / "b"):
        path.chmod(0o777)
    private.secure(folder)
    assert open_to_others(folder) == []
    assert (folder / "a" / "b" / "run").stat().st_mode & 0o777 == 0o700
    assert outside.stat().st_mode & 0o777 == 0o644


def test_what_goes_to_aws_can_be_read_there_whatever_the_umask_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zip keeps modes, and a function does not run as the owner of its files."""
    from stacks.parts import assets

    monkeypatch.setattr(assets, "BUILD_FOLDER", tmp_path / "build")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "handler.py").touch(mode=0o600)
    before = os.umask(0o077)
    try:
        folder, _ = assets.stage("function", {"lambdas/f": tmp_path / "source"})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*")) if path.is_dir()} == {0o755}


def test_keys_that_are_no_paths_come_back_as_they_were_and_lie_inside(used: Endpoint, home: Path) -> None:
    s3 = used.client("s3")
    assert {key: s3.get_object(Bucket="bucket", Key=key)["Body"].read() for key in KEYS} == {
        key: key.encode() for key in KEYS
    }
    assert not Path("/tmp/osusume-escaped").exists()
    listed = {item["Key"] for item in s3.list_objects_v2(Bucket="bucket", Prefix="in/")["Contents"]}
    assert listed == set(KEYS)


def test_a_job_reads_every_object_whatever_its_key(used: Endpoint, home: Path) -> None:
    log = "".join(path.read_text(errors="replace") for path in (home / "log" / "glue").glob("*.log"))
    assert f"READ {sorted(key for key in KEYS if not key.endswith('/'))}" in log
    assert not Path("/tmp/osusume-escaped").exists()


def test_a_key_of_the_greatest_length_is_kept_and_a_longer_one_refused_as_s3_does(used: Endpoint) -> None:
    s3 = used.client("s3")
    for key in ("k" * 1024, "é" * 512, "a/" * 512):
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == b"x"
        s3.delete_object(Bucket="bucket", Key=key)
    for key in ("k" * 1025, "é" * 513):
        with pytest.raises(ClientError, match="KeyTooLongError"):
            s3.put_object(Bucket="bucket", Key=key, Body=b"x")


@pytest.mark.parametrize("bucket", ["..", ".", "a..b", ".versions"])
def test_a_bucket_that_is_no_name_is_refused(used: Endpoint, home: Path, bucket: str) -> None:
    before = set((home / "s3").rglob("*"))
    status = unchecked_put(used, f"/{bucket}")
    assert status >= 400
    assert set((home / "s3").rglob("*")) == before


def unchecked_put(endpoint: Endpoint, path: str) -> int:
    """A signed PUT of a path that botocore would refuse to send."""
    signed = AWSRequest(method="PUT", url=f"{endpoint.url}{path}", data=b"")
    credentials = BotoCredentials(*endpoint.administrator)
    S3SigV4Auth(credentials, "s3", endpoint.region).add_auth(signed)
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=20)
    try:
        connection.request("PUT", path, headers=dict(signed.headers))
        return connection.getresponse().status
    finally:
        connection.close()
