"""What a filter may say about the datasets of its group ("Guidelines and requirements")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from osusume_engine.filters.expressions import (
    Condition,
    Expression,
    FieldRef,
    FilterError,
    FilterExpression,
    Parameter,
    Predicate,
    predicates,
)
from osusume_engine.schemas import (
    ACTION_INTERACTIONS,
    ACTIONS,
    INTERACTIONS,
    ITEMS,
    NUMERIC,
    USERS,
    Field,
    Schema,
)

if TYPE_CHECKING:
    from osusume_engine.recipes import RecipeSpec

# Developer guide, "Amazon Personalize endpoints and quotas".
MAX_FIELDS = 10
MAX_FIELDS_OF_GROUP = 20
MAX_PARAMETERS = 25
_SOURCES = {
    "ITEMID": (ITEMS, INTERACTIONS),
    "ACTIONID": (ACTIONS, ACTION_INTERACTIONS),
    "USERID": (USERS, INTERACTIONS),
}
# What a filter of a recipe leaves out; of the types that aren't here, ITEMID.
_TARGETS = {"USER_SEGMENTATION": "USERID", "PERSONALIZED_ACTIONS": "ACTIONID"}
# "Guidelines and requirements": Personalize leaves actions out by these itself.
_AUTOMATIC = ("EXPIRATION_TIMESTAMP", "REPEAT_FREQUENCY")
_EVENTS = (INTERACTIONS, ACTION_INTERACTIONS)
_ORDERED = ("<", "<=", ">", ">=", "BETWEEN")
_CURRENT = {"CURRENTUSER": USERS, "CURRENTITEM": ITEMS}


def check_filter(expression: FilterExpression, schemas: Mapping[str, Schema]) -> None:
    """FilterError names the field and the cure. `schemas` are those of the group's datasets by type."""
    if len({one.target for one in expression.expressions}) > 1:
        raise FilterError("Expressions joined by | must all filter ItemID, UserID or ActionID")
    if len(expression.fields()) > MAX_FIELDS:
        raise FilterError(f"A filter has at most {MAX_FIELDS} distinct dataset fields")
    if len(expression.parameters) > MAX_PARAMETERS:
        raise FilterError(f"A filter has at most {MAX_PARAMETERS} parameters")
    for one in expression.expressions:
        _check_expression(one, schemas)


def check_recipe(expression: FilterExpression, recipe: RecipeSpec) -> None:
    """FilterError ("filters USERID: ...") where the recipe doesn't recommend what the filter leaves out."""
    wanted = _TARGETS.get(recipe.type, "ITEMID")
    if expression.target != wanted:
        raise FilterError(f"filters {expression.target}: recipe {recipe.name} needs {wanted}")
    if expression.uses("CURRENTITEM") and recipe.type != "RELATED_ITEMS":
        raise FilterError(f"uses CurrentItem: recipe {recipe.name} has no current item")
    if expression.uses("INTERACTIONS") and recipe.name == "aws-item-attribute-affinity":
        raise FilterError(f"uses Interactions: recipe {recipe.name} does not support that")


def _check_expression(expression: Expression, schemas: Mapping[str, Schema]) -> None:
    sources = [predicate.field.source for predicate in predicates(expression.condition)]
    if "CURRENTUSER" in sources:
        raise FilterError("CurrentUser can only be used in an IF condition")
    if len(set(sources)) > 1:
        raise FilterError(
            f"One expression can't use the datasets {' and '.join(sorted(set(sources)))}: join two with |"
        )
    allowed = _SOURCES[expression.target]
    if sources[0] not in allowed:
        raise FilterError(
            f"{expression.target} can be filtered by {' or '.join(allowed)}, not by {sources[0]}"
        )
    for predicate in predicates(expression.condition):
        _check_predicate(predicate, schemas)
    if expression.only_if is not None:
        _check_only_if(expression, expression.only_if, schemas)


def _check_only_if(expression: Expression, condition: Condition, schemas: Mapping[str, Schema]) -> None:
    if expression.target == "USERID":
        raise FilterError("IF conditions can't be used to filter UserID")
    for predicate in predicates(condition):
        if predicate.field.source != "CURRENTUSER":
            raise FilterError(f"An IF condition checks CurrentUser only, not {predicate.field}")
        _check_predicate(predicate, schemas)


def _check_predicate(predicate: Predicate, schemas: Mapping[str, Schema]) -> None:
    field = _field(predicate.field, schemas)
    for value in predicate.values:
        if isinstance(value, Parameter) and predicate.operator == "NOT IN":
            # The guide's words ("Common error messages", "Filtering recommendations").
            raise FilterError(
                f"Invalid input symbol: ${value.name}. Placeholders are not allowed with NOT_IN operator."
            )
    if predicate.field.source in _EVENTS:
        _check_event(predicate)
        return
    if predicate.field.source == ACTIONS and field.name.upper() in _AUTOMATIC:
        raise FilterError(
            f"{predicate.field}: filters can't use it, Personalize filters actions by it itself"
        )
    if field.textual:
        raise FilterError(f"{predicate.field} is textual: filters can't use it")
    if field.type == "boolean":
        raise FilterError(
            f"Invalid Expression: {predicate.field} is boolean: use a string or an integer field"
        )
    numeric = field.type in NUMERIC
    if predicate.operator in _ORDERED and not numeric:
        raise FilterError(f"{predicate.operator} needs a numeric field, {predicate.field} is {field.type}")
    for value in predicate.values:
        _check_value(predicate, value, field, schemas)


def _check_value(predicate: Predicate, value: object, field: Field, schemas: Mapping[str, Schema]) -> None:
    numeric = field.type in NUMERIC
    if isinstance(value, Parameter):
        return
    if isinstance(value, FieldRef):
        if value.source != "CURRENTITEM":
            raise FilterError(f"Only CurrentItem can be compared with, not {value}")
        if (_field(value, schemas).type in NUMERIC) != numeric:
            raise FilterError(f"{predicate.field} and {value} have different types")
    elif isinstance(value, str) and numeric:
        raise FilterError(f"{predicate.field} is {field.type}: compare it with a number, not {value!r}")
    elif isinstance(value, float) and not numeric:
        raise FilterError(
            f"{predicate.field} is {field.type}: compare it with a quoted string, not {value:g}"
        )
    elif value == "*":
        raise FilterError("* can only be used with EVENT_TYPE")


def _check_event(predicate: Predicate) -> None:
    if predicate.field.name.upper() != "EVENT_TYPE":
        raise FilterError(
            f"{predicate.field.dataset} can only be filtered by EVENT_TYPE, not by {predicate.field}"
        )
    if predicate.operator not in ("IN", "NOT IN"):
        raise FilterError(f"EVENT_TYPE is filtered with IN or NOT IN, not with {predicate.operator}")
    if any(isinstance(value, float | FieldRef) for value in predicate.values):
        raise FilterError("EVENT_TYPE is compared with quoted strings or parameters")


def _field(ref: FieldRef, schemas: Mapping[str, Schema]) -> Field:
    dataset_type = _CURRENT.get(ref.source, ref.source)
    schema = schemas.get(dataset_type)
    if schema is None:
        raise FilterError(f"The dataset group has no {dataset_type} dataset, which {ref} needs")
    field = schema.field_ignoring_case(ref.name)
    if field is None:
        raise FilterError(f"The {dataset_type} schema has no field {ref.name}")
    return field
