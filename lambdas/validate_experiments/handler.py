"""AppConfig's validator: raises for a document that readers could not use, so that nothing is deployed.

AppConfig hands over {"content": base64, ...} and takes whatever is raised for a refusal (user guide, "About
validators").
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from lambdas.shared.experiment_rules import Broken, Known, check

KNOWN = Path(__file__).parent / "known.json"  # put there by the stack: what is deployed beside it


def handler(event: dict[str, Any], context: object) -> None:
    """Raises Broken, whose text AppConfig passes on."""
    try:
        document = json.loads(base64.b64decode(event["content"], validate=True))
    except ValueError as error:
        raise Broken(f"The document is no JSON: {error}") from None
    check(document, known())


def known() -> Known:
    content = json.loads(KNOWN.read_text())
    return Known(frozenset(content["lists"]), frozenset(content["placements"]))
