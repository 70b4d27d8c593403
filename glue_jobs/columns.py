"""All column names and schemas of the jobs: Personalize's are upper case, the warehouse's lower."""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
)

USER_ID = "USER_ID"
ITEM_ID = "ITEM_ID"
TIMESTAMP = "TIMESTAMP"
EVENT_TYPE = "EVENT_TYPE"
EVENT_VALUE = "EVENT_VALUE"
INTERACTIONS = [USER_ID, ITEM_ID, TIMESTAMP, EVENT_TYPE, EVENT_VALUE]
# What only the log knows, by the configuration's key of `datasets.interactions` that sends it.
SHOWN = {"impressions": "IMPRESSION", "recommendation_ids": "RECOMMENDATION_ID"}
# Personalize, API reference of Event: items of an impression; "Quotas": characters of a value.
MAX_IMPRESSION_ITEMS, MAX_IMPRESSION_LENGTH = 25, 1_000
# One column for contextual fields of datasets.interactions: in raw events a map of the log's attributes, behind them
# a struct of the fields, so that one may be called what another column is.
CONTEXT = "_context"
INTERACTION_KEY = [USER_ID, ITEM_ID, TIMESTAMP, EVENT_TYPE]
KEY_OF_DATASET = {"users": USER_ID, "items": ITEM_ID}
ACTION_ID = "ACTION_ID"
ACTION_INTERACTIONS = [USER_ID, ACTION_ID, EVENT_TYPE, TIMESTAMP]

REASON = "reason"

# Counted, not quarantined: the application may log whatever it likes, and exports overlap by design.
IGNORED = ("unknown_event_type", "duplicate", "unknown_user")

# Beside each judged row: where it came from, and the text that is wrong with it.
SOURCE, SOURCE_KEY, SOURCE_FILE, WRONG = "source", "source_key", "source_file", "wrong_value"
ORIGIN = [SOURCE, SOURCE_KEY, SOURCE_FILE, WRONG]
ROW_ID, FIRST_RUN = "row_id", "first_run_id"
MAX_WRONG_LENGTH = 500  # characters of a wrong value that are kept
LEDGER = StructType([StructField(ROW_ID, StringType()), StructField(FIRST_RUN, StringType())])

MAX_ID_LENGTH = 256  # Personalize, "Quotas": length of a user or item id
MAX_CATEGORY_LENGTH = 1_000  # of a category, or a text that is none
MAX_UNSTRUCTURED_LENGTH = 20_000  # of a field that is textual
MAX_UNSTRUCTURED_LENGTH_CJK = 7_000  # of one with Chinese or Japanese characters
# 2100-01-01: what is later is milliseconds, or the year 9999 for "never", which PostgreSQL's infinity becomes too.
LATEST_SECOND = 4_102_444_800
# The warehouse's widest column has 65,535 bytes (Redshift's varchar), a character has up to four.
WIDEST_BYTES = 65535
MAX_TEXT_LENGTH = WIDEST_BYTES // 4


# Times and numbers stay text here, so that what can't be parsed is still there to be quarantined.
EVENTS = StructType(
    [
        StructField("event_id", StringType()),
        StructField("event_type", StringType()),
        StructField("user_id", StringType()),
        StructField("item_id", StringType()),
        StructField("timestamp", StringType()),
        StructField("session_id", StringType()),
        StructField("recommendation_id", StringType()),
        StructField("value", StringType()),
        StructField("impression", ArrayType(StringType())),
        StructField("simulated", BooleanType()),
        StructField("served_as", StringType()),  # how an answer of the API came about
        StructField("event_key", StringType()),  # the table's key, as JSON: who has a newer one replaces it
        StructField("run_id", StringType()),  # of the export
        StructField("written_at", LongType()),  # epoch microseconds; a full export doesn't tell
        StructField("expiry", LongType()),  # epoch seconds, by the table's time to live
        StructField("removed", StringType()),  # DELETED or EXPIRED: the image is the last one
        StructField("file", StringType()),
        StructField("action_id", StringType()),
    ]
)
# Raw events where the log fills contextual fields; files of runs before have no such column, and read as null.
EVENTS_WITH_CONTEXT = StructType([*EVENTS.fields, StructField(CONTEXT, MapType(StringType(), StringType()))])
DELETED, EXPIRED = "deleted", "expired"

BATCH_OUTPUT = StructType(
    [
        StructField(
            "input", StructType([StructField("userId", StringType()), StructField("itemId", StringType())])
        ),
        StructField(
            "output",
            StructType(
                [
                    StructField("recommendedItems", ArrayType(StringType())),
                    StructField("scores", ArrayType(DoubleType())),
                ]
            ),
        ),
        StructField("error", StringType()),
    ]
)

BATCH_SEGMENTS = StructType(
    [
        StructField("input", StructType([StructField("itemId", StringType())])),
        StructField("itemAttributes", StringType()),
        StructField("output", StructType([StructField("recommendedUsers", ArrayType(StringType()))])),
        StructField("error", StringType()),
    ]
)

ORDER_ID = "ORDER_ID"

WAREHOUSE_ORDERS = StructType(
    [
        StructField("run_id", StringType()),
        StructField("order_id", StringType()),
        StructField("user_id", StringType()),
        StructField("item_id", StringType()),
        StructField("ordered_at", StringType()),
        StructField("sales_value", DoubleType()),
    ]
)
QUALITY = StructType(
    [
        StructField("run_id", StringType()),
        StructField("figure", StringType()),
        StructField("value", DoubleType()),
        StructField("low", DoubleType()),
        StructField("high", DoubleType()),
    ]
)
WAREHOUSE_RECOMMENDATIONS = [
    *("run_id", "solution", "entity_id", "rank", "item_id", "score"),
    *("inferred_rank", "rule"),
]

WAREHOUSE_SEGMENTS = StructType(
    [
        StructField("run_id", StringType()),
        StructField("solution", StringType()),
        StructField("segment", StringType()),
        StructField("rank", IntegerType()),
        StructField("user_id", StringType()),
    ]
)

LISTS = StructType(
    [
        StructField("list", StringType()),
        StructField("key", StringType()),
        StructField("items", ArrayType(StringType())),
        StructField("scores", ArrayType(DoubleType())),
    ]
)

# What a typed field of a Personalize schema is in Spark SQL.
SQL_TYPES = {
    "string": "string",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "boolean": "boolean",
}

# A line of the exposures' files (lambdas/shared/assignment.py: exposure).
EXPOSURE_COLUMNS = (
    "exposure_id",
    "experiment",
    "version",
    "variant",
    "layer",
    "unit_id",
    "exposed_at",
    "placement",
    "recommendation_id",
)
EXPOSURES = StructType([StructField(name, StringType()) for name in EXPOSURE_COLUMNS])
