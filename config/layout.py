"""The places of things: S3 keys and DynamoDB keys, once. Glue scripts, functions and SQL hold copies of theirs,
which ship without this module; tests/config/test_layout.py compares each with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter


@dataclass(frozen=True)
class Form:
    """A key with places for what differs from run to run: `runs/{run_id}/{dataset}/`."""

    text: str

    def of(self, **values: str) -> str:
        """The key with every place filled. Raises KeyError for a place without a value."""
        return self.text.format_map(values)

    def pieces(self) -> Iterator[tuple[str, str | None]]:
        """(text, the place after it or None), in order."""
        return ((text, place) for text, place, _, _ in Formatter().parse(self.text))

    @property
    def top(self) -> str:
        """The first folder: `runs`."""
        return self.text.partition("/")[0]

    @property
    def anything(self) -> str:
        """Everything of the first folder, for a policy: `runs/*`."""
        return f"{self.top}/*"

    def objects(self, **known: str) -> str:
        """What a policy names: known places filled, others and what follows a folder `*`."""
        filled = self.text.format_map({place: "*" for _, place in self.pieces() if place} | known)
        return f"{filled.rstrip('*/')}/*" if filled.endswith("/") else filled


DATASETS = ("interactions", "users", "items")
# Where they are configured: CloudFormation has none of them.
ACTION_DATASETS = ("actions", "action_interactions")
# Folder of BATCH_INPUT, by for whom a solution makes a list.
AUDIENCES = {"user": "users", "item": "items", "everyone": "everyone"}
# Folder of BATCH_INPUT that a solution has for itself; no audience is called so.
OWN_INPUT = Form("for-{solution}")

# Raw bucket. `run_id` is the start of the run: YYYYMMDDTHHMMSSZ.
RAW_TABLE = Form("aurora/run={run_id}/{table}/")
LOG_EXPORT = Form("application_log/run={run_id}")
# The log's history, which each export adds to.
RAW_EVENTS = Form("events/run={run_id}/")

# What readers were shown of experiments: JSON lines, by day. `file` is the writer's own name.
EXPOSURES = Form("exposures/day={day}/{file}")
# Records of the log's stream that could not be sent, and why: JSON lines that name no user.
STREAM_QUARANTINE = Form("stream_quarantine/day={day}/{file}")

# Both of the other buckets keep what belongs to a run in one folder.
RUN_FOLDER = Form("runs/{run_id}/")

# Datasets bucket.
DATASET = Form("runs/{run_id}/{dataset}/")
BATCH_INPUT = Form("runs/{run_id}/batch_input/{audience}/")
# The same in parts, where it has more records than a job takes: each job's records.
BATCH_PART = Form("runs/{run_id}/batch_parts/{audience}/{part}/")
QUARANTINE = Form("runs/{run_id}/quarantine/{dataset}/")
REPORT = Form("runs/{run_id}/report.json")
# Whom Personalize's data deletion job deletes; removed when it has ended.
FORGET_LIST = Form("forget/{request_id}/")

# Results bucket.
BATCH_OUTPUT = Form("runs/{run_id}/batch/{solution}/")
BATCH_OUTPUT_PART = Form(f"{BATCH_OUTPUT.text}{{part}}/")
# What a forgetting removed; kept after its files.
FORGET_REPORT = Form("forget/{request_id}.json")
# What readers get, apart from the runs' folders: it lives as long as the lists may.
PUBLISH = Form("publish/{run_id}/{solution}/")
PUBLISH_FILES = Form(f"{PUBLISH.text}part-")
WAREHOUSE = Form("runs/{run_id}/warehouse/{table}/")
# Why batches of lists were not published, by the execution that tried: JSON that names files and no user.
UNPUBLISHED = Form("runs/{run_id}/unpublished/{solution}/{execution}/")
# Segments for a campaign tool: CSV with a header, segment,rank,user_id. An event says when they are whole.
SEGMENTS = Form("runs/{run_id}/segments/{solution}/")

# Tables of the warehouse that COPY fills, each from WAREHOUSE's folder of its name.
SOLUTION_VERSION_METRICS = "solution_version_metrics"
WAREHOUSE_TABLES = (
    "users",
    "items",
    "orders",
    "interactions",
    "events",
    "recommendations",
    "segments",
    SOLUTION_VERSION_METRICS,
    "exposures",
    "quarantine",
    "data_quality",
)

# What is stored of experiments lies in a folder of its own kind there, too; the analysis writes and copies it.
EXPERIMENT_RESULTS = "experiment_results"

# The tables of DynamoDB have the partition key PK, user state the user's id; recommendations has the sort key SK too.
PK = "pk"
SK = "sk"
EXPIRES = "expires_at"

# Table of recommendations. SK is the version; a pointer's is fixed.
LIST = Form("{list}#{key}")
# Segments of users lie in pages of at most SEGMENT_PAGE users, from 1; each page says how many there are (`pages`).
# The version is that of the pointer of the solution's name.
SEGMENT = Form("segment#{solution}#{key}")
SEGMENT_SK = Form("{version}#{page}")
SEGMENT_PAGE = 250
SEGMENT_PAGE_DIGITS = 5
POINTER = Form("pointer#{list}")
POINTER_SK = "pointer"
# The campaign of a solution, beside its pointer: campaign_arn and solution_version_arn, once it answers.
CAMPAIGN_SK = "campaign"
# A configured filter's filter_arn, for who asks a campaign.
FILTER = Form("filter#{filter}")
FILTER_SK = "filter"
# Versions of a list that the table holds and that don't expire yet.
VERSIONS = Form("versions#{list}")
VERSIONS_SK = "versions"

# Control table.
LOCK = "lock"
WATERMARK = "watermark"
# From when on events of a type reach Personalize by the stream, by type: epoch seconds. Of the dataset group alone.
STREAMING = Form("streaming#{dataset_group}")
SERVING = Form("serving#{solution}")
# The version of Personalize's own training that the gate turned down last, which is not judged twice.
TURNED_DOWN = Form("turned_down#{solution}")
# Versions that the quality gate let in, which the next one is compared with.
GATE = Form("gate#{solution}")
RUN = Form("run#{run_id}")
# What a run has finished, for one that resumes it.
PROGRESS = Form("progress#{run_id}")
# When a phase of it ended, beside what it gave: an attribute, ISO 8601 of UTC.
ENDED = Form("{phase}_at")
# The next run trains; `since` is when its schedule said so.
TRAINING_DUE = "training_due"
# Runs whose lists serve and that the warehouse has not taken.
WAREHOUSE_PENDING = "warehouse_pending"
# What people were told last of a variant.
DECISION = Form("decision#{experiment}#{version}#{variant}")
# Requests to forget a user, and whom runs leave out, by a keyed hash of the id.
FORGETTING = Form("forgetting#{request_id}")
FORGOTTEN = Form("forgotten#{digest}")
