"""Configurations that pages show are accepted, over the example's; an excerpt over what it needs besides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import files
from config.settings import Settings
from tests import example, links

ROOT = Path(__file__).parents[1]
ACTIONS = yaml.safe_load((ROOT / "docs" / "examples" / "items-and-segments.yaml").read_text())
# What else an excerpt needs, by its page and the keys of its first section.
AROUND: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {
    ("docs/streaming.md", ("action_interactions",)): ACTIONS,
    ("docs/streaming.md", ("items", "users")): {
        "publishing": {"item_fields": ["BRAND"]},
        "rules": {"variety": {"field": "BRAND"}},
    },
}


def shown() -> Iterator[tuple[str, dict[str, Any]]]:
    """(page, content) of each block of YAML whose keys are the configuration's."""
    for page in links.pages(ROOT):
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            content = yaml.safe_load(block)
            if isinstance(content, dict) and content.keys() <= Settings.model_fields.keys():
                yield page.relative_to(ROOT).as_posix(), content


@pytest.mark.parametrize(("page", "content"), list(shown()))
def test_a_configuration_that_a_page_shows_is_accepted(page: str, content: dict[str, Any]) -> None:
    around = AROUND.get((page, tuple(sorted(next(iter(content.values()))))), {})
    Settings.model_validate(files.merged(example.content(**around), content))


def test_configurations_are_found() -> None:
    pages = [page for page, _ in shown()]
    assert len(pages) > 10 and "docs/api.md" in pages and "docs/experiments.md" in pages
