"""One entry of `solutions`: a recipe, how it trains, and for whom it recommends."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config import solution_rules
from config.limits import MAX_EVENT_VALUE
from config.recipes import RECIPES, TRENDING
from config.section import ItemId, Section

FieldName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=100)]
# API reference, TrainingDataConfig: columns of one dataset that are excluded.
ExcludedFields = Annotated[tuple[FieldName, ...], Field(max_length=50)]
SegmentName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class Range(Section):
    """Where a hyperparameter is searched: between `min` and `max`, or among `values`."""

    min: float | None = None
    """Least value of a number."""
    max: float | None = None
    """Largest value of a number."""
    values: tuple[str, ...] = ()
    """Values of a hyperparameter that is no number."""


class Tuning(Section):
    """Hyperparameter optimization: each training tries several sets and keeps the best. It bills each of them."""

    ranges: dict[str, Range] = Field(default_factory=dict)
    """By hyperparameter; one without a range is searched in Personalize's own."""
    jobs: int = Field(default=8, ge=1, le=40)
    """Sets that are tried (maxNumberOfTrainingJobs)."""
    parallel_jobs: int = Field(default=2, ge=1, le=10)
    """Sets that are tried at once (maxParallelTrainingJobs)."""


class Objective(Section):
    """A figure of items that recommendations raise beside relevance, such as a margin."""

    item_field: FieldName
    """Field of the items dataset: a number that is never empty."""
    sensitivity: Literal["LOW", "MEDIUM", "HIGH", "OFF"] = "LOW"
    """How much it counts against relevance."""


class TrainingEvent(Section):
    """An event type that a solution learns from."""

    type: str = Field(min_length=1, max_length=256)
    """One of `datasets.interactions.events`."""
    weight: float = Field(default=1.0, ge=0, le=1)
    """Weight in training, 0 to 1; of recipes that take event weights."""
    min_value: float | None = Field(default=None, ge=-MAX_EVENT_VALUE, le=MAX_EVENT_VALUE)
    """Events whose EVENT_VALUE is lower are not learned from (eventValueThreshold); nine decimals at most."""


class Users(Section):
    """Who gets a list. Without a rule everybody who is known; whom a rule leaves out gets the popular list."""

    active_within_days: int | None = Field(default=None, ge=1, le=3650)
    """Users with an interaction within so many days before the run."""
    new_within_days: int | None = Field(default=None, ge=1, le=3650)
    """Users whose first interaction was within so many days before the run."""


class Items(Section):
    """Which items a solution is about: by id, or those with the most interactions."""

    ids: tuple[ItemId, ...] = ()
    """Items by id."""
    popular: int | None = Field(default=None, ge=1)
    """So many items, those with the most interactions."""


class Campaign(Section):
    """An endpoint of Personalize that answers in real time. It bills by the hour from the first run on."""

    min_tps: int = Field(default=1, ge=1, le=500)
    """Requests a second that are provisioned, and billed, at least."""
    metadata: bool = False
    """Answers may hold fields of the items dataset."""


class Solution(Section):
    """A Personalize solution: how it trains, and for whom its batch jobs or its campaign recommend."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,29}$")
    """Name in the API, the table and the warehouse."""
    recipe: str
    """Personalize recipe."""
    for_each: Literal["user", "item", "everyone", "attributes"]
    """Who gets a list: each user, each item, everyone the same; or what each segment of users is made of."""
    results: int = Field(default=25, ge=1, le=5_000_000)
    """Length of a list (500 at most), or users of a segment."""
    candidates: int | None = Field(default=None, ge=1, le=500)
    """Items that batch inference ranks, of which the rules after it leave `results`; none: as many as `results`."""
    hyperparameters: dict[str, str] = Field(default_factory=dict)
    """Hyperparameters of the recipe, as strings."""
    tuning: Tuning | None = None
    """Hyperparameter optimization, for recipes that have it."""
    objective: Objective | None = None
    """Optimization objective, for user-personalization and personalized-ranking recipes."""
    events: tuple[TrainingEvent, ...] = Field(default=(), max_length=10)
    """Event types to learn from, in place of `datasets.interactions.events`; a recipe without weights takes one."""
    excluded_fields: dict[Literal["interactions", "items", "users"], ExcludedFields] = Field(
        default_factory=dict
    )
    """Fields by dataset that are not learned from; filters still see them."""
    training_mode: Literal["FULL", "UPDATE"] = "FULL"
    """UPDATE adds new items and interactions to the last version, which a first FULL training makes."""
    trains_every_days: int | None = Field(default=None, ge=1, le=30)
    """Personalize trains by itself every so many days; runs follow its newest version and train none."""
    version: str | None = Field(
        default=None, pattern=r"^arn:aws:personalize:[a-z0-9-]+:\d{12}:solution/[A-Za-z0-9_-]+/[0-9a-z]+$"
    )
    """ARN of the solution version that recommends; nothing is trained while it stands here."""
    batch: bool = True
    """false makes no batch recommendations, where the recipe has them: the campaign alone answers."""
    exploration: dict[str, str] = Field(default_factory=dict)
    """Exploration of new items in batch and campaign, for recipes that have it, as strings."""
    ranking_influence: dict[Literal["POPULARITY", "FRESHNESS"], Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict
    )
    """How much an item's popularity and freshness count beside its likeness, 0 to 1; of aws-semantic-similarity."""
    incremental_updates: bool = False
    """true lets Personalize add new items between trainings, which is billed; of aws-semantic-similarity."""
    users: Users | None = None
    """Rule of the users who get a list."""
    items: Items | None = None
    """Items that are ranked for each user, that get related items, or of which each makes a segment."""
    filter: str | None = None
    """One of `filters`, without parameters: what it leaves out is not in batch lists or segments."""
    queries: dict[SegmentName, str] = Field(default_factory=dict)
    """Segments by name, such as {bakers: 'ITEMS.CATEGORY_L1 = "BAKERY"'}."""
    campaign: Campaign | None = None
    """A campaign, kept at the version that serves."""

    @model_validator(mode="after")
    def _recipe_fits(self) -> Self:
        solution_rules.check(self)
        return self

    @property
    def ranked(self) -> int:
        """Items that batch inference is asked for."""
        return self.results if self.candidates is None else self.candidates

    @property
    def trending(self) -> bool:
        """Whether a run asks its campaign for one list for everyone: the recipe has no batch recommendations."""
        return self.recipe == TRENDING

    @property
    def listed(self) -> bool:
        """Whether readers get lists of it, whoever made them."""
        return self.publishes == "lists" or self.trending

    @property
    def publishes(self) -> Literal["lists", "rankings", "segments"] | None:
        """What its batch jobs publish; None where it has none."""
        return RECIPES[self.recipe].publishes if self.batch else None
