"""Every sentence that the assessment says, in each language: <language>.yaml, with the same keys and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
LANGUAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@dataclass(frozen=True)
class Words:
    language: str
    sentences: Mapping[str, str]

    @staticmethod
    def of(language: str) -> Words:
        path = FOLDER / f"{language}.yaml"
        return Words(language, yaml.safe_load(path.read_text(encoding="utf-8")))

    def __call__(self, key: str, **values: Any) -> str:
        """The sentence with the values in its places. Raises KeyError for an unknown key or place."""
        return self.sentences[key].format(**values)

    def has(self, key: str) -> bool:
        return key in self.sentences
