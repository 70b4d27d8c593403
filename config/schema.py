"""config/schema.json, by which editors complete and check the files: `python -m config.schema > config/schema.json`.

It describes one file, of which each section may stand in part, as `common.yaml` holds the rest. Rules that join
several keys, and those of time zones and schedules, are checked by `config.settings.load` alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from config import gate, recipes, rules
from config.reference import listed_sections
from config.settings import Settings

FILE = Path(__file__).with_suffix(".json")
# Values that validators look up, by <model>.<field>.
_KNOWN: Mapping[tuple[str, str], Iterable[Any]] = {
    ("Settings", "region"): rules.PERSONALIZE_REGIONS,
    ("Settings", "log_retention_days"): rules.LOG_RETENTION_DAYS,
    ("Solution", "recipe"): recipes.RECIPES,
    ("QualityGate", "metric"): gate.METRICS_REPORTED,
    ("GateRules", "metric"): gate.METRICS_REPORTED,
}

# Maps of which null takes back what the other file says.
_TAKEN_BACK = ("placements", "rules")

Schema = dict[str, Any]


def schema() -> Schema:
    """JSON Schema, draft 2020-12, of an environment's file or common.yaml."""
    generated = Settings.model_json_schema()
    models = {"Settings": generated, **generated["$defs"]}
    whole = {model.__name__ for model in listed_sections()}
    for name, model in models.items():
        if name not in whole:
            model.pop("required", None)
        for field in model.get("properties", {}).values():
            _optional_section(field)
    for name in _TAKEN_BACK:
        _may_be_null(generated["properties"][name]["patternProperties"])
    for (name, key), values in _KNOWN.items():
        field = models[name]["properties"][key]
        nothing = [None] if {"type": "null"} in field.get("anyOf", ()) else []
        field["enum"] = [*sorted(values), *nothing]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated}


def _optional_section(field: Schema) -> None:
    """Says of a section that may be null what is wrong inside of it, and not that nothing fits."""
    section, null = (field.get("anyOf") or [{}, {}])[:2]
    if "$ref" in section and null == {"type": "null"}:
        del field["anyOf"]
        field |= {"if": null, "else": section}


def _may_be_null(entries: Schema) -> None:
    """Entries of a map. One that says a part of what is shared need not say its kind, which tells one of several."""
    for pattern, entry in entries.items():
        parts = {"anyOf": entry["oneOf"]} if "oneOf" in entry else entry
        entries[pattern] = {"if": {"type": "null"}, "else": parts}


def text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
