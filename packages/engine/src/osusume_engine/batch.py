"""Batch inference and batch segments: JSON lines in, JSON lines out.

Formats: "Batch inference job input and output JSON examples" of the developer guide. An input line that
can't be answered gives an output line with an error, and does not fail the job.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from osusume_engine.lines import Outputs, encode, line

if TYPE_CHECKING:
    from osusume_engine.models.model import IdMask
    from osusume_engine.reordering import Reordering
    from osusume_engine.schemas import Schema
    from osusume_engine.training import Scored, TrainedModel

CHUNK = 4096
# JSON may hold half of a surrogate pair, which UTF-8 can't: Python's escape of it is JSON's too.
_ESCAPED = "backslashreplace"
QUALITY_VARIABLE = "OSUSUME_BATCH_QUALITY"
SPARE = 50
# Recipes whose batch output has scores.
_SCORED = ("aws-user-personalization", "aws-personalized-ranking")
# Developer guide, CreateBatchInferenceJob: "up to 50 million records".
MAX_RECORDS = 50_000_000
# Developer guide, "Quotas", of one job's input.
MAX_BYTES = 1_000_000_000
MAX_FILES = 1_000
MAX_QUERIES = {"aws-item-affinity": 500, "aws-item-attribute-affinity": 10}


class BatchFailure(ValueError):
    """The failureReason of a batch job."""


class Masks(Protocol):
    """A filter: which of the candidates may be recommended for a query."""

    def mask(
        self, *, user_id: str | None, item_id: str | None, values: Mapping[str, str]
    ) -> Callable[[Any], Any]: ...


def chosen_quality(environment: Mapping[str, str]) -> str:
    """The quality of a local endpoint's batch inference jobs; BatchFailure where there is no such quality."""
    from osusume_engine.training import QUALITIES

    quality = environment.get(QUALITY_VARIABLE, "full")
    if quality not in QUALITIES:
        raise BatchFailure(f"{QUALITY_VARIABLE}={quality!r} is unknown: use {' or '.join(QUALITIES)}.")
    return quality


@dataclass
class BatchReport:
    records: int = 0
    errors: int = 0


@dataclass(frozen=True)
class Query:
    """One input line: its object as given, and what is wrong with it."""

    given: Any
    error: str | None = None

    def value(self, key: str) -> Any:
        return self.given[key]

    @property
    def filter_values(self) -> Mapping[str, str]:
        return self.given.get("filterValues", {})


def query_key(recipe_type: str) -> str:
    return "itemId" if recipe_type == "RELATED_ITEMS" else "userId"


def read_queries(source: Path, *, recipe_type: str) -> Iterator[Query]:
    try:
        with source.open(encoding="utf-8-sig") as lines:
            for line in lines:
                if line.strip():
                    yield _query(line, recipe_type)
    except UnicodeDecodeError:
        raise BatchFailure(f"Batch input {source.name} is not encoded in UTF-8.") from None


def _query(line: str, recipe_type: str) -> Query:
    try:
        given = json.loads(line, parse_constant=_no_json)
    except RecursionError:
        return Query(line.rstrip("\n"), "Input line is not valid JSON: it nests too deeply")
    except ValueError as error:  # of a number of thousands of digits too
        return Query(line.rstrip("\n"), f"Input line is not valid JSON: {error}")
    if not isinstance(given, dict):
        return Query(given, "Input line is not a JSON object.")
    key = query_key(recipe_type)
    if recipe_type and not _is_id(given.get(key)):
        return Query(given, f"Input line must have {key!r}: a string of 1 to 256 characters.")
    if recipe_type == "PERSONALIZED_RANKING" and not _is_ids(given.get("itemList")):
        return Query(given, "Input line must have 'itemList': a list of item ids.")
    if not isinstance(given.get("filterValues", {}), dict):
        return Query(given, "filterValues must be an object.")
    if not all(isinstance(value, str) for value in given.get("filterValues", {}).values()):
        return Query(given, 'filterValues must be texts, such as {"genre": "\\"drama\\""}.')
    return Query(given)


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 256


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_id(item) for item in value)


def infer_files(
    *,
    model: TrainedModel,
    pairs: Sequence[tuple[Path, Path]],
    num_results: int,
    masks: Masks | None = None,
    reordering: Reordering | None = None,
    quality: str = "full",
) -> BatchReport:
    """Answer every input file into its output file, in the order of its lines.

    quality: as of TrainedModel.recommend_many. Where a filter leaves too little, the list is of full quality.
    Raises BatchFailure where there is no record, or more than a job takes.
    """
    _check_records([source for source, _ in pairs])
    asked = _Asked(model, num_results, masks, reordering, quality)
    report = BatchReport()
    for source, target in pairs:
        with target.open("w", encoding="utf-8", errors=_ESCAPED) as output:
            for queries in _chunks(read_queries(source, recipe_type=model.spec.type)):
                answers = asked.answers(queries)
                report.records += len(answers)
                report.errors += sum(answer.error is not None for answer in answers)
                output.writelines(
                    line(query.given, answer.output, answer.error)
                    for query, answer in zip(queries, answers, strict=True)
                )
    if report.records == 0:
        raise BatchFailure("The batch input has no records.")
    return report


def _check_records(sources: Sequence[Path]) -> None:
    """Checks records before any is answered. Files of fewer bytes than records are allowed need not be counted."""
    size = sum(source.stat().st_size for source in sources)
    if size > MAX_BYTES or len(sources) > MAX_FILES:
        raise BatchFailure(
            f"The batch input has {size} bytes in {len(sources)} files: at most {MAX_BYTES} bytes in {MAX_FILES} "
            "files are allowed in a batch inference job."
        )
    if size <= MAX_RECORDS:
        return
    records = sum(_records(source) for source in sources)
    if records > MAX_RECORDS:
        raise BatchFailure(
            f"The batch input has {records} records: at most {MAX_RECORDS} are allowed in a batch inference job."
        )


def _records(source: Path) -> int:
    with source.open("rb") as lines:
        return sum(not line.isspace() for line in lines)


def _chunks(queries: Iterable[Query]) -> Iterator[list[Query]]:
    chunk: list[Query] = []
    for query in queries:
        chunk.append(query)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


class _Answer(NamedTuple):
    output: str | None  # JSON
    error: str | None = None


@dataclass(frozen=True)
class _Asked:
    """What every query of a job is asked with."""

    model: TrainedModel
    num_results: int
    masks: Masks | None
    reordering: Reordering | None
    quality: str

    @property
    def recipe_type(self) -> str:
        return str(self.model.spec.type)

    @property
    def pool(self) -> int:
        return self.reordering.pool(self.num_results) if self.reordering else self.num_results

    @cached_property
    def outputs(self) -> Outputs:
        return Outputs(scored=self.model.recipe.startswith(_SCORED))

    def answers(self, queries: Sequence[Query]) -> list[_Answer]:
        """One for each query, in its order."""
        good = [query for query in queries if query.error is None]
        found = self._plain(good) if self._is_plain else self._one_by_one(good)
        return [next(found) if query.error is None else _Answer(None, query.error) for query in queries]

    @property
    def _is_plain(self) -> bool:
        """Whether what the model lists is the answer as it is."""
        return self.recipe_type != "PERSONALIZED_RANKING" and self.masks is None and self.reordering is None

    def _plain(self, queries: Sequence[Query]) -> Iterator[_Answer]:
        key = query_key(self.recipe_type)
        ids = [query.value(key) for query in queries]
        for items, scores in self.model.recommend_arrays(ids, self.num_results, quality=self.quality):
            yield from map(_Answer, self.outputs.of(items, scores))

    def _one_by_one(self, queries: Sequence[Query]) -> Iterator[_Answer]:
        for result in self._many(queries):
            if isinstance(result, str):
                yield _Answer(None, result)
            else:
                items = np.array([[one.id for one in result]], dtype=object)
                yield _Answer(self.outputs.of(items, np.array([[one.score for one in result]]))[0])

    def _many(self, queries: Sequence[Query]) -> Iterator[list[Scored] | str]:
        """A list, or what is wrong, for each query."""
        if self.recipe_type == "PERSONALIZED_RANKING":
            yield from (self._ranked(query) for query in queries)
            return
        key = query_key(self.recipe_type)
        ids = [query.value(key) for query in queries]
        # Many at once is far faster than one by one, so a filter takes from a longer list first.
        asked = self.pool * 2 + SPARE if self.masks is not None else self.pool
        lists = self.model.recommend_many(ids, asked, quality=self.quality)
        for one, query, scored in zip(ids, queries, lists, strict=True):
            yield self._listed(one, query, scored, asked)

    def _allowed(self, query: Query) -> IdMask | None:
        """The filter for the query, None without one; ValueError on wrong values."""
        if self.masks is None:
            return None
        user, item = query.given.get("userId"), query.given.get("itemId")
        return self.masks.mask(user_id=user, item_id=item, values=query.filter_values)

    def _ranked(self, query: Query) -> list[Scored] | str:
        try:
            allowed = self._allowed(query)
        except ValueError as error:
            return str(error)
        user = query.value("userId")
        return self.model.rank(user_id=user, item_ids=query.value("itemList"), allowed=allowed)

    def _listed(self, one: str, query: Query, scored: list[Scored], asked: int) -> list[Scored] | str:
        try:
            allowed = self._allowed(query)
        except ValueError as error:
            return str(error)
        if allowed is not None:
            scored = self._filtered(one, scored, asked, allowed)
        return self._reordered(one, scored, allowed)

    def _filtered(self, one: str, scored: list[Scored], asked: int, allowed: IdMask) -> list[Scored]:
        """What the filter lets through; too little of a full list means that there is more behind it."""
        ids = np.array([each.id for each in scored], dtype=object)
        keep = allowed(ids)
        kept = [each for each, kept in zip(scored, keep, strict=True) if kept]
        if len(kept) >= self.pool or len(scored) < asked:
            return kept[: self.pool]
        related = self.recipe_type == "RELATED_ITEMS"
        item, user = (one, None) if related else (None, one)
        return self.model.recommend(item_id=item, user_id=user, num_results=self.pool, allowed=allowed)

    def _reordered(self, query: str, scored: list[Scored], allowed: IdMask | None) -> list[Scored]:
        if self.reordering is None:
            return scored
        return self.reordering.apply(scored, self.num_results, query=query, allowed=allowed)


def segment_files(
    *,
    model: TrainedModel,
    pairs: Sequence[tuple[Path, Path]],
    num_results: int,
    items: Any = None,
    schema: Schema | None = None,
    masks: Masks | None = None,
) -> BatchReport:
    """Answer every line with the users most likely to interact. `items` is the Items dataset, `schema` its own."""
    report = BatchReport()
    by_attribute = model.recipe == "aws-item-attribute-affinity"
    read = _AttributeReader(items, schema) if by_attribute else _ItemReader()
    for source, target in pairs:
        queries = list(read.queries(source))
        limit = MAX_QUERIES[model.recipe]
        if len(queries) > limit:
            raise BatchFailure(
                f"{source.name} has {len(queries)} queries: {model.recipe} allows {limit} a file."
            )
        with target.open("w", encoding="utf-8", errors=_ESCAPED) as output:
            for query in queries:
                segment = _segment(model, read, query, num_results, masks)
                report.records += 1
                report.errors += segment["error"] is not None
                output.write(encode(segment) + "\n")
    if report.records == 0:
        raise BatchFailure("The batch input has no records.")
    return report


def _segment(
    model: TrainedModel,
    read: _ItemReader | _AttributeReader,
    query: Query,
    num_results: int,
    masks: Masks | None,
) -> dict[str, Any]:
    if query.error is not None:
        return read.line(query, None, query.error)
    try:
        wanted = read.items(query)
        values = query.filter_values
        allowed = masks.mask(user_id=None, item_id=None, values=values) if masks else None
    except ValueError as error:
        return read.line(query, None, str(error))
    users = model.segment(item_ids=wanted, num_results=num_results, allowed=allowed)
    return read.line(query, {"recommendedUsers": [one.id for one in users]}, None)


class _ItemReader:
    """Item-Affinity: {"itemId": "105"}."""

    def queries(self, source: Path) -> Iterator[Query]:
        return read_queries(source, recipe_type="RELATED_ITEMS")

    def items(self, query: Query) -> list[str]:
        return [query.value("itemId")]

    def line(self, query: Query, output: Any, error: str | None) -> dict[str, Any]:
        return {"input": query.given, "output": output, "error": error}


class _AttributeReader:
    r"""Item-Attribute-Affinity: {"itemAttributes": "ITEMS.genres = \"Comedy\" AND ITEMS.price > 5"}."""

    def __init__(self, items: Any, schema: Schema | None) -> None:
        from osusume_engine.filters.facts import Facts

        self._schema = schema
        self._ids = list(items["ITEM_ID"]) if items is not None else []
        self._facts = Facts.of_frames({"ITEMS": items} if items is not None else {})

    def queries(self, source: Path) -> Iterator[Query]:
        for query in read_queries(source, recipe_type=""):
            yield query if query.error is not None else self._checked(query)

    def _checked(self, query: Query) -> Query:
        if isinstance(query.given.get("itemAttributes"), str):
            return query
        return Query(query.given, "Input line must have 'itemAttributes': a string.")

    def items(self, query: Query) -> list[str]:
        """FilterError (a ValueError) when the expression is not of item attributes joined by AND."""
        from osusume_engine.filters.attributes import check_attributes, parse_attributes
        from osusume_engine.filters.evaluation import Evaluator

        parsed = parse_attributes(query.value("itemAttributes"))
        if self._schema is not None:
            check_attributes(parsed, self._schema)
        self._check_columns([predicate.field.name for predicate in parsed.predicates()])
        mask = Evaluator(parsed, self._facts).mask(user_id=None, item_id=None, values={})
        return [item for item, kept in zip(self._ids, mask(self._ids), strict=True) if kept]

    def _check_columns(self, names: Sequence[str]) -> None:
        from osusume_engine.filters import FilterError

        table = self._facts.tables.get("ITEMS")
        known = list(table.frame.columns) if table is not None else []
        for name in names:
            if name.upper() not in known:
                raise FilterError(f"ITEMS has no column {name}: it has {', '.join(known) or 'none'}")

    def line(self, query: Query, output: Any, error: str | None) -> dict[str, Any]:
        shown = query.given if isinstance(query.given, dict) else {"itemAttributes": query.given}
        return {"itemAttributes": shown.get("itemAttributes"), "output": output, "error": error}
