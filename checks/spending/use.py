"""A month of what depends on use: quantities by service, of a configuration, its templates and a shop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from checks import cost
from checks.assembly import Assembly
from checks.spending import units
from checks.spending.shop import DAYS, NOTHING, Measured, Shop, Volumes, assumed
from config.recipes import RECIPES
from config.settings import Schedule, Settings, Solution

READER, READER_MEMORY_MB = "get_recommendations", 1024.0
JOBS = ("extract-aurora", "build-datasets", "postprocess-recommendations")
# What a price is of, besides the drivers of checks.cost.
DRIVERS = (
    "API requests",
    "CodeBuild ARM small",
    "DynamoDB exports",
    "DynamoDB point-in-time recovery",
    "DynamoDB reads",
    "DynamoDB storage",
    "DynamoDB writes",
    "Glue compute",
    "KMS requests",
    "Lambda compute",
    "Lambda requests",
    "Logs ingested",
    "Logs stored",
    "NAT traffic",
    "Personalize imports",
    "Personalize lists",
    "Personalize training",
    "Personalize v2 lists",
    "Personalize v2 training",
    "Redshift compute",
    "S3 reads",
    "S3 storage",
    "S3 writes",
    "SQS requests",
    "Step Functions transitions",
)
# Recipes that make one list for everyone count, and learn nothing.
COUNTING = frozenset(name for name, one in RECIPES.items() if one.audience == "everyone")
ASSUMED, MEASURED, COUNTED = "assumed", "measured", "counted"


@dataclass(frozen=True)
class Line:
    """`driver` names the price; `basis` says where the amount is from."""

    service: str
    what: str
    amount: float
    unit: str
    driver: str
    basis: str = ASSUMED


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """What the templates hold whatever is done: see checks.cost."""

    quantities: Mapping[cost.Driver, float]
    runs: int  # of the pipeline, a month
    jobs: Mapping[str, float]  # Glue job -> its DPUs
    memory_mb: float  # of the reading function
    base_rpu: float

    @classmethod
    def of(cls, assembly: Assembly) -> Fixed:
        workgroups = assembly.each("AWS::RedshiftServerless::Workgroup")
        return cls(
            quantities=cost.quantities(assembly),
            runs=cost.pipeline_runs(assembly),
            jobs={str(job["Name"]): cost.dpus(key, job) for _, key, job in assembly.each("AWS::Glue::Job")},
            memory_mb=_reader_memory(assembly),
            base_rpu=sum(float(group.get("BaseCapacity", 128)) for _, _, group in workgroups),
        )

    @classmethod
    def of_settings(cls, settings: Settings) -> Fixed:
        """What a configuration says by itself, where no templates are at hand."""
        job = {"WorkerType": settings.etl.worker_type, "NumberOfWorkers": settings.etl.workers}
        aurora = settings.sources.aurora
        in_network = aurora is not None or settings.analytics.enabled
        own = in_network and not settings.network.vpc_id
        gateways = (settings.network.nat_gateways or 1) * own
        jobs = [name for name in JOBS if aurora is not None or name != "extract-aurora"]
        return cls(
            quantities={
                cost.NAT: float(gateways * cost.HOURS),
                cost.AURORA: aurora.min_capacity * cost.HOURS * aurora.create if aurora else 0.0,
            },
            runs=_runs(settings.schedule, settings.schedule.expression),
            jobs=dict.fromkeys(jobs, cost.dpus("etl", job)),
            memory_mb=READER_MEMORY_MB,
            base_rpu=float(settings.analytics.base_capacity_rpu * settings.analytics.enabled),
        )


def _runs(schedule: Schedule, expression: str) -> int:
    return cost.runs_in_month(
        {
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": schedule.time_zone,
            "State": "ENABLED" if schedule.enabled else "DISABLED",
        }
    )


def _reader_memory(assembly: Assembly) -> float:
    functions = assembly.each("AWS::Lambda::Function")
    found = [p for _, _, p in functions if f".{READER}." in f".{p.get('Handler', '')}."]
    return float(found[0].get("MemorySize", 128)) if found else 128.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that a month follows from. `inferred` is the share of users who get a list in a run."""

    settings: Settings
    fixed: Fixed
    shop: Shop
    measured: Measured = NOTHING
    trainings: int | None = None  # a month; as many as the configuration says, unless said
    inferred: float = 1.0
    without_glue: bool = False
    volumes: Volumes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "volumes", Volumes.of(self.shop, self.measured))

    @property
    def runs(self) -> int:
        return self.fixed.runs

    @property
    def trained(self) -> int:
        """Trainings a month, a run one at most."""
        schedule = self.settings.schedule
        if self.trainings is not None:
            return self.trainings
        return min(self.runs, _runs(schedule, schedule.training or schedule.expression))

    @property
    def events(self) -> float:
        """A month's."""
        return self.shop.events_per_day * DAYS

    @property
    def requests(self) -> float:
        """A month's, to the API."""
        return self.events * assumed("reads_per_event")

    def lists(self, solution: Solution) -> float:
        """The lists of one run."""
        share = {"user": self.volumes.users * self.inferred, "item": self.volumes.items, "everyone": 1.0}
        return share[solution.for_each]

    def counted(self, figure: object) -> str:
        return ASSUMED if figure is None else MEASURED


def lines(case: Case) -> list[Line]:
    """The lines in the order of the pipeline, then the readers, then what watches over both."""
    parts = (_personalize, _glue, _dynamodb, _s3, _redshift, _workflows, _serving, _network, _watching)
    return [line for part in parts for line in part(case) if line.amount]


def is_v2(recipe: str) -> bool:
    """Whether it is billed by interactions and requests, and not by hours."""
    return recipe.endswith("-v2")


def _personalize(case: Case) -> Iterator[Line]:
    rows = case.counted(case.measured.interactions)
    imported = (
        case.volumes.interactions * assumed("interaction_bytes")
        + case.volumes.users * assumed("user_bytes") * case.settings.datasets.configured("users")
        + case.volumes.items * assumed("item_bytes") * case.settings.datasets.configured("items")
    )
    gb = units.gigabytes(imported) * case.runs
    yield Line("Personalize", "imports", gb, "GB", "Personalize imports", rows)
    for solution in case.settings.solutions:
        yield _training(case, solution)
        yield _inference(case, solution)


def _training(case: Case, solution: Solution) -> Line:
    what = f"training {solution.name} ({solution.recipe})"
    if is_v2(solution.recipe):
        amount = case.volumes.interactions * case.trained
        basis = case.counted(case.measured.interactions)
        return Line("Personalize", what, amount, "interactions", "Personalize v2 training", basis)
    measured = case.measured.training_hours.get(solution.name)
    hours = _training_hours(case, solution) if measured is None else measured
    basis = case.counted(measured)
    return Line("Personalize", what, hours * case.trained, "training hours", "Personalize training", basis)


def _training_hours(case: Case, solution: Solution) -> float:
    hours = units.training_hours(case.volumes.interactions)
    return hours * (assumed("counting_share") if solution.recipe in COUNTING else 1.0)


def _inference(case: Case, solution: Solution) -> Line:
    driver = "Personalize v2 lists" if is_v2(solution.recipe) else "Personalize lists"
    basis = case.counted({"user": case.measured.users, "item": case.measured.items}.get(solution.for_each))
    what = f"batch inference {solution.name}"
    return Line("Personalize", what, case.lists(solution) * case.runs, "lists", driver, basis)


def _glue(case: Case) -> Iterator[Line]:
    if case.without_glue:
        return
    measured = case.measured.dpu_hours
    a_run = sum(_job_hours(case, dpus) for dpus in case.fixed.jobs.values()) if measured is None else measured
    yield Line("Glue", "jobs", a_run * case.runs, "DPU-hours", "Glue compute", case.counted(measured))


def _job_hours(case: Case, dpus: float) -> float:
    minutes = assumed("job_minutes") + case.volumes.rows / assumed("rows_per_dpu_minute") / dpus
    return units.glue_dpu_hours(dpus=dpus, minutes=minutes)


def _dynamodb(case: Case) -> Iterator[Line]:
    sizes = {s.name: list_bytes(s) for s in case.settings.solutions}
    written = sum(case.lists(s) * units.write_units(sizes[s.name]) for s in case.settings.solutions)
    yield Line("DynamoDB", "lists written", written * case.runs, "write units", "DynamoDB writes")
    stored = sum(case.lists(s) * sizes[s.name] for s in case.settings.solutions) * assumed("retained_lists")
    yield from _stored("lists", stored)
    longest = max(sizes.values())
    read = case.requests * assumed("reads_per_request") * units.read_units(longest)
    yield Line("DynamoDB", "lists read", read, "read units", "DynamoDB reads")
    yield from _log(case)
    if case.settings.logs_impressions:
        yield from _shown(case)


def _shown(case: Case) -> Iterator[Line]:
    """An event of the log for each answer; the user's state is written whole, once a batch at most."""
    size = assumed("shown_bytes")
    written = case.requests * (units.write_units(size) + units.write_units(assumed("state_bytes")))
    yield Line("DynamoDB", "answers logged", written, "write units", "DynamoDB writes")
    kept = case.requests / DAYS * assumed("history_days") * size
    yield from _stored("answers logged", kept)
    sent = case.requests * assumed("queue_requests_per_answer")
    yield Line("SQS", "answers queued", sent, "requests", "SQS requests")


def list_bytes(solution: Solution) -> float:
    return assumed("list_bytes") + solution.results * assumed("entry_bytes")


def _stored(what: str, size: float) -> Iterator[Line]:
    gb = units.gigabytes(size)
    yield Line("DynamoDB", f"{what} stored", gb, "GB", "DynamoDB storage")
    yield Line("DynamoDB", f"{what}: point-in-time recovery", gb, "GB", "DynamoDB point-in-time recovery")


def _log(case: Case) -> Iterator[Line]:
    """Incremental exports take what changed since the last; the log itself is the application's where it exists."""
    if case.settings.sources.application_log is None:
        return
    size = assumed("event_bytes")
    yield Line("DynamoDB", "log exported", units.gigabytes(case.events * size), "GB", "DynamoDB exports")
    if case.settings.creates_log:
        writes = case.events * units.write_units(size)
        yield Line("DynamoDB", "log written", writes, "write units", "DynamoDB writes")
        yield from _stored("log", case.shop.events_per_day * assumed("history_days") * size)


def _s3(case: Case) -> Iterator[Line]:
    a_run = case.volumes.interactions * assumed("interaction_bytes") * 2 + sum(
        case.lists(s) * list_bytes(s) * 2 for s in case.settings.solutions
    )
    kept = a_run * case.runs / DAYS * assumed("kept_days")
    yield Line("S3", "files kept", units.gigabytes(kept), "GB", "S3 storage")
    objects = assumed("objects_per_run") * case.runs
    yield Line("S3", "objects written", objects, "requests", "S3 writes")
    yield Line("S3", "objects read", objects * 2, "requests", "S3 reads")


def _redshift(case: Case) -> Iterator[Line]:
    minutes = assumed("warehouse_minutes") + case.volumes.rows / assumed("warehouse_rows_per_minute")
    hours = case.fixed.base_rpu * minutes / 60 * case.runs
    yield Line("Redshift", "load and dbt", hours, "RPU-hours", "Redshift compute")
    if case.settings.analytics.builds_on_codebuild:
        # A build waits for its statements; those of the load are counted with them, so this is a little too much.
        built = (minutes + assumed("build_minutes")) * case.runs
        yield Line("CodeBuild", "dbt", built, "minutes", "CodeBuild ARM small")


def _workflows(case: Case) -> Iterator[Line]:
    measured = case.measured.transitions
    amount = (assumed("transitions") if measured is None else measured) * case.runs
    yield Line(
        "Step Functions",
        "transitions",
        amount,
        "transitions",
        "Step Functions transitions",
        case.counted(measured),
    )
    asked = assumed("kms_requests_per_run") * case.runs
    yield Line("KMS", "requests", asked, "requests", "KMS requests")


def _serving(case: Case) -> Iterator[Line]:
    yield Line("API Gateway", "requests", case.requests, "requests", "API requests")
    yield Line("Lambda", "requests", case.requests, "requests", "Lambda requests")
    seconds = units.lambda_gb_seconds(
        requests=case.requests, milliseconds=assumed("function_ms"), memory_mb=case.fixed.memory_mb
    )
    yield Line("Lambda", "compute", seconds, "GB-seconds", "Lambda compute")


def _network(case: Case) -> Iterator[Line]:
    if cost.NAT in case.fixed.quantities:
        gb = assumed("nat_gb_per_run") * case.runs
        yield Line("Network", "NAT traffic", gb, "GB", "NAT traffic")


def _watching(case: Case) -> Iterator[Line]:
    mb = assumed("log_mb_per_run") * case.runs * 1024**2
    size = units.gigabytes(mb + case.requests * assumed("log_bytes_per_request"))
    yield Line("CloudWatch", "logs ingested", size, "GB", "Logs ingested")
    kept = size * case.settings.log_retention_days / DAYS
    yield Line("CloudWatch", "logs stored", kept, "GB", "Logs stored")
