from __future__ import annotations

import json
from pathlib import Path

import pytest

from osusume_engine.storage import FORMAT, FormatChanged, load, save


def test_a_model_of_another_version_is_refused_with_the_cure(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save([1, "b"], folder)
    written = json.loads((folder / "model.json").read_text())
    assert written["format"] == FORMAT
    (folder / "model.json").write_text(json.dumps({**written, "format": FORMAT - 1}))
    with pytest.raises(
        FormatChanged, match=f"has format {FORMAT - 1}, this version reads {FORMAT}: train it"
    ):
        load(folder)


def test_a_model_from_before_formats_were_counted_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"kind": "list", "items": []}))
    with pytest.raises(FormatChanged, match="has format 1"):
        load(tmp_path)
