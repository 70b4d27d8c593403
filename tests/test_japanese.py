"""Pages and words in Japanese call one thing by one word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = (
    "README.ja.md",
    "docs/deck.ja.md",
    "assess/words/ja.yaml",
    "local/storefront/static/words.ja.json",
    "analysis/words.py",
    "analysis/decision.py",
)
# What isn't said -> what is.
INSTEAD = {
    "メトリクス|メトリック": "指標",
    "ストア画面|店舗画面": "ストアフロント",
    "同じさ": "リストの重なり",
    "イベントの種類|イベント種別": "イベントタイプ",
    "代わりのリスト": "代替リスト",
    "読者": "応答を読む側、利用者",
    "だれ": "誰",
    "モデルバージョン|ソリューションのバージョン": "ソリューションバージョン",
}


@pytest.mark.parametrize("name", TEXTS)
def test_one_thing_has_one_word(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = {wrong: right for wrong, right in INSTEAD.items() if re.search(wrong, text)}
    assert found == {}


def test_every_text_in_japanese_is_looked_at() -> None:
    folders = ("docs", "assess", "analysis", "dashboards", "local/storefront")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file()]
    kana = re.compile("[ぁ-ん]{2}")
    texts = [file for file in files if file.suffix in (".md", ".py", ".yaml", ".json", ".html", ".js")]
    japanese = {
        file.relative_to(ROOT).as_posix() for file in texts if kana.search(file.read_text(encoding="utf-8"))
    }
    assert japanese - set(TEXTS) == set()
