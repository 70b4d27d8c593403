"""The driver itself, against the real server behind TLS: only the right certificate and name are connected to."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.glue_jobs.conftest import jdbc_driver
from tests.glue_jobs.test_extract_aurora import server, sql

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not jdbc_driver(), reason="the PostgreSQL JDBC driver is not installed: make install"),
]
__all__ = ["server", "sql"]  # fixtures
# As the laptop's runtime doesn't know it: what it takes TLS out of is written in small letters.
HERE = "LOCALHOST"


class Authority:
    """A certificate authority, with its file."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(self.name, self.key, x509.BasicConstraints(ca=True, path_length=0))
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _signed(self, subject: x509.Name, key: Any, extension: x509.ExtensionType) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def context(self, host: str) -> ssl.SSLContext:
        """Of a server with a certificate for this host."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        signed = self._signed(subject, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        file = self.folder / f"{host}.server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def answer(client: socket.socket, address: tuple[str, int], context: ssl.SSLContext) -> None:
    """PostgreSQL's protocol: 8 bytes ask for TLS, `S` grants it; the server behind speaks plainly."""
    client.recv(8)
    client.sendall(b"S")
    with suppress(OSError), context.wrap_socket(client, server_side=True) as encrypted:
        behind = socket.create_connection(address)
        back = threading.Thread(target=pump, args=(behind, encrypted), daemon=True)
        back.start()
        pump(encrypted, behind)
        back.join()


@contextmanager
def behind_tls(server: Any, context: ssl.SSLContext) -> Iterator[int]:
    """The port at which the server is reached through TLS."""
    address = (server.address.host, server.address.port)
    with closing(socket.create_server(("localhost", 0))) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    threading.Thread(target=answer, args=(client, address, context), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def source(port: int, certificates: Path) -> Any:
    from glue_jobs.database import Source

    secret = {"host": HERE, "port": port, "dbname": "postgres", "username": "app", "password": "p"}
    return Source.from_secret(secret, address={}, certificates=str(certificates))


@pytest.mark.usefixtures("sql")
def test_a_server_of_the_right_certificate_and_name_is_read_of(
    spark: Any, server: Any, tmp_path: Path
) -> None:
    """By the driver's connection and by the readers of a divided table, which is 3 connections more."""
    from glue_jobs import extract_aurora
    from glue_jobs.forgotten import NOBODY

    rds = Authority(tmp_path, "rds")
    with behind_tls(server, rds.context("localhost")) as port:
        extract_aurora.run(
            spark=spark,
            source=source(port, rds.file),
            reading=extract_aurora.Reading(connections=3, rows=1),
            tables={"users": "public.users"},
            columns={"users": ["user_id"]},
            target=lambda name: f"file://{tmp_path}/{name}",
            user_columns={},
            left_out=NOBODY,
        )
    assert spark.read.parquet(f"file://{tmp_path}/users").count() == 2


@pytest.mark.usefixtures("sql")
@pytest.mark.parametrize(
    ("signer", "host", "said"),
    [("stranger", "localhost", "PKIX path"), ("rds", "db.example.com", "hostname"), ("rds", None, "SSL")],
)
def test_a_server_of_another_certificate_or_name_or_without_one_is_refused(
    spark: Any, server: Any, tmp_path: Path, signer: str, host: str | None, said: str
) -> None:
    from glue_jobs import database

    rds = Authority(tmp_path, "rds")
    signers = {"rds": rds, "stranger": Authority(tmp_path, "stranger")}
    if host is None:
        plain = source(server.address.port, rds.file)
        with pytest.raises(Exception, match=said), database.connection(spark, plain):
            pass
        return
    with (
        behind_tls(server, signers[signer].context(host)) as port,
        pytest.raises(Exception, match=said),
        database.connection(spark, source(port, rds.file)),
    ):
        pass


def test_the_certificates_are_those_that_are_configured_or_else_glues(
    spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_jobs import database

    system = spark._jvm.java.lang.System
    system.clearProperty(database.CERTIFICATES)
    with pytest.raises(database.SourceRefused, match=r"set sources\.aurora\.certificate_file"):
        database.certificates(spark, "")
    assert database.certificates(spark, "/own.pem") == "/own.pem"
    system.setProperty(database.CERTIFICATES, "/opt/rds.pem")
    assert database.certificates(spark, "") == "/opt/rds.pem"
    system.clearProperty(database.CERTIFICATES)
