"""What Personalize takes of a solution, by its recipe (config/recipes.py), and of all solutions beside the datasets.

Sources: developer guide, "Choosing a recipe", "Hyperparameters and HPO", "Optimizing a solution", "Batch
recommendations and user segments"; API reference, CreateSolutionVersion (training mode), HPOResourceConfig.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from config import query_rules
from config.errors import check_distinct, did_you_mean, repeated
from config.limits import EVENT_VALUE_DECIMALS
from config.names import Names
from config.recipes import RECIPES, Hyperparameter, Recipe
from config.rules import one_of

if TYPE_CHECKING:
    from config.settings import DatasetField, Datasets, Sources
    from config.solution import Range, Solution, TrainingEvent

MOST_RESULTS = 500  # of a batch inference job
MOST_RANKED = 500  # items of a line to rank
# Segments of one job: Item-Affinity takes 500 items, Item-Attribute-Affinity 10 queries ("Quotas").
MOST_SEGMENTS = {"aws-item-affinity": 500, "aws-item-attribute-affinity": 10}
OBJECTIVE_TYPES = ("USER_PERSONALIZATION", "PERSONALIZED_RANKING")
_NUMBERS = ("int", "long", "float", "double")
_KEYS = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE")
_INTERACTIONS = ("EVENT_VALUE",)


def check(solution: Solution) -> None:
    """Raises ValueError that names key, value and cure, for what the recipe does not take."""
    one_of("recipe", solution.recipe, RECIPES, "a recipe of Amazon Personalize")
    recipe = RECIPES[solution.recipe]
    for rule in _RULES:
        rule(solution, recipe)


def _audience(solution: Solution, recipe: Recipe) -> None:
    if solution.for_each != recipe.audience:
        what = "makes segments" if recipe.batch == "segment" else "lists"
        raise ValueError(
            f"for_each is {solution.for_each!r} but {recipe.name} {what} for each {recipe.audience}"
        )


def _hyperparameters(solution: Solution, recipe: Recipe) -> None:
    given = solution.hyperparameters
    _known("hyperparameter", given, recipe.hyperparameters, recipe)
    ranges = solution.tuning.ranges if solution.tuning else {}
    for name, value in given.items():
        if recipe.hyperparameters[name].tuned_only:
            raise ValueError(
                f"hyperparameter {name} is {value!r}, but {recipe.name} only searches it: remove it, and write "
                f"tuning.ranges.{name} with min and max"
            )
        if name in ranges:
            raise ValueError(
                f"hyperparameter {name} is {value!r}, but tuning.ranges.{name} searches it: remove one of them"
            )
    _leave_something(given, recipe)


def _leave_something(given: Mapping[str, str], recipe: Recipe) -> None:
    """Least and most of one figure: between them is something."""
    for least, known in recipe.hyperparameters.items():
        most = least.replace("min_", "max_", 1)
        if not least.startswith("min_") or most not in recipe.hyperparameters:
            continue
        low, high = given.get(least, known.default), given.get(most, recipe.hyperparameters[most].default)
        if float(low) >= float(high):
            raise ValueError(
                f"hyperparameter {least} is {low} and {most} {high}, which leave nothing: lower the first"
            )


def _known(what: str, given: Mapping[str, str], known: Mapping[str, Hyperparameter], recipe: Recipe) -> None:
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{what} {name!r} is not one of {recipe.name}: {sorted(known) or 'it has none'}")
        known[name].check(value, name=name, recipe=recipe.name, what=what)


def _influence(solution: Solution, recipe: Recipe) -> None:
    """Developer guide, "Semantic-Similarity recipe": its factors of ranking, and incremental updates."""
    if solution.ranking_influence and not recipe.influences:
        raise ValueError(f"ranking_influence is given, but {recipe.name} has none: remove it")
    if not solution.incremental_updates:
        return
    if not recipe.incremental:
        raise ValueError(f"incremental_updates is true, but {recipe.name} has none: remove it")
    if solution.campaign is None:
        raise ValueError(
            "incremental_updates is true, but Personalize updates versions that a campaign answers from: "
            "add campaign, or remove incremental_updates"
        )


def _exploration(solution: Solution, recipe: Recipe) -> None:
    _known("exploration", solution.exploration, recipe.campaign_hyperparameters, recipe)


def _somebody_is_answered(solution: Solution, recipe: Recipe) -> None:
    if solution.campaign is not None and not recipe.campaign:
        raise ValueError(f"campaign is given, but {recipe.name} has none: remove it")
    if solution.campaign is None and recipe.batch is None:
        raise ValueError(
            f"{recipe.name} has no batch recommendations, so nobody would see what it learns: "
            "add campaign: {min_tps: 1}, which bills by the hour"
        )
    if solution.campaign is None and not solution.batch:
        raise ValueError("batch is false and there is no campaign: add one, or remove batch")


def _results(solution: Solution, recipe: Recipe) -> None:
    if recipe.batch == "segment":
        if solution.candidates is not None:
            raise ValueError(f"candidates is {solution.candidates}: segments have none, remove it")
        return
    if solution.candidates is not None and solution.publishes is None:
        raise ValueError(
            f"candidates is {solution.candidates}, but the rules after batch inference read them, and there is none "
            "here: remove it"
        )
    if solution.results > MOST_RESULTS:
        raise ValueError(f"results is {solution.results}: a list has {MOST_RESULTS} items at most, lower it")
    if solution.ranked < solution.results:
        raise ValueError(
            f"candidates is {solution.candidates}, fewer than results {solution.results}: raise it, or leave it out"
        )


def _people(solution: Solution, recipe: Recipe) -> None:
    rule = solution.users
    if rule is None:
        return
    if recipe.audience != "user" or solution.publishes is None:
        raise ValueError(f"users is given, but {recipe.name} makes no batch lists for users here: remove it")
    given = [name for name in ("active_within_days", "new_within_days") if getattr(rule, name) is not None]
    if len(given) != 1:
        raise ValueError(
            "users needs one rule: give active_within_days or new_within_days, or remove users for everybody"
        )


def _chosen_items(solution: Solution, recipe: Recipe) -> None:
    chosen = solution.items
    wanted = solution.publishes == "rankings" or (recipe.batch == "segment" and recipe.audience == "item")
    if chosen is None:
        if wanted:
            raise ValueError(
                f"items is missing: {recipe.name} wants to know which items; add items: {{popular: 100}} or "
                "items: {ids: [...]}"
            )
        return
    if solution.publishes is None or not (wanted or recipe.audience == "item"):
        raise ValueError(f"items is given, but {recipe.name} takes none in batch: remove it")
    if (chosen.popular is None) == (not chosen.ids):
        raise ValueError("items needs ids or popular: give one of them")
    check_distinct("items.ids", chosen.ids)
    _few_enough(solution, recipe, chosen.popular or len(chosen.ids))


def _few_enough(solution: Solution, recipe: Recipe, count: int) -> None:
    most = MOST_RANKED if solution.publishes == "rankings" else MOST_SEGMENTS.get(recipe.name, count)
    if count > most:
        raise ValueError(f"items are {count}, and {recipe.name} takes {most} at most: give fewer")
    if solution.publishes == "rankings" and solution.results > count:
        raise ValueError(
            f"results is {solution.results}, but {count} items are ranked: lower results or give more items"
        )


def _queries(solution: Solution, recipe: Recipe) -> None:
    if recipe.audience != "attributes":
        if solution.queries:
            raise ValueError(f"queries is given, but {recipe.name} takes none: remove it")
        return
    if not solution.queries:
        raise ValueError(
            f"queries is missing: {recipe.name} makes a segment of each, such as "
            f"queries: {{bakers: {query_rules.EXAMPLE}}}"
        )
    most = MOST_SEGMENTS[recipe.name]
    if len(solution.queries) > most:
        raise ValueError(f"queries are {len(solution.queries)}, {recipe.name} takes {most}: give fewer")
    twice = repeated(solution.queries.values())
    if twice is not None:
        raise ValueError(
            f"queries has {twice!r} under two names: keep one, since answers are found by their query"
        )
    for name, query in solution.queries.items():
        _check_query(name, query)


def _check_query(name: str, query: str) -> None:
    try:
        query_rules.conditions(query)
    except ValueError as error:
        raise ValueError(f"queries.{name} is {query!r}: {error}") from None


def _tuning(solution: Solution, recipe: Recipe) -> None:
    tuning = solution.tuning
    if tuning is None:
        return
    if not recipe.tuning:
        raise ValueError(f"tuning is given, but {recipe.name} has no hyperparameter optimization: remove it")
    if tuning.parallel_jobs > tuning.jobs:
        raise ValueError(
            f"tuning.parallel_jobs is {tuning.parallel_jobs}, more than jobs {tuning.jobs}: lower it"
        )
    can = {name: given for name, given in recipe.hyperparameters.items() if given.tunable or given.tuned_only}
    for name, searched in tuning.ranges.items():
        if name not in can:
            raise ValueError(f"tuning.ranges: {name!r} can't be searched of {recipe.name}: {sorted(can)} can")
        _check_range(name, searched, can[name], recipe)


def _check_range(name: str, searched: Range, known: Hyperparameter, recipe: Recipe) -> None:
    where = f"tuning.ranges.{name}"
    if known.kind in ("bool", "choice"):
        if not searched.values or searched.min is not None or searched.max is not None:
            raise ValueError(f"{where} is no number: give its values, such as values: ['true', 'false']")
        for value in searched.values:
            known.check(value, name=name, recipe=recipe.name)
        return
    if searched.values or searched.min is None or searched.max is None:
        raise ValueError(f"{where} is a number: give its min and max")
    if searched.min >= searched.max:
        raise ValueError(f"{where} has min {searched.min:g}, not below max {searched.max:g}: correct one")
    for bound in (searched.min, searched.max):
        known.check(number(bound), name=name, recipe=recipe.name)


def number(value: float) -> str:
    """The text of a hyperparameter or a threshold: no exponent, and whole numbers without a point."""
    return str(int(value)) if value == int(value) else f"{value:.12f}".rstrip("0")


def _objective(solution: Solution, recipe: Recipe) -> None:
    if solution.objective is not None and recipe.type not in OBJECTIVE_TYPES:
        raise ValueError(f"objective is given, but {recipe.name} takes none: remove it")


def _events(solution: Solution, recipe: Recipe) -> None:
    types = [event.type for event in solution.events]
    twice = repeated(types)
    if twice is not None:
        raise ValueError(f"events: type {twice!r} is listed twice: keep one")
    for event in solution.events:
        _check_least_value(event)
    if recipe.event_weights:
        return
    if len(types) > 1:
        raise ValueError(
            f"events lists {types}, but {recipe.name} learns from one type or from all: keep one"
        )
    if any(event.weight != 1.0 for event in solution.events):
        raise ValueError(f"events: weight is given, but {recipe.name} takes no weights: remove it")


def _check_least_value(event: TrainingEvent) -> None:
    """Values are written with so many decimals: a threshold below them is another."""
    if event.min_value is not None and round(event.min_value, EVENT_VALUE_DECIMALS) != event.min_value:
        raise ValueError(
            f"events: min_value of {event.type!r} is {event.min_value!r}: values have {EVENT_VALUE_DECIMALS} decimals, "
            "round it"
        )


def _about_actions(solution: Solution, recipe: Recipe) -> None:
    """Developer guide, "Next-Best-Action recipe": it reads actions, and an answer names them alone."""
    if recipe.type != "PERSONALIZED_ACTIONS":
        return
    given = {
        "events": solution.events,
        "excluded_fields": solution.excluded_fields,
        "campaign.metadata": solution.campaign is not None and solution.campaign.metadata,
    }
    for key, value in given.items():
        if value:
            raise ValueError(
                f"{key} is given, but {recipe.name} recommends actions and takes none: remove it"
            )


def _training_mode(solution: Solution, recipe: Recipe) -> None:
    if solution.training_mode == "UPDATE" and not recipe.updatable:
        able = " and ".join(name for name, known in RECIPES.items() if known.updatable)
        raise ValueError(f"training_mode is UPDATE, which {able} alone takes: write FULL, or leave it out")


def _automatic(solution: Solution, recipe: Recipe) -> None:
    """Developer guide, "Configuring automatic training": versions are FULL, and come whoever looks at them."""
    if solution.trains_every_days is None:
        return
    if solution.training_mode == "UPDATE":
        raise ValueError(
            "training_mode is UPDATE, but trains_every_days lets Personalize train, which trains in full: remove one"
        )
    if solution.version is not None:
        raise ValueError(
            "version names what recommends, but trains_every_days would train, and bill, all the while: remove one"
        )


_RULES: tuple[Callable[[Solution, Recipe], None], ...] = (
    _audience,
    _hyperparameters,
    _exploration,
    _influence,
    _about_actions,
    _somebody_is_answered,
    _results,
    _people,
    _chosen_items,
    _queries,
    _tuning,
    _objective,
    _events,
    _training_mode,
    _automatic,
)


def check_against(solutions: Iterable[Solution], datasets: Datasets) -> None:
    """Raises ValueError for what a solution names and the datasets lack (developer guide, "Choosing a recipe")."""
    for solution in solutions:
        for problem in _problems(solution, datasets):
            raise ValueError(f"solutions: {solution.name!r} {problem}")


def _problems(solution: Solution, datasets: Datasets) -> Iterator[str]:
    for dataset in sorted(RECIPES[solution.recipe].required):
        if not datasets.configured(dataset.lower()):
            yield (
                f"has recipe {solution.recipe}, which needs the {dataset} dataset: add datasets.{dataset.lower()}, "
                "or take another recipe"
            )
    if solution.recipe == "aws-semantic-similarity":
        yield from _unnamed_items(datasets)
    if solution.campaign is not None and solution.campaign.metadata and not datasets.configured("items"):
        yield "has campaign.metadata, but there is no datasets.items: add the dataset, or remove campaign.metadata"
    if "FRESHNESS" in solution.ranking_influence and "CREATION_TIMESTAMP" not in _item_fields(datasets):
        yield (
            "has ranking_influence.FRESHNESS, which is of items' ages: add CREATION_TIMESTAMP to "
            "datasets.items.fields, or remove it"
        )
    yield from _unknown_events(solution, datasets)
    yield from _unknown_fields(solution, datasets)
    yield from _no_objective(solution, datasets)
    yield from _unknown_queries(solution, datasets)


def _unnamed_items(datasets: Datasets) -> Iterator[str]:
    """Developer guide, "Semantic-Similarity recipe": a name, and a text that describes the item."""
    fields = _item_fields(datasets).values()
    if not any(field.item_name for field in fields):
        yield "reads the item's name: mark one field of datasets.items.fields with item_name: true"
    if not any(field.textual for field in fields):
        yield "reads a description: mark one field of datasets.items.fields with textual: true"


def _item_fields(datasets: Datasets) -> dict[str, DatasetField]:
    return {field.name: field for field in datasets.fields("items")} if datasets.configured("items") else {}


def _unknown_events(solution: Solution, datasets: Datasets) -> Iterator[str]:
    known = {event.type for event in datasets.interactions.events}
    for event in solution.events:
        if event.type not in known:
            yield (
                f"learns from events {event.type!r}, which datasets.interactions.events lacks: "
                + did_you_mean(event.type, known)
            )


def _unknown_fields(solution: Solution, datasets: Datasets) -> Iterator[str]:
    for dataset, names in solution.excluded_fields.items():
        known = _excludable(dataset, datasets)
        for name in names:
            if names.count(name) > 1:
                yield f"has excluded_fields.{dataset} with {name} twice: keep one"
            if name not in known:
                why = "can't be left out" if name in _KEYS else "is no field of it"
                yield f"has excluded_fields.{dataset} with {name}, which {why}: {did_you_mean(name, known)}"


def _excludable(dataset: str, datasets: Datasets) -> set[str]:
    if dataset == "interactions":
        return {*_INTERACTIONS, *(field.name for field in datasets.interactions.fields)}
    if not datasets.configured(dataset):
        return set()
    return {field.name for field in datasets.fields(dataset)} - set(_KEYS)


def _no_objective(solution: Solution, datasets: Datasets) -> Iterator[str]:
    if solution.objective is None:
        return
    name = solution.objective.item_field
    field = _item_fields(datasets).get(name)
    if field is None or field.type not in _NUMBERS or field.nullable:
        yield (
            f"has objective.item_field {name}, which is no field of datasets.items that is a number and never "
            "empty: name one, without nullable"
        )


def _unknown_queries(solution: Solution, datasets: Datasets) -> Iterator[str]:
    for name, query in solution.queries.items():
        for problem in query_rules.problems(query, _item_fields(datasets)):
            yield f"has queries.{name} with {problem}"


def check_values(solutions: Iterable[Solution], datasets: Datasets, sources: Sources) -> None:
    """A threshold is of a value that events have. Raises ValueError."""
    sourced = {event.type: event.source for event in datasets.interactions.events}
    for solution in solutions:
        for event in solution.events:
            if event.min_value is None:
                continue
            where = (
                f"solutions: {solution.name!r} has events {event.type!r} with min_value {event.min_value:g}"
            )
            if "EVENT_VALUE" in solution.excluded_fields.get("interactions", ()):
                raise ValueError(
                    f"{where}, and excluded_fields.interactions leaves EVENT_VALUE out: remove one"
                )
            key = _unfilled(sourced.get(event.type), datasets, sources)
            if key is not None:
                raise ValueError(
                    f"{where}, and no such event has a value, so none would be learned from: name it in {key}, or "
                    "remove min_value"
                )


def _unfilled(source: str | None, datasets: Datasets, sources: Sources) -> str | None:
    """The key that would fill EVENT_VALUE for events of the source; None where it is filled."""
    orders = datasets.interactions.order_columns
    if source == "orders" and orders is not None and orders.EVENT_VALUE is None:
        return "datasets.interactions.order_columns.EVENT_VALUE"
    log = sources.application_log
    if source == "application_log" and log is not None and log.attributes.EVENT_VALUE is None:
        return "sources.application_log.attributes.EVENT_VALUE"
    return None


def check_pins(solutions: Iterable[Solution], names: Names) -> None:
    """A version that recommends is one of this environment, made for a solution of that name."""
    for solution in solutions:
        beginning = names.personalize_arn(f"solution/{names.of(solution.name)}-")
        if solution.version is not None and not solution.version.startswith(beginning):
            raise ValueError(
                f"solutions: {solution.name!r} has version {solution.version!r}, which is none of this solution here: "
                f"its ARN begins with {beginning}; take one that the warehouse's metrics list"
            )
