"""What `demo` is asked for reaches the loader: a folder, or one of the shops that come along."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from local.demo import command, complete_journey, loader, register
from local.demo.corner_shop import source as corner_shop
from tests import example


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    return parser.parse_args(["demo", *arguments])


class Demo:
    settings = example.settings()
    client = None


@pytest.mark.parametrize(
    ("given", "folder", "packaged"),
    [
        ((), None, complete_journey),
        (("--data", "generated"), None, corner_shop),
        (("--data", "./generated"), Path("generated"), complete_journey),
        (("--data", "my shop"), Path("my shop"), complete_journey),
    ],
)
def test_data_is_a_folder_or_the_word_for_the_generated_shop(
    given: tuple[str, ...], folder: Path | None, packaged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def load(**arguments: Any) -> loader.Loaded:
        asked.update(arguments)
        return loader.Loaded(source="shop", notes=(), added={}, totals={})

    monkeypatch.setattr(loader, "load", load)
    command._load(Demo(), options(*given))  # type: ignore[arg-type]
    assert (asked["folder"], asked["packaged"], asked["size"]) == (folder, packaged, "small")


def test_nothing_is_recorded_unless_asked_for() -> None:
    assert options().record is None
    assert options("--record", "run.json").record == Path("run.json")
