"""Names of members as templates and as APIs spell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def camel(value: Any) -> Any:
    """CloudFormation's PascalCase as the API's camelCase, in all that is inside; what is spelt so already stays."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: camel(item) for key, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value
