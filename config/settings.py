"""The model of one environment: reads `config/<env>.yaml`, refuses what AWS would refuse later."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from config import rules
from config.errors import ConfigError
from config.names import Names

CONFIG_FOLDER = Path(__file__).parent

ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
TableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$")]


class Section(BaseModel):
    """A part of the file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Network(Section):
    """The VPC that Aurora, Glue, Redshift and the dbt runner share."""

    cidr: str = Field(pattern=r"^\d+\.\d+\.\d+\.\d+/(1[6-9]|2[0-4])$")
    availability_zones: tuple[str, ...] = Field(min_length=2, max_length=4)
    nat_gateways: int = Field(default=1, ge=1, le=4)

    @model_validator(mode="after")
    def _one_nat_gateway_a_zone_at_most(self) -> Self:
        if self.nat_gateways > len(self.availability_zones):
            raise ValueError(
                f"nat_gateways is {self.nat_gateways} but availability_zones has "
                f"{len(self.availability_zones)}: give at most one gateway a zone"
            )
        return self


class SourceTables(Section):
    """The application's tables, as `schema.table`."""

    users: TableName
    items: TableName
    orders: TableName


class Aurora(Section):
    """The application's database: created here, or an existing cluster imported by identifier and secret."""

    create: bool = True
    cluster_identifier: str | None = None
    secret_name: str | None = None
    endpoint: str | None = None
    security_group_id: str | None = None
    database: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    min_capacity: float = Field(default=0.5, ge=0, le=256, multiple_of=0.5)
    max_capacity: float = Field(default=2, ge=1, le=256, multiple_of=0.5)
    tables: SourceTables

    @model_validator(mode="after")
    def _an_imported_cluster_is_named(self) -> Self:
        imported = ("cluster_identifier", "secret_name", "endpoint", "security_group_id")
        missing = [key for key in imported if getattr(self, key) is None]
        if not self.create and missing:
            raise ValueError(
                f"create is false, so the existing cluster must be named: set {', '.join(missing)}"
            )
        if self.min_capacity > self.max_capacity:
            raise ValueError(
                f"min_capacity {self.min_capacity} is above max_capacity {self.max_capacity}: lower the first"
            )
        return self


class ApplicationLog(Section):
    """The DynamoDB table of application events: created here, or an existing one imported by name."""

    create: bool = True
    table_name: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9_.-]{3,255}$")

    @model_validator(mode="after")
    def _an_imported_table_is_named(self) -> Self:
        if not self.create and self.table_name is None:
            raise ValueError("create is false, so table_name must name the existing table")
        return self


class Sources(Section):
    """Where the application keeps its data."""

    aurora: Aurora
    application_log: ApplicationLog = ApplicationLog()


class EventRule(Section):
    """An event type that counts as an interaction, and its weight in training (0-1)."""

    type: str = Field(min_length=1, max_length=256)
    source: Literal["orders", "application_log"]
    weight: float = Field(default=1.0, ge=0, le=1)


class OrderColumns(Section):
    """Columns of the orders table that become an interaction."""

    USER_ID: ColumnName
    ITEM_ID: ColumnName
    TIMESTAMP: ColumnName
    EVENT_VALUE: ColumnName


class InteractionsDataset(Section):
    """Which orders and events become Personalize's Interactions dataset."""

    order_columns: OrderColumns
    events: tuple[EventRule, ...] = Field(min_length=1, max_length=rules.MAX_EVENT_TYPES)

    @field_validator("events")
    @classmethod
    def _types_are_distinct(cls, events: tuple[EventRule, ...]) -> tuple[EventRule, ...]:
        types = [event.type for event in events]
        twice = sorted({t for t in types if types.count(t) > 1})
        if twice:
            raise ValueError(f"event type {twice[0]!r} is listed twice: keep one")
        return events

    def types_from(self, source: str) -> tuple[str, ...]:
        return tuple(event.type for event in self.events if event.source == source)


class DatasetField(Section):
    """A field of a Personalize schema and the application's column that fills it."""

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=100)
    column: ColumnName
    type: Literal["string", "int", "long", "float", "double", "boolean"] = "string"
    categorical: bool = False
    textual: bool = False
    nullable: bool = False


class UsersDataset(Section):
    """Personalize's Users dataset."""

    fields: tuple[DatasetField, ...] = Field(min_length=2)

    @field_validator("fields")
    @classmethod
    def _personalize_accepts_them(cls, fields: tuple[DatasetField, ...]) -> tuple[DatasetField, ...]:
        rules.check_fields("USER_ID", fields)
        return fields


class ItemsDataset(Section):
    """Personalize's Items dataset."""

    fields: tuple[DatasetField, ...] = Field(min_length=2)

    @field_validator("fields")
    @classmethod
    def _personalize_accepts_them(cls, fields: tuple[DatasetField, ...]) -> tuple[DatasetField, ...]:
        rules.check_fields("ITEM_ID", fields)
        return fields


class DataQuality(Section):
    """When a preparation run stops instead of replacing good data with bad."""

    max_quarantined_share: float = Field(default=0.05, ge=0, le=1)
    min_rows_against_previous: float = Field(default=0.8, ge=0, le=1)


class Datasets(Section):
    """Personalize's datasets. Schemas can't be changed in place: raise `schema_version` with their fields."""

    schema_version: int = Field(ge=1)
    interactions: InteractionsDataset
    users: UsersDataset
    items: ItemsDataset
    quality: DataQuality = DataQuality()


class Etl(Section):
    """Size of the Glue jobs."""

    glue_version: Literal["5.1"] = "5.1"
    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = "G.1X"
    workers: int = Field(default=2, ge=2, le=299)
    timeout_minutes: int = Field(default=60, ge=1, le=10080)


class Solution(Section):
    """A Personalize solution, and for whom its batch inference makes a list."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,29}$")
    recipe: str
    for_each: Literal["user", "item", "everyone"]
    results: int = Field(default=25, ge=1, le=500)
    hyperparameters: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _recipe_fits(self) -> Self:
        rules.check_solution(self.recipe, self.for_each, self.hyperparameters)
        return self


class QualityGate(Section):
    """A new solution version serves only when its metric is at least this share of the serving one's."""

    metric: str = "normalized_discounted_cumulative_gain_at_25"
    min_against_serving: float = Field(default=0.9, ge=0, le=1)

    @field_validator("metric")
    @classmethod
    def _is_a_metric(cls, metric: str) -> str:
        return rules.one_of("metric", metric, rules.METRICS)


class Schedule(Section):
    """When EventBridge Scheduler starts the pipeline."""

    expression: str
    time_zone: str = "UTC"
    enabled: bool = True
    late_after_hours: int = Field(default=30, ge=1, le=168)

    @field_validator("expression")
    @classmethod
    def _is_a_schedule(cls, expression: str) -> str:
        return rules.check_schedule(expression)

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, time_zone: str) -> str:
        return rules.one_of("time_zone", time_zone, available_timezones())


class Publishing(Section):
    """What happens to lists between inference and the reader."""

    expire_after_days: int = Field(default=14, ge=1, le=365)
    exclude_bought_within_days: int = Field(default=0, ge=0, le=3650)


class Api(Section):
    """Who may call the API, and how often."""

    authorization: Literal["iam"] = "iam"
    rate_per_second: int = Field(default=50, ge=1, le=10000)
    burst: int = Field(default=100, ge=1, le=5000)


class QuickSight(Section):
    """Dashboards: needs a QuickSight subscription in the account and a principal to own them."""

    enabled: bool = False
    principal_arn: str | None = Field(
        default=None, pattern=r"^arn:aws:quicksight:[a-z0-9-]+:\d{12}:(user|group)/.+$"
    )

    @model_validator(mode="after")
    def _has_an_owner(self) -> Self:
        if self.enabled and self.principal_arn is None:
            raise ValueError(
                "enabled is true, so principal_arn must name the QuickSight user or group that owns it"
            )
        return self


class Analytics(Section):
    """Redshift Serverless and QuickSight."""

    base_capacity_rpu: int = Field(default=8, ge=8, le=512, multiple_of=8)
    database: str = Field(default="analytics", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    quicksight: QuickSight = QuickSight()


class Alerts(Section):
    """Who hears of failed and late runs."""

    email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class Settings(Section):
    """One environment."""

    app: str = Field(pattern=r"^[a-z][a-z0-9]{1,15}$")
    environment: str = Field(pattern=r"^[a-z][a-z0-9]{1,9}$")
    account: str = Field(pattern=r"^\d{12}$")
    region: str
    removal: Literal["destroy", "retain"]
    network: Network
    sources: Sources
    datasets: Datasets
    etl: Etl = Etl()
    solutions: tuple[Solution, ...] = Field(min_length=1, max_length=10)
    quality_gate: QualityGate = QualityGate()
    schedule: Schedule
    publishing: Publishing = Publishing()
    api: Api = Api()
    analytics: Analytics = Analytics()
    alerts: Alerts = Alerts()
    log_retention_days: int = 30

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

    @model_validator(mode="after")
    def _zones_are_in_the_region(self) -> Self:
        for zone in self.network.availability_zones:
            if not zone.startswith(self.region):
                raise ValueError(f"network.availability_zones: {zone!r} is not in region {self.region!r}")
        return self

    @model_validator(mode="after")
    def _solutions_are_distinct_and_fed(self) -> Self:
        rules.check_solutions(self.solutions)
        return self

    @cached_property
    def names(self) -> Names:
        return Names(app=self.app, environment=self.environment, account=self.account, region=self.region)

    @property
    def application_log_table(self) -> str:
        return self.sources.application_log.table_name or self.names.application_log_table

    @property
    def aurora_secret(self) -> str:
        return self.sources.aurora.secret_name or self.names.aurora_secret


def load(environment: str, folder: Path = CONFIG_FOLDER) -> Settings:
    """Read `<folder>/<environment>.yaml`. Raises ConfigError that names file, key, value and cure."""
    path = folder / f"{environment}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in folder.glob("*.yaml"))
        raise ConfigError(
            f"environment {environment!r} has no {path.name}: use one of {known} or write that file"
        )
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigError(f"{path.name} is not YAML: {error}") from error
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise ConfigError.from_validation(path.name, error) from error
    if settings.environment != environment:
        raise ConfigError(f"{path.name}: environment is {settings.environment!r}: write {environment!r}")
    return settings
