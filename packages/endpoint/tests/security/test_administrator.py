"""The administrator's key: random, of this start, and readable by nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from osusume_endpoint import administrator
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.testing.running import error_of


def test_the_key_is_random_and_its_file_is_the_users_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        first, second = administrator.create(tmp_path), administrator.create(tmp_path)
    finally:
        os.umask(before)
    assert first.access_key != second.access_key and first.secret_key != second.secret_key
    assert administrator.read(tmp_path) == second
    assert stat.S_IMODE(administrator.path(tmp_path).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [administrator.FILE]


def test_a_file_is_never_open_to_others_not_even_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    opening = os.open

    def noting(path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = opening(path, flags, mode)
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        assert flags & os.O_EXCL
        return descriptor

    monkeypatch.setattr(os, "open", noting)
    administrator.create(tmp_path)
    assert modes == [0o600]


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"access_key": "a"}'])
def test_without_a_key_it_says_how_to_get_one(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        administrator.path(tmp_path).write_text(text)
    with pytest.raises(administrator.NoAdministrator, match="make up"):
        administrator.read(tmp_path)


def test_the_administrator_is_root_and_a_wrong_secret_is_nobody(cloud: Endpoint) -> None:
    assert cloud.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{cloud.account}:root"
    forged = Credentials(cloud.administrator.access_key, "x" * 40)
    assert error_of(cloud.client("sts", forged).get_caller_identity)[0] == "SignatureDoesNotMatch"
    number = Credentials(cloud.account, cloud.administrator.secret_key)
    assert error_of(cloud.client("sts", number).get_caller_identity)[0] == "InvalidClientTokenId"


def test_no_child_and_no_log_holds_the_administrators_secret(cloud: Endpoint) -> None:
    secret = cloud.administrator.secret_key.encode()
    for file in (
        file for file in cloud.home.rglob("*") if file.is_file() and file.name != administrator.FILE
    ):
        assert secret not in file.read_bytes(), file
