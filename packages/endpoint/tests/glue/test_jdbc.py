from __future__ import annotations

import pytest

from osusume_endpoint.glue.jdbc import without_tls


@pytest.mark.parametrize(
    ("url", "rewritten"),
    [
        ("jdbc:postgresql://127.0.0.1:5432/shop?sslmode=require", "jdbc:postgresql://127.0.0.1:5432/shop?sslmode=disable"),
        ("jdbc:postgresql://localhost/shop?ssl=true&a=b", "jdbc:postgresql://localhost/shop?a=b&sslmode=disable"),
        ("jdbc:postgresql://localhost/shop?sslmode=verify-full&sslrootcert=/a/b.pem&SSLFactory=x&a=b", "jdbc:postgresql://localhost/shop?a=b&sslmode=disable"),
        ("jdbc:postgresql://127.0.0.1:1/shop", "jdbc:postgresql://127.0.0.1:1/shop?sslmode=disable"),
    ],
)  # fmt: skip
def test_tls_is_taken_out_of_local_urls(url: str, rewritten: str) -> None:
    assert without_tls(url) == rewritten


@pytest.mark.parametrize(
    "url",
    [
        "jdbc:postgresql://db.example.com:5432/shop?sslmode=require",
        "jdbc:postgresql://127.0.0.1.example.com/shop?sslmode=require",
        "jdbc:mysql://127.0.0.1/shop?sslmode=require",
    ],
)
def test_other_urls_stay_as_they_are(url: str) -> None:
    assert without_tls(url) == url
