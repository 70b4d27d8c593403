"""Names that stacks, functions and jobs share. A name that two stacks need is made here, once."""

from __future__ import annotations

from dataclasses import dataclass, replace


def without_dashes(name: str) -> str:
    """What ids of templates, which have no dashes, make of a name: `x-1` and `x1` are one."""
    return "".join(map(str.capitalize, name.split("-")))


@dataclass(frozen=True, kw_only=True)
class Names:
    """Physical names of one environment."""

    app: str
    environment: str
    account: str
    region: str
    generation: int = 1
    """Of the dataset group, `datasets.schema_version`."""

    @property
    def prefix(self) -> str:
        return f"{self.app}-{self.environment}"

    def of(self, part: str) -> str:
        return f"{self.prefix}-{part}"

    def stack(self, part: str) -> str:
        return self.of(part)

    def parameter(self, part: str) -> str:
        """SSM parameter that hands a value from one stack to another."""
        return f"/{self.app}/{self.environment}/{part}"

    def _bucket(self, zone: str) -> str:
        return f"{self.prefix}-{zone}-{self.account}-{self.region}"

    @property
    def raw_bucket(self) -> str:
        return self._bucket("raw")

    @property
    def datasets_bucket(self) -> str:
        return self._bucket("datasets")

    @property
    def results_bucket(self) -> str:
        return self._bucket("results")

    @property
    def application_log_table(self) -> str:
        return self.of("application-log")

    @property
    def recommendations_table(self) -> str:
        return self.of("recommendations")

    @property
    def user_state_table(self) -> str:
        """What a user was shown, clicked, bought and dismissed lately, for rules."""
        return self.of("user-state")

    @property
    def control_table(self) -> str:
        return self.of("control")

    @property
    def aurora_secret(self) -> str:
        return f"{self.prefix}/aurora"

    @property
    def aurora_reader_secret(self) -> str:
        """Secret of the user that the extraction reads the database as: {username, password}."""
        return f"{self.prefix}/aurora-reader"

    @property
    def forgetting_secret(self) -> str:
        """Secret that ids of forgotten users are hashed with: a text."""
        return f"{self.prefix}/forgetting"

    @property
    def dataset_group(self) -> str:
        return self.of_generation(self.prefix)

    @property
    def earlier_dataset_groups(self) -> tuple[str, ...]:
        """The dataset groups that this one stands beside, oldest first."""
        return tuple(replace(self, generation=number).dataset_group for number in range(1, self.generation))

    def of_generation(self, name: str) -> str:
        return name if self.generation == 1 else f"{name}-v{self.generation}"

    def schema(self, dataset: str, digest: str | None = None) -> str:
        """The schema that a dataset is created with; with a digest, one that replaces it."""
        created = self.of(f"{dataset}-v{self.generation}")
        return created if digest is None else f"{created}-{digest}"

    def dataset(self, dataset: str) -> str:
        return self.of_generation(self.of(dataset))

    def solution(self, solution: str, digest: str) -> str:
        """A solution's configuration is its for ever: another one has another digest, and is another solution."""
        return self.of(f"{solution}-{digest}")

    def personalize_arn(self, resource: str) -> str:
        return f"arn:aws:personalize:{self.region}:{self.account}:{resource}"

    def dataset_arn(self, dataset: str) -> str:
        return self.personalize_arn(f"dataset/{self.dataset_group}/{dataset.upper()}")

    @property
    def dataset_group_arn(self) -> str:
        return self.dataset_group_arn_of(self.dataset_group)

    @property
    def dataset_group_arns(self) -> tuple[str, ...]:
        """ARNs of the groups of every generation, the newest last."""
        return (*map(self.dataset_group_arn_of, self.earlier_dataset_groups), self.dataset_group_arn)

    def dataset_group_arn_of(self, group: str) -> str:
        return self.personalize_arn(f"dataset-group/{group}")

    @property
    def solution_arns(self) -> str:
        """Every solution of the environment and its versions, those of earlier configurations too: they may serve."""
        return self.personalize_arn(f"solution/{self.prefix}-*")

    def job(self, job: str) -> str:
        """Glue job: `extract-aurora`, `build-datasets`, `postprocess-recommendations`."""
        return self.of(job)

    def job_arn(self, job: str) -> str:
        return f"arn:aws:glue:{self.region}:{self.account}:job/{self.job(job)}"

    def table_arn(self, table: str) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{table}"

    @property
    def personalize_role(self) -> str:
        """Role that Personalize assumes to read datasets and write results."""
        return self.of("personalize")

    @property
    def personalize_role_arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role/{self.personalize_role}"

    def function(self, function: str) -> str:
        """Lambda function: its folder's name with dashes."""
        return self.of(function.replace("_", "-"))

    def function_arn(self, function: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function(function)}"

    def project(self, function: str) -> str:
        """CodeBuild project that does what the function of the same folder does, where that may take longer."""
        return self.function(function)

    def project_arn(self, function: str) -> str:
        return f"arn:aws:codebuild:{self.region}:{self.account}:project/{self.project(function)}"

    def workflow(self, workflow: str) -> str:
        """State machine: `pipeline`, `prepare`, `train`, `recommend`, `load`, `forget`."""
        return self.of(workflow)

    def workflow_arn(self, workflow: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:stateMachine:{self.workflow(workflow)}"

    def execution_arn(self, workflow: str) -> str:
        """Prefix of the ARNs of a state machine's executions."""
        return f"arn:aws:states:{self.region}:{self.account}:execution:{self.workflow(workflow)}"

    @property
    def schedule(self) -> str:
        return self.of("pipeline")

    @property
    def clean_up_schedule(self) -> str:
        return self.of("clean-up")

    @property
    def training_schedule(self) -> str:
        return self.of("training")

    @property
    def schedules(self) -> tuple[str, ...]:
        """The names of all schedules that an environment may have, that of runs first."""
        return (self.schedule, self.training_schedule, self.clean_up_schedule)

    @property
    def schedule_dead_letters(self) -> str:
        return self.of("schedule-dead-letters")

    @property
    def impressions(self) -> str:
        """Queue of what the API showed."""
        return self.of("impressions")

    @property
    def impressions_dead_letters(self) -> str:
        return self.of("impressions-dead-letters")

    @property
    def event_tracker(self) -> str:
        """The dataset group's, which has one at most."""
        return self.of_generation(self.of("events"))

    @property
    def stream_dead_letters(self) -> str:
        return self.of("stream-dead-letters")

    def queue_arn(self, queue: str) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account}:{queue}"

    @property
    def api(self) -> str:
        return self.of("api")

    @property
    def caller_policy(self) -> str:
        """Managed policy of whoever calls the API."""
        return self.of("api-caller")

    @property
    def service_caller_policy(self) -> str:
        """Managed policy of a service that reads segments of users."""
        return self.of("api-service-caller")

    @property
    def late_alarm(self) -> str:
        """Alarm that no run succeeded for long; the first success turns its mails on."""
        return self.of("pipeline-late")

    @property
    def variant_stops(self) -> str:
        """Topic that guardrails' alarms ring at."""
        return self.of("variant-stops")

    @property
    def topic(self) -> str:
        return self.of("alerts")

    @property
    def topic_arn(self) -> str:
        return f"arn:aws:sns:{self.region}:{self.account}:{self.topic}"

    @property
    def warehouse(self) -> str:
        """Redshift Serverless workgroup and namespace."""
        return self.of("warehouse")

    @property
    def warehouse_secret(self) -> str:
        """Secret of the warehouse's administrator: {username, password}."""
        return f"{self.prefix}/warehouse"

    @property
    def transformation_role(self) -> str:
        """Role of what runs dbt, function or build; the owner of the marts in the warehouse is `IAMR:<it>`."""
        return self.of("transformation")

    @property
    def warehouse_reader_secret(self) -> str:
        """Secret of the database user that reads the marts: {username, password}."""
        return f"{self.prefix}/warehouse-reader"

    @property
    def metric_namespace(self) -> str:
        return f"{self.app.capitalize()}/{self.environment}"
