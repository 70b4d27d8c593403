"""Limits of AWS and of this product's stores, each with its source; one place, so that no two pieces disagree.

`glue_jobs`, `lambdas` and the engine are shipped without `config`, so they hold their own copies:
tests/config/test_limits.py fails when one differs.
"""

from __future__ import annotations

from datetime import UTC, datetime

# Personalize developer guide, "Quotas": least data to train on, counted after events that don't count are left out.
MIN_INTERACTIONS = 1_000
MIN_USERS = 25
MIN_INTERACTIONS_OF_A_USER = 2
# With one item every list is that item, and a related list is empty.
MIN_ITEMS = 2

# Personalize developer guide, "Quotas": characters of an id, of a categorical value, of an unstructured text
# (Chinese and Japanese text counts more).
MAX_ID_LENGTH = 256
MAX_CATEGORY_LENGTH = 1_000
MAX_TEXT_LENGTH = 20_000
MAX_TEXT_LENGTH_CJK = 7_000
# The warehouse's `event_type varchar(256)` (warehouse/load/tables.sql), which holds types that don't count too.
MAX_EVENT_TYPE_LENGTH = 256
# Personalize developer guide, "Quotas": distinct event types in one dataset group's interactions.
MAX_EVENT_TYPES = 10
# Personalize developer guide, "Quotas": metadata columns of Users, Items and Actions.
MAX_METADATA = {"USER_ID": 25, "ITEM_ID": 100, "ACTION_ID": 10}
# The same of Interactions, where reserved fields don't count; and of distinct event types and fields together, where
# EVENT_TYPE and EVENT_VALUE do ("Item interactions dataset schema requirements").
MAX_CONTEXT = 5
MAX_TYPES_AND_FIELDS = 10
# Both are always sent, so this many types are left where there is no contextual field.
MAX_SENT_TYPES = MAX_TYPES_AND_FIELDS - 2

# Personalize developer guide, "Quotas": filters of a dataset group, distinct dataset fields of one filter and of all.
MAX_FILTERS = 30
MAX_FILTER_FIELDS = 10
MAX_FILTER_FIELDS_OF_GROUP = 20
# A changed expression is another filter beside the old one, until the new lists serve: all may change at once.
MAX_CONFIGURED_FILTERS = MAX_FILTERS // 2

# Personalize developer guide, "Data format guidelines": times are Unix epoch seconds, so none is negative.
OLDEST_TIME = datetime(1970, 1, 1, tzinfo=UTC)

# DynamoDB developer guide, "Constraints": a number has up to 38 digits and is 0 or between 1E-130 and
# 9.99E+125 in size; NaN and infinity aren't numbers. The pipeline is stricter (glue_jobs/transforms/text.py):
# what is larger is no value to it, and it writes 9 decimals.
MAX_DYNAMODB_NUMBER = 9.99e125
MIN_DYNAMODB_NUMBER = 1e-130
MAX_DYNAMODB_KEY_BYTES = 2_048
MAX_EVENT_VALUE = 1e18
EVENT_VALUE_DECIMALS = 9
EVENT_VALUE_DIGITS = 28

# Avro's types, and those of PostgreSQL that the application's tables keep them in.
INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
# PostgreSQL, "Character Types": the character with code zero can't be stored.
FORBIDDEN_CHARACTER = "\x00"
# What the pipeline turns into a blank, since a record is one line (glue_jobs/transforms/text.py): an id that
# holds one would be another id behind it.
LINE_BREAKS = "\r\n\v\f\x85\u2028\u2029"
# Personalize developer guide, "Quotas": a full import of interactions; 1 TB where the quota of interactions is raised.
MAX_IMPORT_GB = 100
# The same, active campaigns of a dataset group. A solution that trains otherwise than before is another, whose campaign
# is made before the old one goes.
MAX_CAMPAIGNS = 5
# Lambda developer guide, "Lambda quotas": bytes of all environment variables of a function, names and values.
MAX_VARIABLES_BYTES = 4_096
# Personalize developer guide, "Quotas": records of one batch inference job's input.
MAX_BATCH_RECORDS = 50_000_000
# Of fewer, records that share a bucket of the hash could be more than a part (glue_jobs/batch_parts.py).
MIN_BATCH_RECORDS = 100
# Batch jobs of one run: each polls for hours, and Step Functions ends an execution whose history has 25,000 events
# (checks/history.py counts them).
MAX_BATCH_JOBS = 12
