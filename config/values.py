"""What the configuration knows of one value, for who has the value and no configuration: a check of templates.

The rules are the model's own (config/settings.py), so there is one set of them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError


def problem(section: type[BaseModel], key: str, value: Any) -> str | None:
    """Why the key refuses the value; None where it takes it. Rules over several keys are not asked."""
    try:
        read = _adapter(section, key).validate_python(value)
        for decorator in section.__pydantic_decorators__.field_validators.values():
            if key in decorator.info.fields:
                decorator.func(read)
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    except ValueError as error:
        return str(error)
    return None


def _adapter(section: type[BaseModel], key: str) -> TypeAdapter[Any]:
    field = section.model_fields[key]
    annotation: Any = field.annotation
    for constraint in field.metadata:
        annotation = Annotated[annotation, constraint]
    return TypeAdapter(annotation)
