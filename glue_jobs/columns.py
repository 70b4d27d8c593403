"""All column names and schemas of the jobs: Personalize's are upper case, the warehouse's lower."""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DoubleType,
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
INTERACTION_KEY = [USER_ID, ITEM_ID, TIMESTAMP, EVENT_TYPE]
KEY_OF_DATASET = {"users": USER_ID, "items": ITEM_ID}

REASON = "reason"

# Counted, not quarantined: the application may log whatever it likes, and exports overlap by design.
IGNORED = ("unknown_event_type", "duplicate")

MAX_ID_LENGTH = 256  # Personalize, "Quotas": length of a user or item id
# The warehouse's widest column has 65,535 bytes (Redshift's varchar), a character has up to four.
WIDEST_BYTES = 65535
MAX_TEXT_LENGTH = WIDEST_BYTES // 4


def _wrapped(kind: str) -> StructType:
    """DynamoDB JSON of a scalar: `{"S": "x"}`, `{"N": "1"}`, `{"BOOL": true}`."""
    return StructType([StructField(kind, BooleanType() if kind == "BOOL" else StringType())])


_IMAGE = StructType(
    [
        StructField("user_id", _wrapped("S")),
        StructField("event_id", _wrapped("S")),
        StructField("event_type", _wrapped("S")),
        StructField("item_id", _wrapped("S")),
        StructField("timestamp", _wrapped("N")),
        StructField("session_id", _wrapped("S")),
        StructField("value", _wrapped("N")),
        StructField("impression", StructType([StructField("L", ArrayType(_wrapped("S")))])),
        StructField("recommendation_id", _wrapped("S")),
        StructField("simulated", _wrapped("BOOL")),
    ]
)

# A line is {"Item": ...} in a full export, {"Keys": ..., "NewImage": ...} in an incremental one (none
# when the item was deleted).
EXPORT_LINE = StructType([StructField("Item", _IMAGE), StructField("NewImage", _IMAGE)])

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
    ]
)

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
WAREHOUSE_RECOMMENDATIONS = ["run_id", "solution", "entity_id", "rank", "item_id", "score"]

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
