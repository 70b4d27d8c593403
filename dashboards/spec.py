"""What a dashboard is made of. Nothing here knows who draws it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "whole", "time", "day"]
Aggregation = Literal["sum", "average", "min", "max"]
Drawn = Literal["line", "bar", "stacked", "shares", "table"]
Format = Literal["whole", "number", "percent"]

# What may stand on an axis of time; the rest are categories, but for positions.
TEMPORAL = ("time", "day")
NUMERIC = ("number", "whole")


class SpecificationInvalid(ValueError):
    """Names page, visual and what it asks for that isn't there, with the cure."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """`share`: a ratio, a mean or a score, which must not be added up nor averaged over what is not in the visual."""

    name: str
    kind: Kind
    share: bool = False


@dataclass(frozen=True, kw_only=True)
class Incremental:
    """Rows whose `column` is at most so many days old are loaded again, older ones stay."""

    column: str
    days: int


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A mart as the dashboards read it. `grain` names one row; `empty` says why there may be none, and what helps."""

    mart: str
    columns: tuple[Column, ...]
    grain: tuple[str, ...]
    empty: str
    incremental: Incremental | None = None

    def column(self, name: str) -> Column:
        """Raises SpecificationInvalid."""
        for column in self.columns:
            if column.name == name:
                return column
        raise SpecificationInvalid(
            f"data set {self.mart} has no column {name}: take one of {', '.join(c.name for c in self.columns)}"
        )


@dataclass(frozen=True, kw_only=True)
class Measure:
    title: str
    column: str
    aggregation: Aggregation
    shown_as: Format = "whole"

    @property
    def id(self) -> str:
        return self.column

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The sum of one column over the sum of another: right at every level, which no mean of shares is."""

    title: str
    numerator: str
    denominator: str
    shown_as: Format = "percent"

    @property
    def id(self) -> str:
        return f"{self.numerator}_over_{self.denominator}"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.numerator, self.denominator)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Rows whose text column has one of the values."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What a reader chooses on a page. Without a default every value is shown until one is chosen.

    `one`: the static page begins with the first value; QuickSight knows no such start, so each mark must say what it
    is of.
    """

    name: str
    title: str
    column: str
    default: str | None = None
    one: bool = False


@dataclass(frozen=True, kw_only=True)
class Visual:
    """`by` are the dimensions: the axis of a chart, the first columns of a table; `colour` splits a chart.

    `nothing` is said where rows are there and none passes the filters.
    """

    id: str
    title: str
    drawn: Drawn
    data: DataSet
    by: tuple[str, ...]
    measures: tuple[Measure | Ratio, ...]
    colour: str | None = None
    filters: tuple[Filter, ...] = ()
    parameters: tuple[str, ...] = ()
    note: str = ""
    nothing: str = ""
    wide: bool = False

    @property
    def dimensions(self) -> tuple[str, ...]:
        return (*self.by, *((self.colour,) if self.colour else ()))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it reads, once."""
        measured = (name for measure in self.measures for name in measure.columns)
        return tuple(dict.fromkeys((*self.dimensions, *measured, *(one.column for one in self.filters))))


@dataclass(frozen=True, kw_only=True)
class Page:
    id: str
    title: str
    about: str
    visuals: tuple[Visual, ...]
    parameters: tuple[Parameter, ...] = ()

    def parameter(self, name: str) -> Parameter:
        """Raises SpecificationInvalid."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise SpecificationInvalid(
            f"page {self.id} has no parameter {name}: give it one, or take it off the visual"
        )

    @property
    def data_sets(self) -> tuple[DataSet, ...]:
        return tuple(dict.fromkeys(visual.data for visual in self.visuals))


def data_sets(pages: tuple[Page, ...]) -> tuple[DataSet, ...]:
    """The data sets of all pages, once, by name."""
    found = {one.mart: one for page in pages for one in page.data_sets}
    return tuple(found[mart] for mart in sorted(found))


def checked(pages: tuple[Page, ...]) -> tuple[Page, ...]:
    """The pages as they are. Raises SpecificationInvalid with everything that is wrong, a line each."""
    problems = [problem for page in pages for problem in _page_problems(page)]
    ids = [visual.id for page in pages for visual in page.visuals]
    problems += [
        f"visual {name} is there twice: rename one" for name in sorted({n for n in ids if ids.count(n) > 1})
    ]
    names = [parameter.name for page in pages for parameter in page.parameters]
    problems += [
        f"parameter {n} is there twice: rename one" for n in sorted({n for n in names if names.count(n) > 1})
    ]
    if problems:
        raise SpecificationInvalid("\n".join(problems))
    return pages


def _page_problems(page: Page) -> Iterator[str]:
    used = {name for visual in page.visuals for name in visual.parameters}
    for parameter in page.parameters:
        if parameter.name not in used:
            yield f"page {page.id}: parameter {parameter.name} changes no visual: use it or take it away"
    for visual in page.visuals:
        for problem in _visual_problems(page, visual):
            yield f"page {page.id}, visual {visual.id}: {problem}"


def _visual_problems(page: Page, visual: Visual) -> Iterator[str]:
    try:
        for name in (*visual.columns, *(page.parameter(name).column for name in visual.parameters)):
            visual.data.column(name)
    except SpecificationInvalid as error:
        yield str(error)
        return
    yield from _shape_problems(visual)
    for measure in visual.measures:
        if isinstance(measure, Measure):
            yield from _measure_problems(visual, measure)


def _shape_problems(visual: Visual) -> Iterator[str]:
    if not visual.measures:
        yield "it shows nothing: give it a measure"
    if visual.drawn != "table" and len(visual.by) != 1:
        yield f"a chart has one axis, not {len(visual.by)}: leave one of `by`"
    if visual.colour and len(visual.measures) > 1:
        yield "colours split one measure: take one measure, or no colour"
    for one in visual.filters:
        if visual.data.column(one.column).kind != "text":
            yield f"filter on {one.column}, which is no text: filter a text column"


def _measure_problems(visual: Visual, measure: Measure) -> Iterator[str]:
    column = visual.data.column(measure.column)
    if column.kind not in NUMERIC:
        yield f"{measure.aggregation} of {column.name}, which is no number: take it as a dimension"
    if column.share and measure.aggregation == "sum":
        yield f"sum of {column.name}, which is a share: take a Ratio of what it is made of"
    if column.share and measure.aggregation == "average":
        loose = [name for name in visual.data.grain if name not in _pinned(visual)]
        if loose:
            yield (
                f"average of {column.name}, which is a share, over {', '.join(loose)}: "
                f"show it by {' and '.join(loose)}, filter it to one value, or take a Ratio"
            )


def _pinned(visual: Visual) -> set[str]:
    """Grain columns that have one value in each mark. A filter on `recency` leaves one run."""
    one_value = {one.column for one in visual.filters if len(one.values) == 1}
    shown = {*visual.dimensions, *one_value}
    run = {"run_id"} if shown & {"run_at", "recency"} else set()
    return shown | run
