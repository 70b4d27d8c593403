"""Lists to publish out of Personalize's batch output, with the rules that apply after inference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from glue_jobs.columns import LISTS, WAREHOUSE_RECOMMENDATIONS
from glue_jobs.transforms.text import json_value

Step = Callable[[Column], Column]  # of entries to what is left of them
FACTS, BOUGHT, PROFILE = "facts", "bought", "profile"  # of a published line, and of the table's item


def lists(output: DataFrame, *, solution: str) -> DataFrame:
    """A row (columns.LISTS) for each answered input line; lines with an error are left out."""
    answered = output.where("error is null and size(output.recommendedItems) > 0")
    rows = answered.select(
        F.lit(solution).alias("list"),
        F.coalesce("input.userId", "input.itemId").alias("key"),
        F.col("output.recommendedItems").alias("items"),
        F.col("output.scores").alias("scores"),
    )
    return rows.where("key is not null").select(LISTS.names)


def errors(output: DataFrame) -> DataFrame:
    """The error of each input line that Personalize could not answer."""
    return output.where("error is not null").select("error")


def bought(orders: DataFrame) -> DataFrame:
    """(key, bought): for each user a map from item to the last time that they ordered it."""
    # Once to where all of a user's are: both groups, and who joins them by user, find them there in their order.
    own = orders.repartition("user_id")
    last = own.groupBy("user_id", "item_id").agg(F.max("ordered_at").alias("at"))
    entries = F.collect_list(F.struct("item_id", "at"))
    return last.groupBy(F.col("user_id").alias("key")).agg(F.map_from_entries(entries).alias("bought"))


def items_schema(names: Iterable[str]) -> StructType:
    """The schema of the warehouse's items: the id and these fields, as text."""
    return fields_schema("item_id", names)


def fields_schema(key: str, names: Iterable[str]) -> StructType:
    return StructType([StructField(name.lower(), StringType()) for name in (key, *names)])


def item_facts(items: DataFrame, names: Iterable[str]) -> DataFrame:
    """One row with a map from item id for each name; items that have no value are not in it."""
    maps = []
    for name in names:
        known = F.when(F.col(name).isNotNull(), F.struct("item_id", name))
        maps.append(F.map_from_entries(F.collect_list(known)).alias(name))
    return items.agg(*maps)


def _let(value: Column, use: Callable[[Column], Column]) -> Column:
    """`use(value)`, with the value worked out once a row and not once for each time that it is named.

    An aggregate over nothing only finishes. F.transform of an array of the one value copies all that `use` gives.
    """
    nothing = F.array().cast("array<int>")
    return F.aggregate(nothing, value, lambda known, _: known, use)


class OnColumns:
    """rules.Operations on columns: entries are an array of (items, scores, ..), maps may be null."""

    def since(self, times: Column, moment: str) -> Column:
        recent = F.map_filter(times, lambda _, at: at >= moment)
        return F.coalesce(F.map_keys(recent), F.array().cast("array<string>"))

    def without(self, entries: Column, ids: Column) -> Column:
        return _let(_among(entries, ids), lambda those: _without(entries, those))

    def with_places(self, entries: Column, ids: Column, *, length: int, places: int) -> Column:
        head, wanted = F.slice(entries, 1, length), min(places, length)
        return _let(
            _among(entries, ids),
            lambda those: _let(head, lambda shown: _placed(shown, entries, those, places=wanted)),
        )


def _among(entries: Column, ids: Column) -> Column:
    """The ids that entries have, which are few: all that a user ever bought is hashed here, and searched nowhere."""
    return F.array_intersect(entries["items"], ids)


def _without(entries: Column, ids: Column) -> Column:
    left = F.filter(entries, lambda entry: ~F.array_contains(ids, entry["items"]))
    return F.when(F.size(ids) == 0, entries).otherwise(left)


def _placed(head: Column, entries: Column, ids: Column, *, places: int) -> Column:
    """The head, whose last entries that are of `ids` make room for the next ones of `entries` that are not."""

    def if_few(had: Column) -> Column:
        new = _without(entries, ids)
        more = _let(new, lambda others: _exchanged(head, others, ids, had=had, places=places))
        return F.when(had >= places, head).otherwise(more)

    return _let(F.size(_without(head, ids)), if_few)


def _exchanged(head: Column, new: Column, ids: Column, *, had: Column, places: int) -> Column:
    more = F.least(F.lit(places), F.size(new)) - had
    familiar = F.filter(head["items"], lambda item: F.array_contains(ids, item))
    out = F.slice(familiar, F.size(familiar) - more + 1, more)
    return _let(out, lambda gone: F.concat(_without(head, gone), F.slice(new, had + 1, more)))


def outcome(lists: DataFrame, steps: Sequence[Step], *, results: int) -> DataFrame:
    """(list, key, items, scores, shown, told): what the steps leave of each list, and what of it the warehouse is told.

    An item's place is that of its first entry among the candidates, from 1. `shown` has the places of the first
    `results` entries as inferred and after each step; `told` an entry (items, scores, place) for each item that the
    first or the last of them has. All of it is one expression, in which nothing is worked out twice.
    """
    numbered = lists.withColumns({"scores": _scores(), "place": _places()})
    made = _through(F.arrays_zip("items", "scores", "place"), steps, lambda left: _outcome(left, results))
    rows = numbered.select("list", "key", made.alias("made"))
    return rows.select(
        "list",
        "key",
        F.col("made.left.items").alias("items"),
        F.col("made.left.scores").alias("scores"),
        F.col("made.shown").alias("shown"),
        F.col("made.told").alias("told"),
    )


def _scores() -> Column:
    """A recipe that gives none gives null, and a null would make a null of all that it is zipped with."""
    return F.coalesce(F.col("scores"), F.array().cast("array<double>"))


def _places() -> Column:
    """Ids are looked up only in a list that has one twice."""
    places = F.sequence(F.lit(1), F.size("items"))
    first = F.transform(
        "items", lambda item: F.call_function("array_position", F.col("items"), item).cast("int")
    )
    return F.when(F.size(F.array_distinct("items")) == F.size("items"), places).otherwise(first)


def _through(
    entries: Column,
    steps: Sequence[Step],
    use: Callable[[Sequence[Column]], Column],
    before: Sequence[Column] = (),
) -> Column:
    """`use` of the entries and of what each step in turn leaves of them."""

    def further(known: Column) -> Column:
        so_far = [*before, known]
        return _through(steps[0](known), steps[1:], use, so_far) if steps else use(so_far)

    return _let(entries, further)


def _outcome(left: Sequence[Column], results: int) -> Column:
    shown = F.array(*(F.slice(one["place"], 1, results) for one in left))
    return _let(shown, lambda places: _told(left, places))


def _told(left: Sequence[Column], shown: Column) -> Column:
    every = F.array_union(F.element_at(shown, -1), F.element_at(shown, 1))
    told = F.transform(every, lambda place: F.get(left[0], place - 1))
    return F.struct(left[-1].alias("left"), shown.alias("shown"), told.alias("told"))


def left(outcomes: DataFrame) -> DataFrame:
    """The lists (columns.LISTS) of `outcome`; those that would be empty are left out."""
    return outcomes.where(F.size("items") > 0).select(LISTS.names)


def first(lists: DataFrame, length: int) -> DataFrame:
    """The lists, none longer than this; scores stay null where the recipe gives none."""
    return lists.withColumns({name: F.slice(name, 1, length) for name in ("items", "scores")})


def with_bought(lists: DataFrame, bought: DataFrame) -> DataFrame:
    """The lists with BOUGHT: JSON of the list's items that its user ever bought -> the last time; null for none."""
    own = F.map_filter("bought", lambda item, _: F.array_contains("items", item))
    text = F.when(F.size(own) > 0, F.to_json(own))
    return lists.join(bought, "key", "left").select(*lists.columns, text.alias(BOUGHT))


def first_and_last(orders: DataFrame) -> DataFrame:
    """(key, first, last): when each user first and last bought anything."""
    ends = F.min("ordered_at").alias("first"), F.max("ordered_at").alias("last")
    return orders.groupBy(F.col("user_id").alias("key")).agg(*ends)


def attributes(users: DataFrame, names: Sequence[str]) -> DataFrame:
    """(key, attributes): a struct of the fields, whose columns are in lower case."""
    fields = F.struct(*(F.col(name.lower()).alias(name) for name in names))
    return users.select(F.col("user_id").alias("key"), fields.alias("attributes")).dropDuplicates(["key"])


def bought_in(orders: DataFrame, items: DataFrame, names: Sequence[str]) -> DataFrame:
    """(key, bought_in): for each field a map from its values, as Personalize separates them, to the last purchase."""
    bought = orders.join(items, "item_id").withColumnRenamed("user_id", "key")
    made = [_last_by_value(bought, name) for name in names]
    whole = reduce(lambda one, other: one.join(other, "key", "full"), made)
    return whole.select("key", F.struct(*names).alias("bought_in"))


def _last_by_value(bought: DataFrame, name: str) -> DataFrame:
    values = F.explode(F.split(F.col(name.lower()), r"\|")).alias("_value")
    last = bought.select("key", "ordered_at", values).where("_value != ''")
    last = last.groupBy("key", "_value").agg(F.max("ordered_at").alias("_at"))
    entries = F.map_from_entries(F.collect_list(F.struct("_value", "_at")))
    return last.groupBy("key").agg(entries.alias(name))


def profiles(parts: Sequence[DataFrame]) -> DataFrame:
    """(key, PROFILE): JSON of what the parts, one row per user each, say of them; what is null is left out."""
    whole = reduce(lambda one, other: one.join(other, "key", "full"), parts)
    names = [name for name in whole.columns if name != "key"]
    return whole.select("key", F.to_json(F.struct(*names)).alias(PROFILE))


def with_profile(lists: DataFrame, known: DataFrame) -> DataFrame:
    """The lists with PROFILE; one without anything for a user of whom nothing is known, who is new."""
    return lists.join(known, "key", "left").select(
        *lists.columns, F.coalesce(F.col(PROFILE), F.lit("{}")).alias(PROFILE)
    )


def with_facts(lists: DataFrame, items: DataFrame, names: Sequence[str]) -> DataFrame:
    """The lists with FACTS: JSON of field -> its values as text, one or null for each item of the list.

    A join and no look-up in a map: Spark's maps are searched from end to end. `items` has the fields in lower case.
    """
    others = [name for name in lists.columns if name not in ("list", "key")]
    places = lists.select("*", F.posexplode("items").alias("_place", "item_id"))
    row = F.struct("_place", *(F.col(name.lower()).alias(name) for name in names))
    of_list = (
        places.join(items, "item_id", "left")
        .groupBy("list", "key")
        .agg(
            *(F.first(name).alias(name) for name in others), F.sort_array(F.collect_list(row)).alias("_rows")
        )
    )
    fields = F.struct(*(_values(name).alias(name) for name in names))
    return of_list.select(*lists.columns, F.to_json(fields).alias(FACTS))


def _values(name: str) -> Column:
    return F.transform("_rows", lambda row: row[name])


def publish_lines(lists: DataFrame) -> DataFrame:
    """One JSON text a list: {"list": .., "key": .., "items": [["id", score], ...]}; a score may be null.

    Where the lists have FACTS, BOUGHT or PROFILE, it has them too, unless they are null.
    """
    more = [_member(name) for name in (FACTS, BOUGHT, PROFILE) if name in lists.columns]
    known = lists.withColumn("scores", _scores())
    line = F.concat(
        F.lit('{"list":'),
        json_value(F.col("list")),
        F.lit(',"key":'),
        json_value(F.col("key")),
        F.lit(',"items":'),
        _pairs(),
        *more,
        F.lit("}"),
    )
    return known.select(line.alias("value"))


def _member(name: str) -> Column:
    return F.coalesce(F.concat(F.lit(f',"{name}":'), F.col(name)), F.lit(""))


def _pairs() -> Column:
    """[["id", score], ...]: of the JSON of all entries, {"items": .., "scores": ..}, names and braces are taken out.

    No id holds what is taken out: in a text of JSON a quotation mark has a backslash before it.
    """
    entries = F.arrays_zip("items", "scores")
    objects = F.to_json(entries, {"ignoreNullFields": "false"})
    between = F.replace(objects, F.lit('},{"items":'), F.lit("],["))
    bare = F.replace(between, F.lit(',"scores":'), F.lit(","))
    start = len('[{"items":')
    inner = bare.substr(F.lit(start + 1), F.length(bare) - start - len("}]"))
    return F.when(F.size("items") == 0, "[]").otherwise(F.concat(F.lit("[["), inner, F.lit("]]")))


def warehouse_recommendations(lists: DataFrame, *, run_id: str) -> DataFrame:
    """A row for each item of each list; rank starts at 1. No rule acted: they are as inferred."""
    ranked = lists.select("list", "key", "scores", F.posexplode("items").alias("position", "item"))
    rows = ranked.select(
        F.lit(run_id).alias("run_id"),
        F.col("list").alias("solution"),
        F.col("key").alias("entity_id"),
        (F.col("position") + 1).alias("rank"),
        F.col("item").alias("item_id"),
        F.get(F.col("scores"), F.col("position")).alias("score"),
        (F.col("position") + 1).alias("inferred_rank"),
        F.lit(None).cast("string").alias("rule"),
    )
    return rows.select(WAREHOUSE_RECOMMENDATIONS)


def warehouse_changed(outcomes: DataFrame, rules: Sequence[str], *, run_id: str) -> DataFrame:
    """A row for each item of the first entries as inferred or as published, of lists that `outcome` made by `rules`.

    `rank` or `inferred_rank` is null for an item that is not in the one or the other; `rule` is the last that changed
    its place.
    """
    rows = outcomes.select("list", "key", "shown", F.explode("told").alias("entry"))
    places = [_rank(F.element_at("shown", n)) for n in range(1, len(rules) + 2)]
    return rows.select(
        F.lit(run_id).alias("run_id"),
        F.col("list").alias("solution"),
        F.col("key").alias("entity_id"),
        _known(places[-1]).alias("rank"),
        F.col("entry.items").alias("item_id"),
        F.col("entry.scores").alias("score"),
        _known(places[0]).alias("inferred_rank"),
        _last_change(places, rules).alias("rule"),
    )


def _rank(shown: Column) -> Column:
    """The place, from 1; 0 for an entry that is not there. Spark 3.5's own function takes no column in Python."""
    return F.call_function("array_position", shown, F.col("entry.place"))


def _known(rank: Column) -> Column:
    return F.when(rank > 0, rank.cast("int"))


def _last_change(ranks: Sequence[Column], rules: Sequence[str]) -> Column:
    """`ranks` has one more than `rules`: the first is as inferred."""
    changes = zip(ranks, ranks[1:], rules, strict=False)
    named = [F.when(before != after, F.lit(rule)) for before, after, rule in changes]
    return F.coalesce(*reversed(named))
