"""Guard against replacing or deleting what holds data: resources are compared with a committed baseline.

`python -m checks.rules.replacement --update` rewrites checks/baseline/<environment>.json after a change that
you meant. A change that AWS answers by deletion is a finding until checks/acknowledged.yaml names it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from checks import acknowledged
from checks.assembly import Assembly
from checks.finding import Finding
from checks.rule import Rule
from checks.simulation import workflows
from checks.synthesized import environments, synthesize
from config import fields

BASELINE = Path(__file__).parents[1] / "baseline"
# Properties that AWS sets when a resource is made and never changes (CloudFormation's "Update requires:
# Replacement"), of every type that holds data or a name that others hold on to.
CREATE_ONLY: Mapping[str, tuple[str, ...]] = {
    "AWS::DynamoDB::GlobalTable": ("TableName", "KeySchema"),
    "AWS::DynamoDB::Table": ("TableName", "KeySchema"),
    "AWS::KMS::Key": (),
    "AWS::Personalize::Dataset": ("Name", "DatasetGroupArn", "DatasetType", "SchemaArn"),
    "AWS::Personalize::DatasetGroup": ("Name", "Domain", "KmsKeyArn", "RoleArn"),
    "AWS::Personalize::Schema": ("Name", "Schema", "Domain"),
    "AWS::RDS::DBCluster": (
        "DBClusterIdentifier",
        "DBSubnetGroupName",
        "DatabaseName",
        "EngineMode",
        "KmsKeyId",
        "SnapshotIdentifier",
        "StorageEncrypted",
    ),
    "AWS::RedshiftServerless::Namespace": ("NamespaceName", "DbName"),
    "AWS::RedshiftServerless::Workgroup": ("WorkgroupName", "NamespaceName"),
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::SecretsManager::Secret": ("Name",),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
    "AWS::SNS::Topic": ("TopicName", "FifoTopic"),
}
Held = dict[str, dict[str, Any]]
# Of a table: which attribute says when an item expires. It changes without a replacement, and not from one to another.
_TTL = "TimeToLiveSpecification"
_FIELDS = "Fields"  # of a dataset, as a workflow makes them: not a property of its template


RULES = (
    Rule(
        "replacement",
        "What holds data would be deleted, or deleted and made anew.",
        "Keep it as it was, or acknowledge it and run `make baseline`.",
        'CloudFormation reference, "Update requires: Replacement"',
    ),
    Rule(
        "time-to-live",
        "DynamoDB refuses another attribute while one is active, and the stack rolls back.",
        "Deploy without the first one, and an hour later with the other.",
        "CloudFormation reference, AWS::DynamoDB::Table TimeToLiveSpecification; DynamoDB API reference, "
        "UpdateTimeToLive; aws/aws-cdk#13106",
    ),
    Rule(
        "dataset-fields",
        "No dataset can take the change of its fields: the next run refuses it.",
        "Change it back, or raise datasets.schema_version.",
        'Personalize developer guide, "Replacing a dataset\'s schema to add new columns"',
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    """Against the baseline of the environment; none is kept for one that was never deployed."""
    path = baseline(assembly)
    if not path.exists():
        return []
    return list(compare(kept(assembly), held(assembly)))


def baseline(assembly: Assembly) -> Path:
    return BASELINE / f"{assembly.prefix.rpartition('-')[2]}.json"


def kept(assembly: Assembly) -> Held:
    """The baseline with the environment's account, region and names. Raises FileNotFoundError without one."""
    return dict(json.loads(assembly.placeholders.show(baseline(assembly).read_text())))


def written(assembly: Assembly) -> str:
    """What the baseline is when the templates are accepted as they are."""
    return assembly.placeholders.hide(json.dumps(held(assembly), indent=1, sort_keys=True)) + "\n"


def held(assembly: Assembly) -> Held:
    """Type and create-only properties of what holds data, by <stack>/<logical id>; of a dataset its fields too."""
    configured = _configured(assembly)
    return {
        f"{stack.name}/{logical_id}": {
            "Type": stack.resources[logical_id]["Type"],
            **{
                name: properties[name]
                for name in (*CREATE_ONLY[stack.resources[logical_id]["Type"]], _TTL)
                if name in properties
            },
            **configured.get(_dataset_arn(properties), {}),
        }
        for stack, logical_id, properties in assembly.each(*CREATE_ONLY)
    }


def _dataset_arn(properties: Mapping[str, Any]) -> str:
    """The ARN of a dataset, which its group and type make, not its name."""
    group = str(properties.get("DatasetGroupArn")).replace(":dataset-group/", ":dataset/")
    return f"{group}/{str(properties.get('DatasetType')).upper()}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _configured(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """{Fields} of each dataset by its ARN, as the workflows compare them with the dataset."""
    return {
        item["arn"]: {_FIELDS: item["fields"]}
        for workflow in workflows(assembly)
        for state in workflow.definition.get("States", {}).values()
        for item in _listed(state.get("Items"))
        if isinstance(item, dict) and {"arn", "fields"} <= set(item)
    }


def compare(before: Held, after: Held) -> Iterator[Finding]:
    """What AWS would delete, or delete and make again."""
    for key, resource in before.items():
        stack, _, logical_id = key.partition("/")
        changed = after.get(key)
        if changed is not None and (found := _changed_fields(resource, changed, after)):
            why = f"{'; '.join(found)}."
            yield Finding(stack, logical_id, "dataset-fields", why, f"{fields.WAY_OUT}.")
            continue
        if changed is not None and (why := _other_time_to_live(resource, changed)):
            cure = "deploy without it first, and with the other one when DynamoDB has taken that in: an hour at most."
            yield Finding(stack, logical_id, "time-to-live", why, cure)
        resource, changed = _without_fields(resource), changed and _without_fields(changed)
        if changed is None or changed["Type"] != resource["Type"]:
            why = f"{resource['Type']} {_named(resource)} would be deleted with what it holds."
        elif changed != resource:
            names = sorted(n for n in {*resource, *changed} if resource.get(n) != changed.get(n))
            why = f"{resource['Type']} would be replaced: {', '.join(_change(n, resource, changed) for n in names)}."
        else:
            continue
        cure = (
            f"keep it as it was, or acknowledge rule replacement at {key} in checks/acknowledged.yaml with "
            "the reason, and run python -m checks.rules.replacement --update."
        )
        yield Finding(stack, logical_id, "replacement", why, cure)


def _without_fields(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The properties, without what is compared in a way of its own."""
    return {name: value for name, value in resource.items() if name not in (_FIELDS, _TTL)}


def _other_time_to_live(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Why a table's time to live can't become what it is to be; empty where it can."""
    was, is_now = (_expiring(one.get(_TTL)) for one in (before, after))
    if not was or not is_now or was == is_now:
        return ""
    return f"items of {_named(before)} expired by {was!r} and shall by {is_now!r}, which DynamoDB refuses in one step."


def _expiring(specification: Any) -> str:
    """The attribute by which items expire; empty without."""
    enabled = isinstance(specification, dict) and str(specification.get("Enabled")).lower() == "true"
    return str(specification.get("AttributeName")) if enabled else ""


def _changed_fields(before: Mapping[str, Any], after: Mapping[str, Any], all_: Held) -> list[str]:
    """What is wrong with the fields of a dataset, or of the schema that it is created with."""
    if before["Type"] == "AWS::Personalize::Schema" and before.get("Name") == after.get("Name"):
        every = {field["name"] for one in all_.values() for field in one.get(_FIELDS, [])}
        now, then = fields.of_schema(before["Schema"]), fields.of_schema(after["Schema"])
        dataset = str(json.loads(before["Schema"])["name"]).lower()
        return fields.created(dataset, now, then, added=every - {field["name"] for field in then})
    if _FIELDS in before and _FIELDS in after:
        return fields.refusals(str(before["DatasetType"]).lower(), before[_FIELDS], after[_FIELDS])
    return []


def _named(resource: Mapping[str, Any]) -> str:
    return next((str(value) for name, value in resource.items() if name.endswith("Name")), "")


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return f"{name} {before.get(name)!r} -> {after.get(name)!r}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.rules.replacement", description=__doc__)
    parser.add_argument("environments", nargs="*", help="default: every file in config/")
    parser.add_argument("--update", action="store_true", help="rewrite the baseline")
    given = parser.parse_args()
    found: list[Finding] = []
    for environment in given.environments or environments():
        assembly = synthesize(environment)
        if given.update:
            BASELINE.mkdir(parents=True, exist_ok=True)
            baseline(assembly).write_text(written(assembly))
        found += check(assembly)
    known = acknowledged.read()
    found = [finding for finding in found if not any(entry.fits(finding) for entry in known.entries)]
    for finding in found:
        print(finding)
    print(f"{len(found)} resource(s) would be replaced or deleted")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
