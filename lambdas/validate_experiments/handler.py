"""AppConfig's validator: raises for a document that readers could not use, so that nothing is deployed.

AppConfig hands over {"content": base64, ...} and takes whatever is raised for a refusal (user guide, "About
validators").
"""

from __future__ import annotations

import base64
import json
from typing import Any

from lambdas.shared import environment
from lambdas.shared.experiment_rules import Broken, Known, check
from lambdas.validate_experiments.environment import Environment


def handler(event: dict[str, Any], context: object) -> None:
    """Raises Broken, whose text AppConfig passes on."""
    try:
        document = json.loads(base64.b64decode(event["content"], validate=True))
    except ValueError as error:
        raise Broken(f"The document is no JSON: {error}") from None
    given = environment.read(Environment)
    check(document, Known(frozenset(given.lists), frozenset(given.placements), frozenset(given.attributes)))
