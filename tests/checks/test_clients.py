"""The committed clients are those that the document makes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from checks import clients
from clients.python.osusume_sigv4 import SigV4

KEYS = Credentials("AKIDEXAMPLE", "secret", "token")


def content(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*.py"))
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def test_the_python_client_is_the_documents(tmp_path: Path) -> None:
    clients.python(tmp_path / "osusume_client")
    assert content(tmp_path / "osusume_client") == content(clients.PYTHON), "run make clients"


def test_the_types_name_every_operation_of_the_document() -> None:
    """The whole file is compared by night, when Node's packages are there."""
    text = clients.TYPESCRIPT.read_text()
    for path, item in json.loads(clients.DOCUMENT.read_text())["paths"].items():
        assert f'"{path}": {{' in text
        assert all(f'operations["{one["operationId"]}"]' in text for one in item.values())


@pytest.mark.nightly
def test_the_types_are_the_documents_and_the_example_is_right(tmp_path: Path) -> None:
    clients.typescript(tmp_path / "osusume.d.ts")
    assert (tmp_path / "osusume.d.ts").read_text() == clients.TYPESCRIPT.read_text(), "run make clients"
    folder = clients.TYPESCRIPT.parent
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    node = clients.ROOT / ".venv" / "node" / "bin" / "node"
    options = ["--noEmit", "--strict", "--skipLibCheck", "--lib", "es2022,dom", "--module", "es2022"]
    command = [
        str(node),
        str(compiler),
        *options,
        "--moduleResolution",
        "bundler",
        str(folder / "example.ts"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_generator_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "DOCUMENT", tmp_path / "none.json")
    with pytest.raises(clients.ClientNotMade, match=r"none\.json"):
        clients.python(tmp_path / "made")
    assert not (tmp_path / "made").exists()
    assert clients.main(["cobol"]) == 2


@pytest.mark.parametrize("body", [b"", b'{"events": []}'])
def test_what_is_sent_is_what_botocore_signs(body: bytes) -> None:
    url = "https://api.example.com/live/v1/users/%E3%83%A6%2F1/recommendations?exclude=a%20b&exclude=c"
    request = httpx.Request("POST", url, content=body)
    signed = next(SigV4("ap-northeast-1", KEYS).auth_flow(request))
    theirs = AWSRequest("POST", str(signed.url), data=signed.content)
    theirs.context["timestamp"] = signed.headers["X-Amz-Date"]
    for name in ("Host", "X-Amz-Date", "X-Amz-Security-Token"):
        theirs.headers[name] = signed.headers[name]
    auth = SigV4Auth(KEYS, "execute-api", "ap-northeast-1")
    wanted = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)
    assert signed.headers["Authorization"].endswith(
        f"SignedHeaders=host;x-amz-date;x-amz-security-token, Signature={wanted}"
    )
    assert str(signed.url) == url, "escaped once"
