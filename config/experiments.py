"""Experiments: layers, variants, metrics, and what an experiment must have before it may start.

Layers follow Tang et al., "Overlapping Experiment Infrastructure" (KDD 2010): within a layer experiments divide the
users among them, across layers each user may be in one of each. Who is in which variant is computed of the delivered
document alone (lambdas/shared/assignment.py), so that nothing about it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from config import business
from config.digests import digest
from config.errors import did_you_mean
from config.names import without_dashes
from config.section import Section

if TYPE_CHECKING:
    from config.solution import Solution

# Who is in no experiment is compared with everybody else under this name.
HOLDOUT = "holdout"
# Copies of lambdas/shared/assignment.py's, which a test compares.
HELD_OUT, TAKES_PART = "held-out", "takes-part"
WHOLE = 100

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
MetricName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]


class Metric(Section):
    """What users did after they were first exposed, as one figure per user or as a ratio."""

    name: MetricName
    """Name in the warehouse and in the analysis."""
    event: str = Field(min_length=1, max_length=256)
    """Event type that counts, of `datasets.interactions.events`, or `analytics.impression_event`."""
    counts: Literal["events", "users", "value"]
    """How it counts: `events` their number, `users` whether there was one, `value` the sum of their values."""
    per: str | None = Field(default=None, min_length=1, max_length=256)
    """Event type to divide by, such as `impression`; without it the metric is a mean over users."""
    better: Literal["higher", "lower"] = "higher"
    """Which way is an improvement."""

    @model_validator(mode="after")
    def _a_ratio_counts_what_adds_up(self) -> Self:
        if self.counts == "users" and self.per is not None:
            raise ValueError(
                f"metric {self.name!r} counts users per {self.per!r}, and users don't add up over events: write "
                "counts: events, or leave out per"
            )
        return self


class Layer(Section):
    """Placements whose experiments divide the users among them."""

    name: Name
    """Name that experiments refer to."""
    placements: tuple[business.Name, ...] = Field(min_length=1)
    """Placements that experiments of the layer may change; each is in one layer."""


class Slots(Section):
    """Which part of the layer's users an experiment may have, in percent of the layer."""

    first: int = Field(default=0, ge=0, le=99)
    """Where its part begins."""
    end: int = Field(default=100, ge=1, le=100)
    """Where its part ends."""

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.first >= self.end:
            raise ValueError(f"first {self.first} is not below end {self.end}: nobody would be in it")
        return self


class Step(Section):
    """A day from which on so many percent of the experiment's part of the layer are in it."""

    day: date
    """The first day, UTC."""
    percent: float = Field(gt=0, le=100)
    """Percent of its part of the layer."""


class Variant(Section):
    """What a user gets."""

    name: Name
    """Name in answers, exposures and the analysis."""
    weight: int = Field(ge=1, le=99)
    """Share of the experiment's users, in percent; those of all variants sum to 100."""
    solution: str | None = None
    """Solution whose lists are shown; without it what everybody gets."""


class Target(Section):
    """Who may be in an experiment; who is unknown in what is asked for is not."""

    attributes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Fields of `publishing.user_fields` and the values that are in, as the last run knew the user."""
    states: tuple[business.State, ...] = ()
    """States of the user (`user_states`) that are in; none: every state."""

    @field_validator("attributes")
    @classmethod
    def _each_has_values(cls, attributes: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        empty = [name for name, values in attributes.items() if not values]
        if empty:
            raise ValueError(f"attribute {empty[0]!r} has no values, so nobody would be in: name some")
        return attributes

    @property
    def is_anybody(self) -> bool:
        return not self.attributes and not self.states


class Guardrail(Section):
    """A metric that must not get worse by more than the margin."""

    metric: MetricName
    """Name of a metric."""
    margin: float = Field(gt=0, lt=1)
    """Relative loss that would still be borne, such as 0.02."""


class Experiment(Section):
    """A comparison of variants."""

    name: Name
    """Name in exposures and in `make experiment NAME=`."""
    version: str | None = Field(default=None, pattern=r"^[0-9a-f]{8}$")
    """The definition's digest, written when it starts: a change is then refused. Without it a change starts anew."""
    layer: Name
    """Layer that it belongs to."""
    slots: Slots = Slots()
    """Its part of the layer, the whole of it unless said."""
    starts: date
    """First day, UTC."""
    ends: date | None = None
    """Last day, UTC. With it looks are planned; without it the analysis is valid at any look, and needs more users."""
    ramp: tuple[Step, ...] = ()
    """Steps by which it grows; none: everybody of its part from the first day. Who is in stays where they are."""
    variants: tuple[Variant, ...] = Field(min_length=2, max_length=8)
    """What is compared."""
    control: Name
    """The variant that the others are compared with."""
    target: Target = Target()
    """Who may be in."""
    stopped: tuple[Name, ...] = ()
    """Variants that nobody is shown any more; their users get what everybody gets and are exposed no more."""
    testers: dict[str, Name] = Field(default_factory=dict)
    """User ids that get a variant whatever else holds; they are left out of the analysis."""
    primary: MetricName
    """The metric that decides."""
    secondary: tuple[MetricName, ...] = ()
    """Further metrics that are shown, corrected for their number."""
    guardrails: tuple[Guardrail, ...] = ()
    """Metrics that must not get worse."""
    detectable: float = Field(default=0.05, gt=0, le=1)
    """The smallest relative effect that would matter; the plan is made for it."""

    @model_validator(mode="after")
    def _can_be_run(self) -> Self:
        _check_variants(self)
        _check_days(self)
        _check_metrics(self)
        return self

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of the metrics that decide: the primary one first."""
        return (self.primary, *(guardrail.metric for guardrail in self.guardrails))


class Experiments(Section):
    """Experiments on what readers get."""

    delivery: Literal["appconfig", "deployment"] = "appconfig"
    """`appconfig`: `make experiments` changes them without a deployment; `deployment`: they are packaged alone."""
    poll_seconds: int = Field(default=45, ge=15, le=3600)
    """How often a function asks AppConfig, and so how long a change takes to reach every reader."""
    holdout_percent: float = Field(default=0, ge=0, le=50)
    """Users who are in no experiment, in percent: what all experiments together did is measured against them."""
    pre_period_days: int = Field(default=28, ge=0, le=365)
    """Days before a user's first exposure from which the metrics' covariates are taken; 0 does without."""
    segments: tuple[str, ...] = ()
    """Categorical fields of `datasets.users` by which results are shown, corrected for their number."""
    layers: tuple[Layer, ...] = ()
    """Groups of placements."""
    metrics: tuple[Metric, ...] = ()
    """By what experiments are judged."""
    definitions: tuple[Experiment, ...] = Field(default=(), max_length=50)
    """The experiments."""

    @property
    def live(self) -> bool:
        """Whether they are changed without a deployment."""
        return self.delivery == "appconfig"

    def metric(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)

    def layer(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    def measured(self) -> dict[str, Any]:
        """What dbt computes: the variable `experiments` of warehouse/load/variables.py."""
        return {
            "metrics": [metric.model_dump(exclude={"better"}) for metric in self.metrics],
            "segments": [name.lower() for name in self.segments],
            "pre_period_days": self.pre_period_days,
        }

    @property
    def holdout_version(self) -> str:
        return digest({"holdout_percent": self.holdout_percent})

    def version(self, experiment: Experiment) -> str:
        """Digest of what decides who gets what and how it is judged, which growth, testers and stops don't."""
        own = experiment.model_dump(
            mode="json", exclude={"version", "ramp", "testers", "secondary", "stopped"}
        )
        layer = self.layer(experiment.layer).model_dump(mode="json")
        metrics = [self.metric(name).model_dump(mode="json") for name in experiment.compared]
        return digest({**own, "layer": layer, "metrics": metrics, "holdout": self.holdout_version})


def check(
    experiments: Experiments,
    *,
    solutions: Sequence[Solution],
    events: Sequence[str],
    attributes: Sequence[str],
    placements: Mapping[str, Sequence[str]],
    published: Sequence[str] = (),
) -> None:
    """What one experiment can't know alone: that what it names is there, and that no two collide.

    `placements`: the lists of each. `published`: fields of users that lie with their lists. Raises ValueError.
    """
    _check_distinct(experiments)
    if experiments.holdout_percent and not experiments.layers:
        raise ValueError(
            f"experiments.holdout_percent is {experiments.holdout_percent:g} but there is no layer, so nobody is held "
            "out of anything: add experiments.layers, or set 0"
        )
    for layer in experiments.layers:
        for placement in layer.placements:
            _one_of(f"layers: {layer.name!r}: placement", placement, sorted(placements))
    for metric in experiments.metrics:
        for event in filter(None, (metric.event, metric.per)):
            _one_of(f"metrics: {metric.name!r} counts event", event, events)
    for name in experiments.segments:
        _one_of("segments: field", name, attributes)
    for experiment in experiments.definitions:
        _check_named(experiment, experiments, solutions=solutions, attributes=attributes, lists=placements)
        _check_version(experiment, experiments)
        _check_target(experiment, published)
    for one, other in combinations(experiments.definitions, 2):
        _check_apart(one, other)


def delivered(experiments: Experiments) -> dict[str, Any]:
    """The document of which assignments are computed; what only the analysis needs is not in it."""
    return {
        "holdout": {"version": experiments.holdout_version, "percent": experiments.holdout_percent},
        "layers": {layer.name: list(layer.placements) for layer in experiments.layers},
        "experiments": [_delivered(one, experiments) for one in experiments.definitions],
    }


def variants(experiments: Experiments) -> list[dict[str, Any]]:
    """A row for each variant of each experiment: the variable `experiment_variants` of warehouse/load/variables.py."""
    return [
        {
            "experiment": one.name,
            "version": experiments.version(one),
            "variant": variant.name,
            "weight": variant.weight,
            "is_control": variant.name == one.control,
            "layer": one.layer,
            "starts": one.starts.isoformat(),
            "ends": one.ends.isoformat() if one.ends else None,
            "primary": one.primary,
            "detectable": one.detectable,
        }
        for one in experiments.definitions
        for variant in one.variants
    ]


def designs(experiments: Experiments) -> list[dict[str, Any]]:
    """What the analysis is told of each experiment, the holdout last: fields of analysis/design.py as JSON has them."""
    lower = [metric.name for metric in experiments.metrics if metric.better == "lower"]
    found = [_design(one, experiments) for one in experiments.definitions]
    if experiments.metrics and experiments.holdout_percent:
        found.append(_holdout_design(experiments))
    return [{**one, "lower_is_better": lower} for one in found]


def _design(experiment: Experiment, experiments: Experiments) -> dict[str, Any]:
    return {
        "name": experiment.name,
        "version": experiments.version(experiment),
        "control": experiment.control,
        "weights": {variant.name: variant.weight for variant in experiment.variants},
        "starts": experiment.starts.isoformat(),
        "ends": experiment.ends.isoformat() if experiment.ends else None,
        "primary": experiment.primary,
        "secondary": list(experiment.secondary),
        "guardrails": {guardrail.metric: guardrail.margin for guardrail in experiment.guardrails},
        "detectable": experiment.detectable,
    }


def _holdout_design(experiments: Experiments) -> dict[str, Any]:
    """Who is in no experiment against everybody else, by the first metric."""
    names = [metric.name for metric in experiments.metrics]
    percent = experiments.holdout_percent
    return {
        "name": HOLDOUT,
        "version": experiments.holdout_version,
        "control": HELD_OUT,
        "weights": {HELD_OUT: percent, TAKES_PART: WHOLE - percent},
        "starts": date.min.isoformat(),
        "ends": None,
        "primary": names[0],
        "secondary": names[1:],
    }


def _delivered(experiment: Experiment, experiments: Experiments) -> dict[str, Any]:
    ramp = [(step.day.isoformat(), step.percent) for step in experiment.ramp]
    return {
        "name": experiment.name,
        "version": experiments.version(experiment),
        "layer": experiment.layer,
        "slots": [experiment.slots.first, experiment.slots.end],
        "starts": experiment.starts.isoformat(),
        "ends": experiment.ends.isoformat() if experiment.ends else None,
        "ramp": ramp or [(experiment.starts.isoformat(), float(WHOLE))],
        "variants": [variant.model_dump(exclude_none=True) for variant in experiment.variants],
        "target": experiment.target.model_dump(),
        "testers": experiment.testers,
        "stopped": list(experiment.stopped),
    }


def _check_variants(experiment: Experiment) -> None:
    name, names = experiment.name, [variant.name for variant in experiment.variants]
    _unlike("variants", names)
    total = sum(variant.weight for variant in experiment.variants)
    if total != WHOLE:
        raise ValueError(f"{name!r}: weights of the variants sum to {total}: make them sum to {WHOLE}")
    _one_of(f"{name!r}: control", experiment.control, names)
    for user, variant in experiment.testers.items():
        _one_of(f"{name!r}: tester {user!r} has variant", variant, names)
    for variant in experiment.stopped:
        _one_of(f"{name!r}: stopped has variant", variant, names)


def _check_days(experiment: Experiment) -> None:
    name = experiment.name
    if experiment.ends is not None and experiment.ends <= experiment.starts:
        raise ValueError(
            f"{name!r}: ends {experiment.ends} is not after starts {experiment.starts}: end it later"
        )
    for step in experiment.ramp:
        if step.day < experiment.starts or (experiment.ends and step.day > experiment.ends):
            raise ValueError(
                f"{name!r}: ramp step {step.day} lies outside of {experiment.starts} to {experiment.ends}: move it"
            )
    if experiment.ramp and experiment.ramp[0].day != experiment.starts:
        raise ValueError(
            f"{name!r}: starts is {experiment.starts} but the ramp begins {experiment.ramp[0].day}: begin both on "
            "one day"
        )
    for one, after in pairwise(experiment.ramp):
        if after.day <= one.day or after.percent <= one.percent:
            raise ValueError(
                f"{name!r}: ramp step {after.day} at {after.percent:g} percent follows {one.day} at {one.percent:g}: "
                "steps go up, day after day; who is in would be thrown out otherwise"
            )


def _check_metrics(experiment: Experiment) -> None:
    names = [*experiment.compared, *experiment.secondary]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(
            f"{experiment.name!r}: metric {twice!r} stands twice among primary, secondary and guardrails: keep one"
        )


def _check_distinct(experiments: Experiments) -> None:
    _unlike("metrics", [metric.name for metric in experiments.metrics])
    _unlike("layers", [layer.name for layer in experiments.layers])
    _unlike("definitions", [experiment.name for experiment in experiments.definitions])
    _unlike("segments", list(experiments.segments))
    _check_alarms(experiments)
    placements = [placement for layer in experiments.layers for placement in layer.placements]
    twice = next((one for one in placements if placements.count(one) > 1), None)
    if twice:
        raise ValueError(
            f"experiments.layers: placement {twice!r} is in two layers, so two experiments could change it at once: "
            "keep it in one"
        )


def _check_alarms(experiments: Experiments) -> None:
    """An alarm's name is made of both names, so `a` with `b-c` and `a-b` with `c` would have one alarm."""
    seen: dict[str, tuple[str, str]] = {}
    for one in experiments.definitions:
        for variant in one.variants:
            if variant.name == one.control:
                continue
            stem = f"{one.name}-{variant.name}"
            other = seen.setdefault(without_dashes(stem), (one.name, variant.name))
            if other != (one.name, variant.name):
                raise ValueError(
                    f"definitions: {other[0]!r} with variant {other[1]!r} and {one.name!r} with variant "
                    f"{variant.name!r} would have one alarm, {stem}: rename an experiment or a variant"
                )


def _check_named(
    experiment: Experiment,
    experiments: Experiments,
    *,
    solutions: Sequence[Solution],
    attributes: Sequence[str],
    lists: Mapping[str, Sequence[str]],
) -> None:
    name = experiment.name
    if name == HOLDOUT:
        raise ValueError(f"definitions: name {HOLDOUT!r} is that of who is in no experiment: take another")
    _one_of(f"{name!r}: layer", experiment.layer, [layer.name for layer in experiments.layers])
    for variant in experiment.variants:
        if variant.solution is not None:
            _one_of(f"{name!r}: solution", variant.solution, [solution.name for solution in solutions])
            _check_shown(experiment, variant, solutions=solutions, layers=experiments.layers, lists=lists)
    for metric in (*experiment.compared, *experiment.secondary):
        _one_of(f"{name!r}: metric", metric, [one.name for one in experiments.metrics])
    for attribute in experiment.target.attributes:
        _one_of(f"{name!r}: target attribute", attribute, attributes)


def _check_target(experiment: Experiment, published: Sequence[str]) -> None:
    for attribute in experiment.target.attributes:
        if attribute not in published:
            raise ValueError(
                f"{experiment.name!r}: target attribute {attribute!r} is not published with the lists, so nobody would "
                "be in: add it to publishing.user_fields"
            )


def check_exposed(experiments: Experiments, *, logged: Mapping[str, bool]) -> None:
    """Who is in a target is known where an answer is made, and nowhere later. `logged`: placements whose answers are.

    Raises ValueError.
    """
    for experiment in experiments.definitions:
        if experiment.target.is_anybody:
            continue
        for placement in experiments.layer(experiment.layer).placements:
            if not logged[placement]:
                raise ValueError(
                    f"experiments.definitions: {experiment.name!r} has a target, and what placement {placement!r} "
                    "shows isn't logged by the API, so nobody would be exposed: let api.log_impressions (or the "
                    "placement's own) be true, or remove the target"
                )


def _check_version(experiment: Experiment, experiments: Experiments) -> None:
    made = experiments.version(experiment)
    if experiment.version not in (None, made):
        raise ValueError(
            f"definitions: {experiment.name!r} is fixed at version {experiment.version}, and what is written now is "
            f"{made}: put back what was changed, or write version: {made}, which starts it anew with new users"
        )


def _check_apart(one: Experiment, other: Experiment) -> None:
    """Two experiments of a layer share no users on any day."""
    if one.layer != other.layer:
        return
    at_once = _before(one.starts, other.ends) and _before(other.starts, one.ends)
    if at_once and one.slots.first < other.slots.end and other.slots.first < one.slots.end:
        raise ValueError(
            f"definitions: {one.name!r} and {other.name!r} are in layer {one.layer!r} at the same time and share "
            f"slots {max(one.slots.first, other.slots.first)} to {min(one.slots.end, other.slots.end)}: give them "
            "slots or days apart, or another layer"
        )


def _before(start: date, end: date | None) -> bool:
    return end is None or start <= end


def _unlike(key: str, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"{key}: name {twice!r} is used twice: rename one")


def _check_shown(
    experiment: Experiment,
    variant: Variant,
    *,
    solutions: Sequence[Solution],
    layers: Sequence[Layer],
    lists: Mapping[str, Sequence[str]],
) -> None:
    """A variant's list can stand where the layer's placements have theirs."""
    audiences = {one.name: one.for_each for one in solutions if one.publishes == "lists"}
    audience = audiences.get(str(variant.solution))
    what = f"{experiment.name!r}: variant {variant.name!r} shows {variant.solution!r}"
    if audience is None:
        raise ValueError(f"{what}, which publishes no lists: take one of {', '.join(sorted(audiences))}")
    [layer] = [one for one in layers if one.name == experiment.layer]
    for placement in layer.placements:
        # Who is in an experiment is a user.
        fits = {"everyone", "user", *(audiences[name] for name in lists[placement])}
        if audience not in fits:
            raise ValueError(
                f"{what}, a solution for each {audience}, in placement {placement!r}: take one for "
                f"{' or '.join(sorted(fits))}"
            )


def _one_of(what: str, value: str, known: Iterable[str]) -> None:
    known = sorted(set(known))
    if value not in known:
        raise ValueError(f"{what} {value!r} is not known: {_cure(value, known)}")


def _cure(value: str, known: Sequence[str]) -> str:
    return did_you_mean(value, known) if known else "there is none yet: add it"
