"""Who is left out of a run, by a hash that another implementation made."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from lambdas.shared.forgetting import digest as of_function

SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01"
IDS = ["u1", "ユーザー/1", 'o"Brien', "12", " x ", "a\u0301"]


def left_out(*users: str, secret: str = SECRET) -> Any:
    from glue_jobs.forgotten import Forgotten

    made = {hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest() for user in users}
    return Forgotten(secret.encode(), frozenset(made))


def test_the_job_leaves_out_whom_the_function_noted(spark: Any) -> None:
    rows = spark.createDataFrame([(user,) for user in [*IDS, "u2", None]], "user_id string")
    kept = left_out("u1", "ユーザー/1", 'o"Brien', " x ", "a\u0301").without(rows, "user_id")
    assert {row[0] for row in kept.collect()} == {"12", "u2", None}
    assert of_function(SECRET, "u1") in left_out("u1").digests


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_a_secret_of_any_length_gives_the_same_hash(spark: Any, length: int) -> None:
    from glue_jobs.forgotten import digest

    secret = "s" * length
    [[made]] = (
        spark.createDataFrame([("u1",)], "user_id string")
        .select(digest(_column("user_id"), secret.encode()))
        .collect()
    )
    assert made == of_function(secret, "u1")


def _column(name: str) -> Any:
    from pyspark.sql import functions as F

    return F.col(name)


def test_ids_that_are_numbers_are_known_by_their_text(spark: Any) -> None:
    rows = spark.createDataFrame([(12,), (13,)], "user_id bigint")
    assert [row[0] for row in left_out("12").without(rows, "user_id").collect()] == [13]


def test_a_removed_event_without_an_image_is_known_by_its_key(spark: Any) -> None:
    from glue_jobs.forgotten import user_of_event

    keys = [
        '{"event_key":{"S":"e"},"who it\'s":{"S":"u1"}}',
        '{"who it\'s":{"N":"12"}}',
        '{"who it\'s":{"S":"u2"}}',
        None,
    ]
    rows = spark.createDataFrame([(None, key) for key in keys], "user_id string, event_key string")
    kept = left_out("u1", "12").without(rows, user_of_event("who it's"))
    assert [row[1] for row in kept.collect()] == keys[2:]


def test_nobody_is_asked_for_where_nobody_was_forgotten() -> None:
    from glue_jobs import forgotten

    class Empty:
        def get_paginator(self, name: str) -> Any:
            class Pages:
                @staticmethod
                def paginate(**_: Any) -> list[dict[str, Any]]:
                    return [{"Items": []}]

            return Pages

    assert forgotten.read(Empty(), None, table="control", secret="s") is forgotten.NOBODY
