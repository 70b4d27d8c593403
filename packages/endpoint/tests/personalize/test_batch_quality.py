"""Batch inference with the whole model or with fast lists, as OSUSUME_BATCH_QUALITY says."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from osusume_endpoint.personalize.errors import JobFailure
from osusume_endpoint.personalize.tasks import infer_batch
from osusume_engine.data import TrainingData
from osusume_engine.training import TrainedModel, train


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """60 users in two groups; each user meets 20 of the 30 items of their group."""
    rows = [
        (f"u{user}", f"i{30 * (user % 2) + (user * 7 + step * 11) % 30}", 1_700_000_000 + 3600 * step)
        for user in range(60)
        for step in range(20)
    ]
    interactions = pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
    return train(recipe="aws-user-personalization-v2", data=TrainingData(interactions=interactions))


def batch_job(folder: Path, model: TrainedModel, lines: str) -> dict[str, object]:
    model.save(folder / "model")
    (folder / "in").write_text(lines)
    return {
        "model": str(folder / "model"),
        "files": [[str(folder / "in"), str(folder / "out")]],
        "num_results": 5,
        "datasets": [],
        "filter": None,
        "influence": {},
        "exploration": {},
    }


def test_a_batch_job_has_the_quality_that_the_environment_asks_for(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = ["u1", "nobody", "u2"]
    job = batch_job(tmp_path, model, "".join(json.dumps({"userId": user}) + "\n" for user in users))
    for quality in ("full", "fast"):
        monkeypatch.setenv("OSUSUME_BATCH_QUALITY", quality)
        assert infer_batch(job) == {"records": 3, "errors": 0}
        lines = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
        for line, listed in zip(lines, model.recommend_many(users, 5, quality=quality), strict=True):
            assert line["output"]["scores"] == [round(one.score, 7) for one in listed]
            assert line["output"]["recommendedItems"] == [one.id for one in listed]


def test_a_batch_job_fails_with_the_variable_and_its_choices(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSUSUME_BATCH_QUALITY", "quick")
    with pytest.raises(JobFailure, match="OSUSUME_BATCH_QUALITY='quick' is unknown: use full or fast"):
        infer_batch(batch_job(tmp_path, model, '{"userId": "u1"}\n'))
