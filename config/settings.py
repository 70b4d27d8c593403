"""The model of one environment: reads `config/<environment>.yaml`, refuses what AWS would refuse later."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from config import (
    addresses,
    arns,
    business,
    callers,
    context,
    experiments,
    figures,
    files,
    filter_rules,
    gate,
    parts,
    rules,
    solution_rules,
    streaming,
)
from config.business import BusinessRule, Name, Placement, UserStates
from config.clean_up import CleanUp
from config.cors import Cors
from config.errors import ConfigError, repeated
from config.experiments import Experiments
from config.files import Content
from config.gate import QualityGate
from config.limits import MAX_BATCH_RECORDS, MAX_CONFIGURED_FILTERS, MIN_BATCH_RECORDS
from config.names import Names
from config.schedules import LOOKS_BACK_HOURS, check_late_after, check_time_zone, late_after
from config.section import Email, EventType, ItemId, KmsKey, Section
from config.solution import FieldName, Solution
from config.tokens import Jwt

POSTGRESQL = 5432  # the port, unless an existing cluster has another
# PostgreSQL, "Identifiers and Key Words": longer names are cut off at 63 bytes, in silence.
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=63)]
# DynamoDB developer guide, "Naming rules"; the backtick is Spark's quote.
AttributeName = Annotated[str, Field(pattern=r"^[^`]+$", max_length=255)]
# As an event's: what tells items of the log apart.
EntryType = EventType
SubnetId = Annotated[str, Field(pattern=r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$")]
# Personalize's "Quotas": characters of an expression.
FilterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,29}$")]
FilterExpression = Annotated[str, Field(min_length=1, max_length=2500)]
RouteTableId = Annotated[str, Field(pattern=r"^rtb-([0-9a-f]{8}|[0-9a-f]{17})$")]
TableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}\.[A-Za-z_][A-Za-z0-9_]{0,62}$")]


class Network(Section):
    """The VPC that Aurora, Glue, Redshift and the dbt runner share: made here, or a company's own."""

    cidr: str | None = Field(default=None, pattern=r"^\d+\.\d+\.\d+\.\d+/(1[6-9]|2[0-4])$")
    """Address range of the VPC that is made, /16 to /24."""
    # Redshift Serverless wants subnets in three zones.
    availability_zones: tuple[str, ...] = Field(min_length=3, max_length=4)
    """Three or four zones that get subnets; given here because a look-up would need credentials."""
    nat_gateways: int | None = Field(default=None, ge=1, le=4)
    """Gateways for outbound traffic of the private subnets, 1 unless said; more survive the loss of a zone."""
    vpc_id: str | None = Field(default=None, pattern=r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$")
    """A VPC that exists, in place of one that is made. Its private subnets must have a way to AWS's APIs."""
    subnet_ids: tuple[SubnetId, ...] = ()
    """Private subnets of the VPC that exists, one for each of `availability_zones`, in their order."""
    route_table_ids: tuple[RouteTableId, ...] = ()
    """Route tables of those subnets that get gateway endpoints of S3 and DynamoDB; none where they have them."""

    @field_validator("availability_zones")
    @classmethod
    def _zones_are_distinct(cls, zones: tuple[str, ...]) -> tuple[str, ...]:
        twice = repeated(zones)
        if twice is not None:
            raise ValueError(f"zone {twice!r} is listed twice: a group of subnets wants zones that differ")
        return zones

    @field_validator("cidr")
    @classmethod
    def _is_a_range(cls, cidr: str | None) -> str | None:
        return None if cidr is None else addresses.check_range(cidr)

    @model_validator(mode="after")
    def _is_made_or_exists(self) -> Self:
        rules.check_vpc(self)
        return self


class SourceTables(Section):
    """The application's tables, as `schema.table`."""

    users: TableName | None = None
    """One row per user; with `datasets.users` only."""
    items: TableName | None = None
    """One row an item; with `datasets.items` only."""
    orders: TableName
    """One row an ordered item."""
    actions: TableName | None = None
    """One row an action that may be proposed to a user; with `datasets.actions` only."""


class Aurora(Section):
    """The application's database: created here, or an existing cluster that lies in `network.vpc_id`."""

    create: bool = True
    """true creates an Aurora PostgreSQL serverless v2 cluster; false reads an existing one."""
    endpoint: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]+$")
    """Host name of an existing cluster: its writer's, or one reader instance's."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Port of an existing cluster, 5432 unless said."""
    secret_arn: str | None = Field(
        default=None, pattern=r"^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$"
    )
    """Secret {username, password} of a user of an existing cluster who may read the tables."""
    secret_key_arn: KmsKey | None = None
    """KMS key of that secret, where it isn't the account's own for Secrets Manager."""
    security_group_id: str | None = Field(default=None, pattern=r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$")
    """Security group of an existing cluster; Glue is let in."""
    database: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    """Database that holds the application's tables; of a created cluster, no reserved word of PostgreSQL."""
    min_capacity: float = Field(default=0.5, ge=0, le=256, multiple_of=0.5)
    """Lowest capacity in ACU (0.5 ACU steps; 0 pauses the cluster)."""
    max_capacity: float = Field(default=2, ge=1, le=256, multiple_of=0.5)
    """Highest capacity in ACU."""
    connections: int = Field(default=8, ge=1, le=64)
    """Over how many connections a large table is read at most, all of one snapshot; 1 reads each over one."""
    rows_per_connection: int = Field(default=1_000_000, ge=1)
    """One connection more for every so many rows of a table; a smaller one is read over one."""
    certificate_file: str | None = Field(default=None, pattern=r"^/[A-Za-z0-9._/-]+$")
    """File on Glue's machines of certificates, of which the database's must come; null: RDS's, as Glue has them."""
    tables: SourceTables
    """The application's tables."""

    @model_validator(mode="after")
    def _an_imported_cluster_is_described(self) -> Self:
        rules.check_cluster(self)
        if self.create:
            rules.check_created_database(self.database)
        if self.min_capacity > self.max_capacity:
            raise ValueError(
                f"min_capacity {self.min_capacity} is above max_capacity {self.max_capacity}: lower the first"
            )
        return self

    @property
    def reached_at(self) -> int:
        """Port of the cluster."""
        return self.port or POSTGRESQL


class LogAttributes(Section):
    """Attributes of an item of the log. Each is read as a string or as a number, whichever it is stored as."""

    USER_ID: AttributeName = "user_id"
    """Who acted."""
    ITEM_ID: AttributeName = "item_id"
    """On what; an event without it is no interaction."""
    EVENT_TYPE: AttributeName = "event_type"
    """What was done, as `datasets.interactions.events` names it."""
    TIMESTAMP: AttributeName = "timestamp"
    """When, in `timestamp_format`."""
    EVENT_VALUE: AttributeName | None = "value"
    """A figure that the event has, such as a price; null where the log has none."""
    EVENT_ID: AttributeName | None = "event_id"
    """Tells events apart in the warehouse; null or absent: made of user, item, type and time."""
    SESSION_ID: AttributeName | None = "session_id"
    """The visit; null where the log has none."""
    RECOMMENDATION_ID: AttributeName | None = "recommendation_id"
    """The list that the event comes from; null where the log has none."""
    IMPRESSION: AttributeName | None = "impression"
    """Items that were shown: a list or a set of strings or numbers; null where the log has none."""
    ACTION_ID: AttributeName | None = None
    """Which action was proposed or taken; null where the log has none."""
    PLACEMENT: AttributeName | None = None
    """The placement that the event names, for the application's own readers: runs don't read it; null keeps none."""
    POSITION: AttributeName | None = None
    """The place in the list, from 1, that the event names; as PLACEMENT."""

    @model_validator(mode="after")
    def _each_has_its_own(self) -> Self:
        rules.check_attributes(self.model_dump())
        return self


class ApplicationLog(Section):
    """The DynamoDB table of application events: created here, or an existing one imported by name."""

    create: bool = True
    """true creates the table; false reads an existing one, which must have point-in-time recovery."""
    table_name: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9_.-]{3,255}$")
    """Existing table, when `create` is false."""
    attributes: LogAttributes = LogAttributes()
    """Names of the attributes that are read."""
    timestamp_format: Literal["milliseconds", "seconds", "iso"] = "milliseconds"
    """Of TIMESTAMP: epoch milliseconds or seconds, or ISO 8601 text, in UTC where it has no offset."""
    ttl_attribute: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Attribute of epoch seconds by which the created table expires events; an existing table says it itself."""
    keep_expired_days: int = Field(default=730, ge=0, le=36500)
    """Days for which events stay learned after time to live removed them; 0 forgets them at the next run."""
    stream_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws:dynamodb:[a-z0-9-]+:\d{12}:table/[a-zA-Z0-9_.-]{3,255}/stream/[0-9T:.-]+$",
    )
    """Stream of an existing table, with new and old images; for event types that are `streamed`."""

    @model_validator(mode="after")
    def _an_imported_table_is_named(self) -> Self:
        if not self.create and self.table_name is None:
            raise ValueError("create is false, so table_name must name the existing table")
        if not self.create and self.ttl_attribute is not None:
            raise ValueError(
                "create is false, and an existing table says itself by which attribute it expires: "
                "remove ttl_attribute"
            )
        rules.check_own_attributes(self)
        streaming.check_stream_arn(self)
        return self


class Sources(Section):
    """The databases in which the application keeps its data."""

    aurora: Aurora | None = None
    """The relational database; null where the log alone is learned from."""
    application_log: ApplicationLog | None = ApplicationLog()
    """The log of application events; null where the database alone is learned from: the API takes no events then."""


class EventRule(Section):
    """An event type that counts as an interaction, and its weight in training (0-1)."""

    type: EventType
    """EVENT_TYPE in Personalize; for the log, the application's event_type."""
    source: Literal["orders", "application_log"]
    """Where events of the type come from."""
    weight: float = Field(default=1.0, ge=0, le=1)
    """Weight in training, 0 to 1, for recipes that take event weights."""
    streamed: bool = False
    """true sends events of the log to Personalize's event tracker within seconds; older ones stay imported."""

    @model_validator(mode="after")
    def _a_stream_has_it(self) -> Self:
        streaming.check_event(self)
        return self


class OrderColumns(Section):
    """Columns of the orders table that become an interaction."""

    USER_ID: ColumnName
    """Who bought."""
    ITEM_ID: ColumnName
    """What was bought."""
    TIMESTAMP: ColumnName
    """When; a timestamp with time zone."""
    EVENT_VALUE: ColumnName | None = None
    """What was paid; without it orders have no value."""
    ORDER_ID: ColumnName | None = None
    """The order that the line belongs to; without it, what a user bought at one moment is one order."""

    @model_validator(mode="after")
    def _each_has_its_own(self) -> Self:
        rules.check_columns(self.model_dump(exclude_none=True))
        return self


class InteractionField(Section):
    """A contextual field of interactions, such as the device: what else was known when something happened."""

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=100)
    """Field of the Personalize schema."""
    type: Literal["string", "int", "long", "float", "double", "boolean"] = "string"
    """Avro type."""
    categorical: bool = False
    """The field holds categories; several are separated by `|`."""
    column: ColumnName | None = None
    """Column of the orders table that fills it; null where orders have none."""
    attribute: AttributeName | None = None
    """Attribute of the log that fills it, a string, number or boolean; null where the log has none."""
    nullable: bool = False
    """The field may be empty. It must where a source of events doesn't fill it; else what lacks it is quarantined."""


class InteractionsDataset(Section):
    """Which orders and events become Personalize's Interactions dataset."""

    order_columns: OrderColumns | None = None
    """Columns of the orders table; null without `sources.aurora`."""
    events: tuple[EventRule, ...] = Field(min_length=1, max_length=rules.MAX_EVENT_TYPES)
    """Event types that count; everything else in the log is left out."""
    bought: tuple[str, ...] = ()
    """Event types of the log that say what was bought, for rules and marts; only without `sources.aurora`, whose orders
    say it."""
    impressions: bool = False
    """true sends IMPRESSION, the items that the log says were shown: 25 at most, and none over 1,000 characters."""
    recommendation_ids: bool = False
    """true sends RECOMMENDATION_ID of Personalize's own answers (`RID-...`); ids of batch lists are never sent."""
    fields: tuple[InteractionField, ...] = ()
    """Contextual fields, 5 at most, and 8 with the event types. They can't change but by `datasets.schema_version`."""

    @field_validator("fields")
    @classmethod
    def _personalize_accepts_them(cls, fields: tuple[InteractionField, ...]) -> tuple[InteractionField, ...]:
        context.check_fields(fields)
        return fields

    @field_validator("events")
    @classmethod
    def _types_are_distinct(cls, events: tuple[EventRule, ...]) -> tuple[EventRule, ...]:
        types = [event.type for event in events]
        twice = repeated(types)
        if twice is not None:
            raise ValueError(f"event type {twice!r} is listed twice: keep one")
        return events

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the orders table that are read."""
        orders = self.order_columns.model_dump(exclude_none=True).values() if self.order_columns else ()
        return (*orders, *(field.column for field in self.fields if field.column is not None))

    @property
    def streamed(self) -> tuple[str, ...]:
        """Event types that reach Personalize as they happen."""
        return tuple(event.type for event in self.events if event.streamed)

    def types_from(self, source: str) -> tuple[str, ...]:
        return tuple(event.type for event in self.events if event.source == source)


class DatasetField(Section):
    """A field of a Personalize schema and the application's column that fills it."""

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=100)
    """Field of the Personalize schema."""
    column: ColumnName
    """Column of the application's table."""
    attribute: AttributeName | None = None
    """Attribute of the log's items that fills it, where the dataset has `streamed_by`; null: called as the column."""
    type: Literal["string", "int", "long", "float", "double", "boolean"] = "string"
    """Avro type."""
    categorical: bool = False
    """The field holds categories; several are separated by `|`."""
    textual: bool = False
    """The field holds text, such as a description."""
    item_name: bool = False
    """The field is the item's name, which aws-semantic-similarity reads beside a textual one."""
    nullable: bool = False
    """The field may be empty. CREATION_TIMESTAMP may unless this says false: Personalize infers one that is missing."""
    added: bool = False
    """The field came after the dataset was created: the next run adds it; it must be nullable. Stays true for ever."""

    @model_validator(mode="before")
    @classmethod
    def _a_creation_time_may_be_missing(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("name") == "CREATION_TIMESTAMP":
            return {"nullable": True, **given}
        return given


class UsersDataset(Section):
    """Personalize's Users dataset."""

    fields: tuple[DatasetField, ...] = Field(min_length=2)
    """Fields of the schema, USER_ID among them."""
    only_known: bool = False
    """true leaves users who are not in the table (any more) out of training and lists; false keeps guests."""
    streamed_by: EntryType | None = None
    """Type of the log's items that each are a whole user, new or changed, for Personalize within seconds; null: users
    come with runs alone."""

    @field_validator("fields")
    @classmethod
    def _personalize_accepts_them(cls, fields: tuple[DatasetField, ...]) -> tuple[DatasetField, ...]:
        rules.check_fields("USER_ID", fields)
        return fields


class ItemsDataset(Section):
    """Personalize's Items dataset."""

    fields: tuple[DatasetField, ...] = Field(min_length=2)
    """Fields of the schema, ITEM_ID among them."""
    streamed_by: EntryType | None = None
    """Type of the log's items that each are a whole item, new or changed, for Personalize within seconds; null: items
    come with runs alone."""

    @field_validator("fields")
    @classmethod
    def _personalize_accepts_them(cls, fields: tuple[DatasetField, ...]) -> tuple[DatasetField, ...]:
        rules.check_fields("ITEM_ID", fields)
        return fields


class ActionsDataset(Section):
    """Personalize's Actions dataset: what a user may be moved to do, such as joining a loyalty programme."""

    fields: tuple[DatasetField, ...] = Field(min_length=2)
    """Fields of the schema, ACTION_ID among them; what Personalize itself knows: VALUE, TYPE, CREATION_TIMESTAMP,
    EXPIRATION_TIMESTAMP, REPEAT_FREQUENCY."""

    @field_validator("fields")
    @classmethod
    def _personalize_accepts_them(cls, fields: tuple[DatasetField, ...]) -> tuple[DatasetField, ...]:
        rules.check_fields("ACTION_ID", fields)
        return fields


class ActionEvent(Section):
    """An event type of the application log that says what a user did about an action."""

    type: EventType
    """EVENT_TYPE of the log."""
    means: Literal["Viewed", "Taken", "Not Taken"]
    """What it is to Personalize."""
    streamed: bool = False
    """true sends events of the type to Personalize within seconds; older ones stay imported."""


class ActionInteractionsDataset(Section):
    """Personalize's Action interactions dataset, of events of the application log that have an ACTION_ID."""

    events: tuple[ActionEvent, ...] = Field(min_length=1, max_length=rules.MAX_EVENT_TYPES)
    """Event types that count."""

    @field_validator("events")
    @classmethod
    def _types_are_distinct(cls, events: tuple[ActionEvent, ...]) -> tuple[ActionEvent, ...]:
        types = [event.type for event in events]
        twice = repeated(types)
        if twice is not None:
            raise ValueError(f"event type {twice!r} is listed twice: keep one")
        return events

    @property
    def streamed(self) -> tuple[str, ...]:
        """Event types that reach Personalize as they happen."""
        return tuple(event.type for event in self.events if event.streamed)


class Bound(Section):
    """What a figure may be; a side that is left out is learned from earlier runs."""

    min: float | None = None
    """The least value that lets a run go on."""
    max: float | None = None
    """The largest value that lets a run go on."""

    @model_validator(mode="after")
    def _has_a_side_and_room(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a bound needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing could pass")
        return self


FigureName = Annotated[
    str,
    Field(pattern=r"^(users\.distinct|(rows|age_hours|null_share)\.[^\s]{1,400})$"),
]


class DataQuality(Section):
    """When a preparation run stops instead of replacing good data with bad."""

    max_quarantined_share: float = Field(default=0.05, ge=0, le=1)
    """Share of rows that may be quarantined before a run stops."""
    min_rows_against_previous: float = Field(default=0.8, ge=0, le=1)
    """Rows a dataset must keep against the previous run's, as a share; also of the median of earlier runs."""
    bounds: dict[FigureName, Bound] = Field(default_factory=dict)
    """Bounds of figures, by name such as `rows.application_log.click`; they stand before what is learned."""


# What is known of users and items of which the application has no table.
KEY_FIELDS = {
    "users": DatasetField(name="USER_ID", column="user_id"),
    "items": DatasetField(name="ITEM_ID", column="item_id"),
    "actions": DatasetField(name="ACTION_ID", column="action_id"),
}


class Datasets(Section):
    """Personalize's datasets. Users and items may gain nullable fields, marked `added`; nothing else can change."""

    schema_version: int = Field(ge=1, le=999)
    """Raise it for fields that can't change in place: a dataset group beside the old one, which serves once trained."""
    interactions: InteractionsDataset
    """Personalize's Interactions dataset."""
    users: UsersDataset | None = None
    """Personalize's Users dataset; without it, users are known by their interactions alone."""
    items: ItemsDataset | None = None
    """Personalize's Items dataset; without it, items are known by their interactions alone."""
    actions: ActionsDataset | None = None
    """Personalize's Actions dataset, for aws-next-best-action; made by the workflow, as CloudFormation has none."""
    action_interactions: ActionInteractionsDataset | None = None
    """What users did about actions; without it nothing is learned of that."""
    quality: DataQuality = DataQuality()
    """When a run stops."""

    @model_validator(mode="after")
    def _bounds_are_of_figures(self) -> Self:
        figures.check(self)
        return self

    def configured(self, name: str) -> bool:
        """Whether there is a dataset: `interactions` always, others where the configuration has them."""
        return getattr(self, name) is not None

    def fields(self, name: str) -> tuple[DatasetField, ...]:
        """Fields of users, items or actions; of one that isn't configured, its key alone."""
        dataset: UsersDataset | ItemsDataset | ActionsDataset | None = getattr(self, name)
        return dataset.fields if dataset else (KEY_FIELDS[name],)

    @property
    def streamed_events(self) -> tuple[str, ...]:
        """Types of events, about items or about actions, that reach Personalize as they happen."""
        about_actions = self.action_interactions.streamed if self.action_interactions else ()
        return (*self.interactions.streamed, *about_actions)

    @property
    def streamed_entries(self) -> dict[str, str]:
        """Type of the log's items that are users or items, by the dataset that they change."""
        types = {"users": self.users, "items": self.items}
        return {name: one.streamed_by for name, one in types.items() if one and one.streamed_by}

    @property
    def streams(self) -> bool:
        """Whether the log's table has a stream, and something reads it."""
        return bool(self.streamed_events or self.streamed_entries)


# Of a function, for a megabyte of its sources as they are stored: a cautious guess, not measured at the limit.
MEMORY_OF_A_MEGABYTE = 15


class Etl(Section):
    """What prepares datasets, and the size of the Glue jobs."""

    engine: Literal["glue", "lambda", "auto"] = "glue"
    """What builds datasets: a job on Glue, a function, or the function up to `small_megabytes` (docs/small-data.md)."""
    small_megabytes: int = Field(default=200, ge=1, le=2000)
    """Megabytes of sources, as they are stored, up to which the function builds. `engine: glue` looks at none."""
    function_memory: int = Field(default=3008, ge=1769, le=10240)
    """Megabytes of memory of the function that builds; more than 3,008 takes a raised quota in a new account."""
    glue_version: Literal["5.1", "6.0"] = "5.1"
    """Glue version of the Spark jobs: 5.1 is Spark 3.5, 6.0 is Spark 4.1 (docs/glue-versions.md)."""
    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = "G.1X"
    """Size of one worker."""
    workers: int = Field(default=2, ge=2, le=299)
    """Workers of a job at most."""
    timeout_minutes: int = Field(default=60, ge=1, le=10080)
    """Time after which a job is stopped."""
    batch_records: int = Field(default=MAX_BATCH_RECORDS, ge=MIN_BATCH_RECORDS, le=MAX_BATCH_RECORDS)
    """Users or items that one batch inference job of Personalize is asked about; what is more becomes several jobs.

    So do those whose lines have more than a gigabyte.
    """
    bootstrap_key_arn: KmsKey | None = None
    """Customer key of the bootstrap bucket, if it has one: the jobs decrypt their scripts with it."""

    @model_validator(mode="after")
    def _fits_into_memory(self) -> Etl:
        """Building takes several times what is stored (docs/small-data.md)."""
        most = self.function_memory // MEMORY_OF_A_MEGABYTE
        if self.engine != "glue" and self.small_megabytes > most:
            raise ValueError(
                f"small_megabytes is {self.small_megabytes} and function_memory {self.function_memory}: "
                f"at most {most} fit, so lower the one or raise the other to "
                f"{self.small_megabytes * MEMORY_OF_A_MEGABYTE} (10240 at most)"
            )
        return self

    @property
    def on_glue(self) -> bool:
        """Whether a job on Spark may build datasets."""
        return self.engine != "lambda"

    @property
    def in_function(self) -> bool:
        """Whether a function may."""
        return self.engine != "glue"


class Schedule(Section):
    """When EventBridge Scheduler starts the pipeline."""

    expression: str
    """`cron(minutes hours day-of-month month day-of-week year)` or `rate(n days)`."""
    training: str | None = None
    """As `expression`: from each of its times on, the next run trains, others use what serves; null: each trains."""
    time_zone: str = "UTC"
    """IANA time zone of the expressions."""
    enabled: bool = True
    """false keeps the schedule but never fires it."""
    late_after_hours: int | None = Field(default=None, ge=1, le=LOOKS_BACK_HOURS)
    """An alarm rings when no run succeeded for so long; null: the longest time between two starts and six hours more.
    It looks back seven days: a schedule that starts once a week or more rarely, or never, has no such alarm."""

    @field_validator("expression")
    @classmethod
    def _is_a_schedule(cls, expression: str) -> str:
        return rules.check_schedule(expression)

    @field_validator("training")
    @classmethod
    def _trains_at_times(cls, training: str | None) -> str | None:
        return None if training is None else rules.check_schedule(training)

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, time_zone: str) -> str:
        return check_time_zone(time_zone)

    @model_validator(mode="after")
    def _is_late_after_a_start(self) -> Schedule:
        if self.late_after_hours is not None:
            check_late_after(self.late_after_hours, self.expression)
        return self

    @property
    def late_after(self) -> int | None:
        """Hours without a success after which an alarm rings; None where none could tell."""
        usual = late_after(self.expression) if self.enabled else None
        return usual and (self.late_after_hours or usual)


class Publishing(Section):
    """What happens to lists between inference and the reader."""

    expire_after_days: int = Field(default=14, ge=1, le=365)
    """Days for which DynamoDB keeps lists that serve no more and can't be rolled back to; what serves never expires."""
    exclude_bought_within_days: int = Field(default=0, ge=0, le=3650)
    """Leave out items that the user bought within so many days; 0 leaves none out."""
    min_never_bought: int = Field(default=0, ge=0, le=500)
    """Items of a user's list that they never bought, at least: the best such candidates take its last places."""
    item_fields: Annotated[tuple[FieldName, ...], Field(max_length=10)] = ()
    """Fields of the items dataset published with each list, for rules and for callers who ask with `fields`."""
    user_fields: Annotated[tuple[FieldName, ...], Field(max_length=10)] = ()
    """Categorical fields of the users dataset published with each user's list, for targets of experiments."""


class Api(Section):
    """Who may call the API, and how often."""

    authorization: Literal["iam"] = "iam"
    """Who may call: `iam` means signed requests of principals with execute-api:Invoke."""
    jwt: Jwt | None = None
    """Routes of readers answer tokens of this issuer; segments, health and forgetting stay with `authorization`."""
    cors: Cors | None = None
    """Pages of other origins that may call the API; none: browsers let no page of another origin read an answer."""
    rate_per_second: int = Field(default=50, ge=1, le=10000)
    """Steady requests a second of the stage."""
    burst: int = Field(default=100, ge=1, le=5000)
    """Requests of a burst."""
    log_impressions: bool | None = None
    """Whether what the API shows a user is logged by itself; null: where the log's table is made here and keeps it."""
    may_explain: tuple[callers.Principal, ...] = ()
    """Names of IAM roles and users who may ask with `explain=true` why a list is as it is; `*` is everybody, and
    `{prefix}` at the start of a name stands for `<app>-<environment>`."""
    service_callers: tuple[callers.Principal, ...] = ()
    """Names of IAM roles and users who may read segments of users; `*` is everybody who may call the API, and
    `{prefix}` at the start of a name stands for `<app>-<environment>`."""
    usage_plans: dict[callers.PlanName, callers.UsagePlan] = Field(default_factory=dict, max_length=20)
    """Limits of single callers, by name: each is a usage plan with an API key of its own (docs/api.md)."""
    key_routes: tuple[str, ...] = ()
    """Operations (docs/openapi.json) that ask for an API key of a plan, beside authorization."""
    caller_accounts: tuple[callers.Account, ...] = Field(default=(), max_length=20)
    """Other AWS accounts whose roles may call what the application may; their own policies must allow it too."""
    default_items: tuple[ItemId, ...] = Field(min_length=1, max_length=100)
    """Items of yours, best first, for a reader of whom nothing can be read; shipped with the function."""

    @field_validator("default_items")
    @classmethod
    def _items_are_distinct(cls, items: tuple[str, ...]) -> tuple[str, ...]:
        twice = repeated(items)
        if twice is not None:
            raise ValueError(f"item {twice!r} is listed twice: keep one")
        return items

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Origins whose pages may call; none: there is no CORS at all."""
        return self.cors.origins if self.cors else ()

    @field_validator("may_explain", "service_callers")
    @classmethod
    def _each_is_named_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = repeated(names)
        if twice is not None:
            raise ValueError(f"{twice!r} is listed twice: keep one")
        return names

    @field_validator("caller_accounts")
    @classmethod
    def _accounts_are_somebodys(cls, accounts: tuple[str, ...]) -> tuple[str, ...]:
        callers.check_accounts(accounts)
        return accounts

    @model_validator(mode="after")
    def _keys_are_of_use(self) -> Self:
        callers.check_plans(self.usage_plans, self.key_routes, rate=self.rate_per_second, burst=self.burst)
        return self


QuickSightPrincipal = Annotated[
    str, Field(pattern=r"^arn:aws:quicksight:[a-z0-9-]+:\d{12}:(user|group)/[^/]+/.+$")
]
# It stands between quotes in the marts' SQL.
EventName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_ .:/-]{0,255}$")]


class QuickSight(Section):
    """Dashboards: needs a QuickSight subscription in the account and a principal to own them."""

    enabled: bool = False
    """true adds a stack with the data source, data sets, analysis and dashboard."""
    principal_arn: QuickSightPrincipal | None = None
    """QuickSight user or group that owns them."""
    viewer_arns: tuple[QuickSightPrincipal, ...] = ()
    """QuickSight users or groups that look at the dashboard."""
    refresh_at: str = Field(default="07:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    """Time of the day, in `schedule.time_zone`, at which QuickSight reads the marts again; after a run's end."""
    secret_arn: str | None = Field(
        default=None, pattern=r"^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+$"
    )
    """Secret {username, password} of another user that reads the marts; none: the one that `make deploy` makes."""

    @model_validator(mode="after")
    def _has_an_owner(self) -> Self:
        rules.check_principals(self.principal_arn, self.viewer_arns)
        if self.enabled and self.principal_arn is None:
            raise ValueError(
                "enabled is true, so principal_arn must name the QuickSight user or group that owns it"
            )
        return self


class Dbt(Section):
    """Where dbt builds the marts, and how long it may take (docs/operating.md)."""

    runs_on: Literal["lambda", "codebuild"] = "lambda"
    """A function, which ends after 15 minutes at most, or a build of CodeBuild, which starts a minute later."""
    timeout_minutes: int = Field(default=15, ge=5, le=rules.BUILD_MINUTES)
    """Time after which dbt is stopped: at most 15 on `lambda`, 480 on `codebuild`."""

    @model_validator(mode="after")
    def _a_function_ends(self) -> Self:
        if self.runs_on == "lambda" and self.timeout_minutes > rules.FUNCTION_MINUTES:
            raise ValueError(
                f"timeout_minutes is {self.timeout_minutes}, and a function ends after {rules.FUNCTION_MINUTES}: "
                "set runs_on: codebuild, or at most that many"
            )
        return self


class Analytics(Section):
    """Redshift Serverless and QuickSight."""

    enabled: bool = True
    """false makes no warehouse: runs end when their lists serve, and there are no marts, dashboards or analyses."""
    base_capacity_rpu: int = Field(default=8, ge=8, le=512, multiple_of=8)
    """Base capacity of Redshift Serverless, in RPU."""
    max_capacity_rpu: int = Field(default=64, ge=8, le=512, multiple_of=8)
    """Capacity that Redshift Serverless never goes beyond, in RPU; what a night may cost at most."""
    max_query_seconds: int = Field(default=7200, ge=60, le=86399)
    """Time after which Redshift ends a query, of the load, of dbt and of dashboards alike."""
    database: str = Field(default="analytics", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    """Database of the warehouse."""
    training_hour_usd: float = Field(default=0.24, ge=0)
    """US dollars of an hour of Personalize's training in your region, for the estimated cost of a version."""
    impression_event: EventName = "impression"
    """Event type with which the application's log says what was shown, for the marts."""
    click_event: EventName = "click"
    """Event type of a click on something that was shown, for the marts."""
    attribution_days: int = Field(default=1, ge=1, le=90)
    """A click or a purchase counts for what was shown to the user at most so many days before."""
    dbt: Dbt = Dbt()
    """What builds the marts."""
    quicksight: QuickSight = QuickSight()
    """Dashboards."""

    @property
    def builds_on_codebuild(self) -> bool:
        """Whether there is a warehouse, and dbt builds its marts on CodeBuild."""
        return self.enabled and self.dbt.runs_on == "codebuild"

    @model_validator(mode="after")
    def _what_is_shown_is_no_click(self) -> Self:
        if self.click_event == self.impression_event:
            raise ValueError(
                f"click_event and impression_event are both {self.click_event!r}, so each showing would be a click: "
                "name the event type of each"
            )
        return self

    @field_validator("database")
    @classmethod
    def _is_no_reserved_word(cls, database: str) -> str:
        return rules.check_database_name("database", database)

    @model_validator(mode="after")
    def _dashboards_have_a_warehouse(self) -> Self:
        if self.quicksight.enabled and not self.enabled:
            raise ValueError(
                "quicksight.enabled is true, but enabled is false and dashboards read the warehouse: change one"
            )
        return self

    @model_validator(mode="after")
    def _base_is_below_the_maximum(self) -> Self:
        if self.base_capacity_rpu > self.max_capacity_rpu:
            raise ValueError(
                f"base_capacity_rpu {self.base_capacity_rpu} is above max_capacity_rpu {self.max_capacity_rpu}: "
                "raise the second"
            )
        return self


class Alerts(Section):
    """Who hears of failed and late runs."""

    email: Email | None = None
    """Address that is subscribed to the alerts topic; it must confirm."""


class Budget(Section):
    """An AWS Budget of the whole account, and who is told before it is spent: AWS Budgets stops nothing."""

    monthly_usd: float | None = Field(default=None, gt=0, le=10_000_000)
    """What a month may cost in US dollars; none makes no budget."""
    alert_at_percent: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        default=(80, 100), min_length=1, max_length=4
    )
    """Shares of it, each of which mails once it is spent; the last one also when the month is forecast to reach it."""
    email: Email | None = None
    """Who is told; `alerts.email` unless said."""

    @field_validator("alert_at_percent")
    @classmethod
    def _shares_rise(cls, shares: tuple[int, ...]) -> tuple[int, ...]:
        if list(shares) != sorted(set(shares)):
            raise ValueError(f"{list(shares)} must rise, each once: write {sorted(set(shares))}")
        return shares


class Settings(Section):
    """One environment."""

    app: str = Field(pattern=r"^[a-z][a-z0-9]{1,15}$")
    """First part of every name; AWS keeps names that begin with `aws` or `ssm` to itself."""
    environment: str = Field(pattern=r"^[a-z][a-z0-9]{1,9}$")
    """Second part of every name, and the name of the file."""
    account: str = Field(pattern=r"^\d{12}$")
    """AWS account, in quotes."""
    region: str
    """AWS region; it must have Amazon Personalize."""
    removal: Literal["destroy", "retain"]
    """What `make destroy` does with stored data: `destroy` or `retain`."""
    network: Network
    """The VPC."""
    sources: Sources
    """The application's data."""
    datasets: Datasets
    """What Personalize learns from."""
    etl: Etl = Etl()
    """Glue jobs."""
    solutions: tuple[Solution, ...] = Field(min_length=1, max_length=10)
    """Personalize solutions; each is trained and published."""
    filters: dict[FilterName, FilterExpression] = Field(
        default_factory=dict, json_schema_extra={"maxProperties": MAX_CONFIGURED_FILTERS}
    )
    """Personalize filters by name: expressions, with parameters such as $CATEGORY for campaigns."""
    quality_gate: QualityGate = QualityGate()
    """When a new solution version may serve."""
    schedule: Schedule
    """When the pipeline runs."""
    publishing: Publishing = Publishing()
    """From inference to the reader."""
    placements: dict[Name, Placement] = Field(default_factory=dict)
    """Places of the application, by name; a request names one. null takes back one that is shared."""
    rules: dict[Name, BusinessRule] = Field(default_factory=dict)
    """Business rules, by name: placements say which of them act where (docs/rules.md). null takes back a shared one."""
    user_states: UserStates = UserStates()
    """States of users, for placements' rules and experiments' targets."""
    api: Api
    """The HTTP API."""
    analytics: Analytics = Analytics()
    """The warehouse and dashboards."""
    clean_up: CleanUp = CleanUp()
    """What is removed when it serves no more."""
    experiments: Experiments = Experiments()
    """Experiments: who sees which variant, and by which metrics it is judged."""
    alerts: Alerts = Alerts()
    """Who hears of failures."""
    budget: Budget = Budget()
    """What a month may cost."""
    log_retention_days: int = 30
    """How long CloudWatch keeps logs; one of its fixed values."""

    @field_validator("app")
    @classmethod
    def _is_a_beginning(cls, app: str) -> str:
        return rules.check_app(app)

    @field_validator("region")
    @classmethod
    def _has_personalize(cls, region: str) -> str:
        return rules.one_of(
            "region", region, rules.PERSONALIZE_REGIONS, "a region that has Amazon Personalize"
        )

    @field_validator("log_retention_days")
    @classmethod
    def _cloudwatch_accepts_it(cls, days: int) -> int:
        return rules.one_of("log_retention_days", days, rules.LOG_RETENTION_DAYS)

    @field_validator("placements", "rules", mode="before")
    @classmethod
    def _without_what_is_taken_back(cls, given: Any) -> Any:
        return (
            {name: one for name, one in given.items() if one is not None}
            if isinstance(given, dict)
            else given
        )

    @model_validator(mode="after")
    def _zones_are_in_the_region(self) -> Self:
        for zone in self.network.availability_zones:
            addresses.check_zone(zone, self.region)
        return self

    @model_validator(mode="after")
    def _what_is_named_lies_here(self) -> Self:
        arns.check(self)
        return self

    @model_validator(mode="after")
    def _the_warehouse_has_room(self) -> Self:
        if self.network.cidr is not None and self.analytics.enabled:
            zones, capacity = len(self.network.availability_zones), self.analytics.base_capacity_rpu
            addresses.check_room(self.network.cidr, zones=zones, capacity=capacity)
        return self

    @model_validator(mode="after")
    def _solutions_are_distinct_and_fed(self) -> Self:
        rules.check_solutions(self.solutions)
        gate.check(self.quality_gate, self.solutions)
        solution_rules.check_against(self.solutions, self.datasets)
        solution_rules.check_values(self.solutions, self.datasets, self.sources)
        filter_rules.check_filters(self.filters, self.solutions, self.datasets)
        return self

    @model_validator(mode="after")
    def _pinned_versions_are_of_the_environment(self) -> Self:
        solution_rules.check_pins(self.solutions, self.names)
        return self

    @model_validator(mode="after")
    def _an_imported_cluster_is_in_the_vpc(self) -> Self:
        aurora = self.sources.aurora
        if aurora is not None and not aurora.create and self.network.vpc_id is None:
            raise ValueError(
                "sources.aurora.create is false, so network.vpc_id must name the VPC that the cluster lies in: the "
                "extraction's security group and the cluster's have to be of one VPC"
            )
        return self

    @model_validator(mode="after")
    def _datasets_have_their_tables(self) -> Self:
        parts.check_sources(self.sources, self.datasets)
        context.check_sources(self.datasets.interactions, self.sources)
        if self.sources.aurora is not None:
            rules.check_tables(self.sources.aurora.tables, self.datasets)
        if self.sources.application_log is not None:
            attributes = self.sources.application_log.attributes
            rules.check_more_of_the_log(self.datasets.interactions, attributes)
            rules.check_action_events(self.datasets, attributes.ACTION_ID)
        streaming.check(self.datasets, self.sources)
        return self

    @model_validator(mode="after")
    def _what_is_asked_is_known_somewhere(self) -> Self:
        parts.check_rules(self.sources, self.datasets, self.publishing, self.rules)
        parts.check_warehouse(self.analytics, self.experiments, self.sources)
        return self

    @model_validator(mode="after")
    def _somebody_hears_of_the_budget(self) -> Self:
        if self.budget.monthly_usd is not None and self.budget_email is None:
            raise ValueError(
                f"budget.monthly_usd is {self.budget.monthly_usd:g} and nobody would be told: write budget.email "
                "or alerts.email"
            )
        return self

    @model_validator(mode="after")
    def _names_are_short_enough(self) -> Self:
        rules.check_bucket_name(self.names.datasets_bucket)  # the longest of the three
        rules.check_job_names(self.names.prefix, self.solutions)
        return self

    @model_validator(mode="after")
    def _lists_have_room_for_what_was_never_bought(self) -> Self:
        rules.check_never_bought(self.publishing.min_never_bought, self.solutions)
        return self

    @model_validator(mode="after")
    def _placements_and_rules_name_what_is_there(self) -> Self:
        rules.check_item_fields(self.publishing.item_fields, self.datasets)
        rules.check_user_fields(self.publishing.user_fields, self.datasets, self.solutions)
        audiences = {one.name: one.for_each for one in self.solutions if one.listed}
        business.check(self.placements, self.rules, audiences=audiences, fields=self.publishing.item_fields)
        business.check_times(
            self.rules, types={field.name: field.type for field in self.datasets.fields("items")}
        )
        return self

    @model_validator(mode="after")
    def _experiments_name_what_there_is(self) -> Self:
        """Runs after the check of placements, whose lists are looked up here."""
        experiments.check(
            self.experiments,
            solutions=self.solutions,
            events=[
                self.analytics.impression_event,
                *(event.type for event in self.datasets.interactions.events),
            ],
            attributes=[field.name for field in self.datasets.fields("users") if field.categorical],
            placements={name: one.lists for name, one in self.placements.items()},
            published=self.publishing.user_fields,
        )
        return self

    @model_validator(mode="after")
    def _callers_are_others_and_their_routes_are_there(self) -> Self:
        callers.check_own(self.api.caller_accounts, self.account)
        callers.check_named(self.api, prefix=self.names.prefix)
        if "recordEvents" in self.api.key_routes and not self.creates_log:
            raise ValueError(
                "api.key_routes has 'recordEvents', which isn't there, since the log is another application's: remove "
                "it"
            )
        return self

    @model_validator(mode="after")
    def _targets_are_exposed(self) -> Self:
        experiments.check_exposed(
            self.experiments, logged={name: self.logs(one) for name, one in self.placements.items()}
        )
        return self

    @model_validator(mode="after")
    def _impressions_have_a_place_to_be_logged(self) -> Self:
        missing = self._lacks_for_impressions
        wanted = [self.api.log_impressions, *(one.log_impressions for one in self.placements.values())]
        if missing and any(wanted):
            raise ValueError(f"log_impressions is true, but {missing}, or remove log_impressions")
        return self

    @property
    def _lacks_for_impressions(self) -> str | None:
        return rules.lacks_for_impressions(
            self.sources.application_log, event=self.analytics.impression_event
        )

    @property
    def logs_by_itself(self) -> bool:
        """Whether the API logs what it shows where a placement doesn't say."""
        own = self.api.log_impressions
        return self._lacks_for_impressions is None if own is None else own

    def logs(self, placement: Placement) -> bool:
        """Whether the API logs what it shows there."""
        return self.logs_by_itself if placement.log_impressions is None else placement.log_impressions

    @property
    def logs_impressions(self) -> bool:
        """Whether the API logs what it shows, anywhere."""
        return self.logs_by_itself or any(one.log_impressions for one in self.placements.values())

    @cached_property
    def names(self) -> Names:
        return Names(
            app=self.app,
            environment=self.environment,
            account=self.account,
            region=self.region,
            generation=self.datasets.schema_version,
        )

    @property
    def budget_email(self) -> str | None:
        return self.budget.email or self.alerts.email

    @property
    def aurora(self) -> Aurora:
        """The database, for what there is with it only. Raises ConfigError."""
        if self.sources.aurora is None:
            raise ConfigError(
                f"{self.environment}.yaml has no sources.aurora, and this reads the database: configure it"
            )
        return self.sources.aurora

    @property
    def log(self) -> ApplicationLog:
        """The log, for what there is with it only. Raises ConfigError."""
        if self.sources.application_log is None:
            raise ConfigError(
                f"{self.environment}.yaml sets sources.application_log to null, and this reads the log: configure it"
            )
        return self.sources.application_log

    @property
    def creates_aurora(self) -> bool:
        return self.sources.aurora is not None and self.sources.aurora.create

    @property
    def creates_log(self) -> bool:
        return self.sources.application_log is not None and self.sources.application_log.create

    @property
    def application_log_table(self) -> str:
        return self.log.table_name or self.names.application_log_table

    @property
    def user_columns(self) -> dict[str, str]:
        """The application's names of the user: of its tables `users` and `orders`, and of its `log`."""
        fields = self.datasets.fields("users") if self.datasets.users else ()
        users = [field.column for field in fields if field.name == "USER_ID"]
        orders, log = self.datasets.interactions.order_columns, self.sources.application_log
        return {
            **({"users": users[0]} if users else {}),
            **({"orders": orders.USER_ID} if orders else {}),
            **({"log": log.attributes.USER_ID} if log else {}),
        }

    @property
    def extraction_secret(self) -> str:
        """The secret of the user that the extraction reads as: ours, or an existing cluster's as it is said."""
        return self.aurora.secret_arn or self.names.aurora_reader_secret

    @property
    def aurora_secret(self) -> str:
        """Name or ARN, as Secrets Manager's SecretId takes it."""
        return self.aurora.secret_arn or self.names.aurora_secret


def load(environment: str, folder: Path | None = None) -> Settings:
    """`<folder>/<environment>.yaml` over `<folder>/common.yaml`; without a folder the one of `files.folder`.

    Raises ConfigError that names file, key, value and cure.
    """
    found = files.read(environment, folder or files.folder())
    errors = [*_unknown_keys(found.common), *_errors(found.merged)]
    if errors:
        raise ConfigError.from_validation(f"{environment}.yaml", errors, holder=found.holder)
    settings = Settings.model_validate(found.merged)
    if settings.environment != environment:
        holder = found.holder(("environment",))
        raise ConfigError(f"{holder}: environment is {settings.environment!r}: write {environment!r}")
    return settings


def _unknown_keys(common: Content) -> list[Any]:
    """The unknown keys, also those that an environment's list replaces, so that no merged configuration has them."""
    return [error for error in _errors(common) if error["type"] == "extra_forbidden"]


def _errors(content: Content) -> list[Any]:
    try:
        Settings.model_validate(content)
    except ValidationError as error:
        return list(error.errors())
    return []
