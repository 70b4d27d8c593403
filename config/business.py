"""What the application asks for and what the business says about it: placements, and the rules that shape their lists.

`lambdas/get_recommendations/rules.py` has a row for each kind of rule here; tests/lambdas/test_rules.py compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from config.errors import did_you_mean
from config.section import ItemId, Section
from config.solution import FieldName

KEPT_DAYS = 180
"""Days for which a user's own state is kept for rules; lambdas/shared/user_state.py holds a copy."""

Days = Annotated[int, Field(ge=1, le=KEPT_DAYS)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Values = Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
NUMBERS = ("int", "long", "float", "double")
State = Literal["new", "active", "just_bought", "lapsed"]


class UserStates(Section):
    """When a user is in which state. Each user is in one: the first that fits, in the order of the keys, else `active`.

    Deeds are purchases, clicks, favourites, starts and progress: purchases as the last run knew them, all of them as
    `POST /v1/events` took them since.
    """

    just_bought_days: Days = 2
    """`just_bought`: the last purchase is less than so many days ago."""
    new_days: Days = 14
    """`new`: the first deed is less than so many days ago, or none is known."""
    lapsed_days: Days = 60
    """`lapsed`: the last deed is so many days ago, or more."""

    @model_validator(mode="after")
    def _each_state_can_be_somebodys(self) -> Self:
        if self.just_bought_days >= self.lapsed_days:
            raise ValueError(
                f"just_bought_days {self.just_bought_days} is not below lapsed_days {self.lapsed_days}, so a user "
                "who has just bought had lapsed: raise the second"
            )
        return self


class NotInterested(Section):
    """What was shown often and never clicked, and what the user dismissed."""

    kind: Literal["not_interested"]
    """Shown `shown` times within `within_days` days and not clicked since; dismissed items go in any case."""
    shown: int = Field(default=5, ge=1, le=100)
    """Showings that say it."""
    within_days: Days = 14
    """Days in which they lie."""
    action: Literal["exclude", "demote"] = "exclude"
    """`exclude` leaves the item out; `demote` multiplies its score by `factor`."""
    factor: float = Field(default=0.5, ge=0, le=1)
    """What a demoted item's score is multiplied by."""
    again_after_days: Days = 30
    """Days after the last showing when the item may be shown again."""
    again_when_price_falls: FieldName | None = None
    """Item field with the time of its last price cut, epoch seconds: showings before it don't count."""
    again_when_new_stock: FieldName | None = None
    """Item field with the time when new stock last came, epoch seconds: showings before it don't count."""
    again_when_related_bought: FieldName | None = None
    """Item field, such as its category: showings before the user bought something of its value don't count."""
    dismissed_days: Days = KEPT_DAYS
    """Days for which a dismissed item stays away, whatever else holds, unless it is undone."""

    @property
    def times(self) -> dict[str, str]:
        """Key -> item field that holds a time."""
        keys = ("again_when_price_falls", "again_when_new_stock")
        return {key: field for key in keys if (field := getattr(self, key)) is not None}


class Repurchase(Section):
    """Whether, and how soon, what was bought is recommended again."""

    kind: Literal["repurchase"]
    """Leaves out what the user bought within so many days."""
    days: int = Field(default=30, ge=0, le=3650)
    """Days for which a bought item stays away; 0 allows it at once."""
    field: FieldName | None = None
    """Item field by whose value `days_of` says other days."""
    days_of: dict[str, Annotated[int, Field(ge=0, le=3650)]] = Field(default_factory=dict)
    """Value of the field -> days, where they differ from `days`."""

    @model_validator(mode="after")
    def _days_have_their_field(self) -> Self:
        if bool(self.field) != bool(self.days_of):
            raise ValueError(f"field is {self.field!r} and days_of {self.days_of}: give both or neither")
        return self


class Bought(Section):
    """Only what the user has bought before, or only what they never bought."""

    kind: Literal["bought"]
    """Splits a list by whether the user ever bought the item."""
    keep: Literal["before", "never"]
    """`before` keeps what they bought before, `never` what they never did."""


class Cap(Section):
    """No more than so many items of one value among those that are shown."""

    kind: Literal["cap"]
    """Moves items beyond `at_most` of one value behind the others."""
    field: FieldName
    """Item field whose values are counted; an item with several counts for each."""
    at_most: int = Field(ge=1, le=100)
    """Items of one value."""


class BoostNew(Section):
    """New items come higher."""

    kind: Literal["boost_new"]
    """Multiplies the score of items that were created lately."""
    within_days: int = Field(default=14, ge=1, le=365)
    """Age of an item that is new, by its CREATION_TIMESTAMP."""
    factor: float = Field(default=1.5, ge=1, le=1000)
    """What its score is multiplied by."""


class _Scheduled(Section):
    starts: AwareDatetime | None = None
    """When it begins to act, with its time zone; null: it acts already."""
    ends: AwareDatetime | None = None
    """When it stops acting; null: it goes on."""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.starts and self.ends and self.starts >= self.ends:
            raise ValueError(f"ends {self.ends} is not after starts {self.starts}: it would never act")
        return self


class Pin(_Scheduled):
    """Promoted items at a place of their own."""

    kind: Literal["pin"]
    """Puts items into a list at a position, as promoted, unless the user dismissed them; later rules may drop them."""
    items: Annotated[tuple[ItemId, ...], Field(min_length=1, max_length=20)]
    """Items, the first at `position`, the others behind it."""
    position: int = Field(default=1, ge=1, le=100)
    """Place of the first, from 1."""


class Exclude(_Scheduled):
    """Items that are left out."""

    kind: Literal["exclude"]
    """Leaves out items by name, or by a field's value."""
    items: tuple[ItemId, ...] = Field(default=(), max_length=1000)
    """Items that are left out."""
    field: FieldName | None = None
    """Item field whose `values` are left out."""
    values: tuple[str, ...] = Field(default=(), max_length=100)
    """Values of the field."""

    @model_validator(mode="after")
    def _leaves_something_out(self) -> Self:
        if bool(self.field) != bool(self.values):
            raise ValueError(f"field is {self.field!r} and values {list(self.values)}: give both or neither")
        if not (self.items or self.field):
            raise ValueError("items is empty and there is no field: say what is left out")
        return self


class Require(Section):
    """Availability, and whatever else an item must have."""

    kind: Literal["require"]
    """Keeps items whose field has one of the values; an item without a value goes."""
    field: FieldName
    """Item field."""
    values: Values
    """Values of which it must have one."""


class Between(Section):
    """A price band, or another range of a number."""

    kind: Literal["between"]
    """Keeps items whose field is a number in the range; an item without a number goes."""
    field: FieldName
    """Item field."""
    min: float | None = None
    """Lowest number; null: none."""
    max: float | None = None
    """Highest number; null: none."""

    @model_validator(mode="after")
    def _has_a_side_and_room(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a range needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing could pass")
        return self


class MinimumScore(Section):
    """What the recipe itself hardly believes in."""

    kind: Literal["minimum_score"]
    """Leaves out items whose score is below the least; items of a recipe without scores stay."""
    least: float
    """Lowest score that stays."""


class Shuffle(Section):
    """Not the same order each day."""

    kind: Literal["shuffle"]
    """Shuffles each block of neighbours, the same way all day for one user."""
    within: int = Field(ge=2, le=100)
    """Items of a block."""


BusinessRule = Annotated[
    NotInterested
    | Repurchase
    | Bought
    | Cap
    | BoostNew
    | Pin
    | Exclude
    | Require
    | Between
    | MinimumScore
    | Shuffle,
    Field(discriminator="kind"),
]


class Placement(Section):
    """A place of the application that is filled with recommendations."""

    lists: Annotated[tuple[str, ...], Field(min_length=1, max_length=5)]
    """Solutions, of which the first that has a list answers; one for each item is asked for the items of `context`."""
    length: int = Field(default=25, ge=1, le=100)
    """Items, where the caller doesn't say how many."""
    rules: tuple[Name, ...] = ()
    """Names of `rules`, in the order in which they act."""
    rules_by_state: dict[State, tuple[Name, ...]] = Field(default_factory=dict)
    """State of the user (`user_states`) -> names of the rules that act for them in place of `rules`."""
    fallback: Annotated[tuple[str, ...], Field(max_length=5)] = ()
    """Solutions for everyone that fill up what the lists leave; none: the answer may be short, or empty."""
    log_impressions: bool | None = None
    """Whether what the API shows here is logged without the application's help; null: as `api.log_impressions` says."""


def check(
    placements: Mapping[str, Placement],
    rules: Mapping[str, Section],
    *,
    audiences: Mapping[str, str],
    fields: Iterable[str],
) -> None:
    """Names in placements and rules are there. `audiences`: for_each of each solution. Raises ValueError."""
    for name, placement in placements.items():
        _check_lists(f"placements.{name}.lists", placement.lists, audiences)
        _check_lists(f"placements.{name}.fallback", placement.fallback, audiences, only="everyone")
        _check_rules(f"placements.{name}.rules", placement.rules, rules)
        for state, names in placement.rules_by_state.items():
            _check_rules(f"placements.{name}.rules_by_state.{state}", names, rules)
    published = frozenset(fields)
    for name, given in rules.items():
        for field in fields_of(given):
            if field not in published:
                raise ValueError(
                    f"rules.{name} looks at the item field {field}, which is not published with the lists: "
                    f"add it to publishing.item_fields"
                )


def _check_rules(key: str, names: Iterable[str], rules: Mapping[str, Section]) -> None:
    for one in names:
        if one not in rules:
            cure = did_you_mean(one, frozenset(rules)) if rules else "there are none"
            raise ValueError(f"{key} names {one!r}, which is not in rules: {cure}")


def _check_lists(
    key: str, lists: Iterable[str], audiences: Mapping[str, str], *, only: str | None = None
) -> None:
    for one in lists:
        if one not in audiences:
            raise ValueError(
                f"{key} names {one!r}, no solution that publishes lists: {did_you_mean(one, frozenset(audiences))}"
            )
        if only and audiences[one] != only:
            raise ValueError(
                f"{key} names {one!r}, a solution for each {audiences[one]}: name one for {only}"
            )


def check_times(rules: Mapping[str, Section], *, types: Mapping[str, str]) -> None:
    """Fields that hold times are numbers. `types`: of the fields of datasets.items. Raises ValueError."""
    for name, rule in rules.items():
        for key, field in rule.times.items() if isinstance(rule, NotInterested) else ():
            if types[field] not in NUMBERS:
                raise ValueError(
                    f"rules.{name}.{key} is {field!r}, whose type is {types[field]!r}, and a time is a number of epoch "
                    "seconds: name a field of type long"
                )


def fields_of(rule: Section) -> list[str]:
    """Item fields that a rule looks at."""
    if isinstance(rule, NotInterested):
        related = rule.again_when_related_bought
        return [*rule.times.values(), *([related] if related else [])]
    if isinstance(rule, BoostNew):
        return ["CREATION_TIMESTAMP"]
    field = getattr(rule, "field", None)
    return [field] if field else []


def asks_what_was_bought(rule: Section) -> bool:
    if isinstance(rule, NotInterested):
        return rule.again_when_related_bought is not None
    return isinstance(rule, Bought | Repurchase)


def moment(value: datetime | None) -> float | None:
    """Epoch seconds, as functions compare times."""
    return value.timestamp() if value else None
