"""What a filter may say, as far as it needs no grammar: what it includes, fields that exist, whose filter it may be.

Source: developer guide, "Filter expressions" ("Guidelines and requirements"). The whole grammar is asked of each
template by `make check`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from config import limits
from config.errors import did_you_mean
from config.query_rules import TEXTS, blank
from config.recipes import RECIPES

if TYPE_CHECKING:
    from config.settings import Datasets
    from config.solution import Solution

_BEGINNING = re.compile(r"\A\s*(INCLUDE|EXCLUDE)\s+(ItemID|ActionID|UserID)\s+WHERE\s", re.IGNORECASE)
# "Filter expression elements": which of them depends on what is recommended; of the types that aren't here, items.
_TARGETS = {"USER_SEGMENTATION": "UserID", "PERSONALIZED_ACTIONS": "ActionID"}
_CURRENT_ITEM = re.compile(r"\bCurrentItem\.", re.IGNORECASE)
_OF_INTERACTION = re.compile(r"\bInteractions\.", re.IGNORECASE)
_DATASETS = {
    "interactions": "interactions",
    "items": "items",
    "currentitem": "items",
    "users": "users",
    "user": "users",
    "currentuser": "users",
    "actions": "actions",
    "action": "actions",
    "action_interactions": "action_interactions",
    "actioninteractions": "action_interactions",
}
_FIELD = re.compile(rf"\b({'|'.join(_DATASETS)})\.([A-Za-z0-9_]+)", re.IGNORECASE)
_PARAMETER = re.compile(r"\$[A-Za-z0-9_]+")
_NOT_IN = re.compile(r"\bNOT\s+IN\s*\([^)]*?(\$[A-Za-z0-9_]+)", re.IGNORECASE)
_EVENT_TYPES = re.compile(
    r"\b(Interactions|Action_?Interactions)\.EVENT_TYPE\s+(?:NOT\s+)?IN\s*\([^)]*\)", re.IGNORECASE
)
# "Guidelines and requirements": of these nothing but the event type, such as contextual metadata.
_EVENTS = ("interactions", "action_interactions")
# The same page: "Amazon Personalize automatically filters action recommendations based on this data".
_AUTOMATIC = ("EXPIRATION_TIMESTAMP", "REPEAT_FREQUENCY")


def check_filters(filters: Mapping[str, str], solutions: Iterable[Solution], datasets: Datasets) -> None:
    """Raises ValueError that names key, value and cure."""
    _check_counts(filters)
    for name, expression in filters.items():
        for problem in _problems(expression, datasets):
            raise ValueError(f"filters.{name} is {expression!r}: {problem}")
    for solution in solutions:
        if solution.filter is not None:
            _check_of_solution(solution, filters)


def _check_counts(filters: Mapping[str, str]) -> None:
    """Quotas of a dataset group: of filters, of one filter's distinct fields, and of those of all."""
    if len(filters) > limits.MAX_CONFIGURED_FILTERS:
        raise ValueError(
            f"filters has {len(filters)}, {limits.MAX_CONFIGURED_FILTERS} at most: a dataset group has "
            f"{limits.MAX_FILTERS}, and a changed expression is a second filter beside the old one until its lists "
            "serve; remove some, or make several one with a parameter such as $CATEGORY"
        )
    fields = {name: _distinct(expression) for name, expression in filters.items()}
    for name, used in fields.items():
        if len(used) > limits.MAX_FILTER_FIELDS:
            raise ValueError(
                f"filters.{name} looks at {len(used)} fields, {limits.MAX_FILTER_FIELDS} at most: leave some out"
            )
    used = set().union(*fields.values())
    if len(used) > limits.MAX_FILTER_FIELDS_OF_GROUP:
        raise ValueError(
            f"filters look at {len(used)} fields together, {limits.MAX_FILTER_FIELDS_OF_GROUP} at most, those of a "
            f"changed filter's old expression among them until it goes: leave some out of {', '.join(sorted(used))}"
        )


def _distinct(expression: str) -> set[str]:
    """Fields by dataset, each once; CurrentUser and CurrentItem are users and items."""
    return {
        f"{_DATASETS[dataset.lower()]}.{field.upper()}"
        for dataset, field in _FIELD.findall(blank(expression))
    }


def _problems(expression: str, datasets: Datasets) -> Iterator[str]:
    if not _BEGINNING.search(expression):
        yield "begin with INCLUDE or EXCLUDE, then ItemID WHERE, such as EXCLUDE ItemID WHERE Items.STOCK = 0"
    for dataset, field in _FIELD.findall(blank(expression)):
        yield from _of_field(dataset, field, datasets)
    yield from _placeholders(expression)
    yield from _event_types(expression, datasets)


def _placeholders(expression: str) -> Iterator[str]:
    """The cure is that of the guide's "Common error messages": "use the IN operator and use the opposite Action"."""
    for part in blank(expression).split("|"):
        begins, found = _BEGINNING.search(part), _NOT_IN.search(part)
        if begins and found:
            mode = begins.group(1).upper()
            opposite = "EXCLUDE" if mode == "INCLUDE" else "INCLUDE"
            yield f"NOT IN takes no placeholder, such as {found.group(1)}: write IN, and {opposite} in place of {mode}"


def _event_types(expression: str, datasets: Datasets) -> Iterator[str]:
    """Types that no event of Personalize has: they would filter nothing. Case counts for nothing in them, as there."""
    for found in _EVENT_TYPES.finditer(blank(expression)):
        known = _known_types(found.group(1).lower(), datasets)
        for text in TEXTS.findall(expression[found.start() : found.end()]):
            named = text[1:-1]
            if known and named != "*" and named.lower() not in {one.lower() for one in known}:
                yield f"no event that Personalize is given has EVENT_TYPE {text}: {did_you_mean(named, known)}"


def _known_types(dataset: str, datasets: Datasets) -> set[str]:
    """Empty where the dataset isn't configured."""
    if dataset == "interactions":
        return {event.type for event in datasets.interactions.events}
    return (
        {event.means for event in datasets.action_interactions.events}
        if datasets.action_interactions
        else set()
    )


def _of_field(dataset: str, field: str, datasets: Datasets) -> Iterator[str]:
    """`dataset` as the expression writes it."""
    name = _DATASETS[dataset.lower()]
    if not datasets.configured(name):
        yield f"{dataset}.{field} needs the dataset of {name}, and there is no datasets.{name}: add it"
        return
    if name in _EVENTS:
        if field.upper() != "EVENT_TYPE":
            yield f"{dataset} are filtered by EVENT_TYPE alone, not by {field}: write EVENT_TYPE"
        return
    known = {one.name for one in datasets.fields(name)}
    if name == "actions" and field.upper() in _AUTOMATIC:
        yield f"{dataset}.{field} is what Personalize itself leaves actions out by: leave the condition out"
    elif field.upper() not in {one.upper() for one in known}:
        yield f"{dataset} has no field {field}: {did_you_mean(field, known)}"


def _check_of_solution(solution: Solution, filters: Mapping[str, str]) -> None:
    where = f"solutions: {solution.name!r} has filter {solution.filter!r}"
    if solution.filter not in filters:
        raise ValueError(
            f"{where}, which filters lacks: {did_you_mean(solution.filter, filters) or 'add it'}"
        )
    if solution.publishes is None:
        raise ValueError(f"{where}, but makes no batch lists: a campaign is told its filter in each request")
    words = blank(filters[str(solution.filter)])
    for problem in _unfit(words, solution.recipe):
        raise ValueError(f"{where}, which {problem}")
    parameters = _PARAMETER.findall(words)
    if parameters:
        raise ValueError(
            f"{where} with parameter {parameters[0]}, which batch lists have no value for: write it out"
        )


def _unfit(words: str, recipe_name: str) -> Iterator[str]:
    """What the recipe does not take of a filter, whose texts are left out of `words`, and the cure."""
    recipe = RECIPES[recipe_name]
    wanted = _TARGETS.get(recipe.type, "ItemID")
    target = _target(words)
    if target.upper() != wanted.upper():
        yield f"filters {target}, but {recipe.name} recommends what {wanted} filters: name a filter of {wanted}"
    if _CURRENT_ITEM.search(words) and recipe.type != "RELATED_ITEMS":
        yield (
            f"compares with CurrentItem, but {recipe.name} recommends beside no item: write the value out, or "
            "filter a recipe of related items"
        )
    if _OF_INTERACTION.search(words) and recipe.name == "aws-item-attribute-affinity":
        yield f"looks at Interactions, which {recipe.name} doesn't take: filter by fields of Users"


def _target(words: str) -> str:
    found = _BEGINNING.search(words)
    return found.group(2) if found else ""
