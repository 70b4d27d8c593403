"""The questions: reads, calls that must be refused before they change anything, and states tested alone.

`confirms` repeats the first words of the row in docs/assumptions.md that the answer decides; a test holds the two
together. What an assumption needs beyond a question (a load, a log-in, a mail) stays with that page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from config import layout
from config.recipes import RECIPES
from operations import queries, signed
from operations.pages import each
from operations.parity.probe import Probe, Reduced, call, reduced, refusal
from operations.place import Place, Refused

NOBODY = "osusume-parity-of-nobody"
ENVIRONMENT, RUN = "`make deploy`", "`make run`"
WORKFLOWS = ("pipeline", "prepare", "train", "recommend", "load", "forget", "clean-up")
# States that cost nothing to test, with what each is given: expressions are where two interpreters part.
EXPRESSIONS: Mapping[str, tuple[str, Any]] = {
    "sum": ("$sum($states.input.n)", {"n": [1, 2.5, 3]}),
    "whole sum": ("$sum($states.input.n)", {"n": [1.5, 2.5]}),
    "whole number": ("$states.input.n", {"n": 4.0}),
    "missing": ("{'a': $states.input.absent, 'b': 1}", {}),
    "single-element": ("[$states.input.n[$ > 2]]", {"n": [1, 3]}),
    "sequence": ("$states.input.n[$ > 1]", {"n": [1, 2, 3]}),
    "parse": ("$parse($states.input.text)", {"text": '{"a": [1, null, "é"]}'}),
    "string-of-number": ("$string(1e21) & ' ' & $string(0.1)", {}),
    "hash": ("$hash($states.input.text, 'SHA-256')", {"text": "osusume"}),
    "partition": ("$partition([1, 2, 3, 4, 5], 2)", {}),
    "range": ("$range(0, 10, 5)", {}),
    "merge": ("$merge([{'a': 1}, {'a': 2, 'b': 3}])", {}),
    "error": ("$number('x')", {}),
    "lookup-of-none": ("$lookup($states.input.versions, 'absent')", {"versions": {"present": 1}}),
}


def _missing(
    service: str, operation: str, given: Mapping[str, Any] | Callable[[Place], Mapping[str, Any]]
) -> Probe:
    return Probe(name=f"{service} {operation} of nothing", ask=call(service, operation, given))


def _personalize_arn(kind: str) -> Callable[[Place], str]:
    return lambda place: place.names.personalize_arn(f"{kind}/{NOBODY}")


def _of_arn(argument: str, kind: str) -> Callable[[Place], dict[str, Any]]:
    return lambda place: {argument: _personalize_arn(kind)(place)}


def _recipes() -> Iterator[Probe]:
    for recipe in RECIPES.values():
        yield Probe(
            name=f"personalize describe_recipe {recipe.name}",
            ask=call(
                "personalize", "describe_recipe", {"recipeArn": recipe.arn}, whole=("recipeType", "status")
            ),
        )


# (operation, its argument, kind of the ARN) of Personalize.
_MODELS = (
    ("describe_solution", "solutionArn", "solution"),
    ("describe_campaign", "campaignArn", "campaign"),
    ("describe_dataset", "datasetArn", "dataset"),
    ("describe_dataset_group", "datasetGroupArn", "dataset-group"),
    ("describe_dataset_import_job", "datasetImportJobArn", "dataset-import-job"),
    ("describe_batch_inference_job", "batchInferenceJobArn", "batch-inference-job"),
    ("describe_batch_segment_job", "batchSegmentJobArn", "batch-segment-job"),
    ("describe_filter", "filterArn", "filter"),
    ("describe_schema", "schemaArn", "schema"),
    ("describe_event_tracker", "eventTrackerArn", "event-tracker"),
    ("delete_solution", "solutionArn", "solution"),
    ("delete_filter", "filterArn", "filter"),
)
_OTHERS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("dynamodb", "describe_table", {"TableName": NOBODY}),
    ("dynamodb", "get_item", {"TableName": NOBODY, "Key": {"pk": {"S": "a"}}}),
    ("glue", "get_job", {"JobName": NOBODY}),
    ("lambda", "get_function_configuration", {"FunctionName": NOBODY}),
    ("secretsmanager", "describe_secret", {"SecretId": NOBODY}),
    ("ssm", "get_parameter", {"Name": f"/{NOBODY}"}),
    ("scheduler", "get_schedule", {"Name": NOBODY}),
    ("events", "describe_rule", {"Name": NOBODY}),
    ("sqs", "get_queue_url", {"QueueName": NOBODY}),
    ("iam", "get_role", {"RoleName": NOBODY}),
    ("cloudformation", "describe_stacks", {"StackName": NOBODY}),
    ("redshift-serverless", "get_workgroup", {"workgroupName": NOBODY}),
    ("redshift-data", "describe_statement", {"Id": "00000000-0000-4000-8000-000000000000"}),
)


def _of_nothing() -> Iterator[Probe]:
    """What isn't there: the error that workflows and commands catch by its name."""
    for operation, argument, kind in _MODELS:
        yield _missing("personalize", operation, _of_arn(argument, kind))
    for service, asked_of, given in _OTHERS:
        yield _missing(service, asked_of, given)
    yield _missing(
        "personalize-runtime",
        "get_recommendations",
        lambda place: {"campaignArn": _personalize_arn("campaign")(place), "userId": "1"},
    )
    yield _missing("s3", "head_bucket", lambda place: {"Bucket": f"{NOBODY}-{place.settings.account}"})
    yield _missing(
        "stepfunctions",
        "describe_state_machine",
        lambda place: {"stateMachineArn": place.names.workflow_arn("of-nobody")},
    )
    yield Probe(
        name="stepfunctions describe_execution of nothing",
        ask=call(
            "stepfunctions",
            "describe_execution",
            lambda place: {"executionArn": place.names.execution_arn("pipeline").removesuffix("*") + NOBODY},
        ),
        confirms="an execution that Step Functions has forgotten",
    )


def _refused() -> Iterator[Probe]:
    """Malformed: refused before anything is looked up."""
    yield Probe(
        name="personalize describe_solution malformed",
        ask=call("personalize", "describe_solution", {"solutionArn": "arn:aws:personalize:nowhere"}),
    )
    yield Probe(
        name="personalize create_schema malformed",
        ask=call("personalize", "create_schema", {"name": NOBODY, "schema": '{"type": "record"}'}),
    )
    yield Probe(
        name="stepfunctions describe_state_machine malformed",
        ask=call("stepfunctions", "describe_state_machine", {"stateMachineArn": "nothing"}),
    )
    yield Probe(
        name="dynamodb update_item with a reserved word",
        ask=call("dynamodb", "update_item", _impossible_update("SET status = :v")),
        needs=ENVIRONMENT,
    )
    yield Probe(
        name="dynamodb update_item with a condition that fails",
        ask=call("dynamodb", "update_item", _impossible_update("SET note_of_parity = :v")),
        needs=ENVIRONMENT,
    )


def _impossible_update(expression: str) -> Callable[[Place], dict[str, Any]]:
    """The condition holds for no item of that key, so that nothing is ever written."""
    return lambda place: {
        "TableName": place.names.control_table,
        "Key": {layout.PK: {"S": NOBODY}},
        "UpdateExpression": expression,
        "ConditionExpression": f"attribute_exists({layout.PK})",
        "ExpressionAttributeValues": {":v": {"S": "1"}},
    }


def _definitions() -> Iterator[Probe]:
    broken: Mapping[str, Any] = {
        "no start": {"States": {"A": {"Type": "Succeed"}}},
        "no such next": {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}},
        "unreachable": {"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}},
        "jsonpath in jsonata": {
            "StartAt": "A",
            "QueryLanguage": "JSONata",
            "States": {"A": {"Type": "Pass", "InputPath": "$.a", "End": True}},
        },
        "whole": {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}},
    }
    for name, definition in broken.items():
        yield Probe(
            name=f"stepfunctions validate {name}",
            ask=call(
                "stepfunctions",
                "validate_state_machine_definition",
                {"definition": json.dumps(definition)},
                whole=("result",),
            ),
        )
    for name, (expression, given) in EXPRESSIONS.items():
        yield Probe(name=f"stepfunctions expression {name}", ask=_expression(expression, given))


def _expression(expression: str, given: Any) -> Callable[[Place], Reduced]:
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {expression} %}}", "End": True}
    return call(
        "stepfunctions",
        "test_state",
        {"definition": json.dumps(state), "input": json.dumps(given)},
        whole=("output", "error", "status"),
    )


def _deployed() -> Iterator[Probe]:
    for workflow in WORKFLOWS:
        yield Probe(name=f"workflow {workflow} is valid", ask=_valid(workflow), needs=ENVIRONMENT)
    for name, service, operation, given in (
        (
            "the recommendations' table",
            "dynamodb",
            "describe_table",
            _named("TableName", "recommendations_table"),
        ),
        ("the control table", "dynamodb", "describe_table", _named("TableName", "control_table")),
        ("the schedule", "scheduler", "get_schedule", _named("Name", "schedule")),
        ("the warehouse", "redshift-serverless", "get_workgroup", _named("workgroupName", "warehouse")),
        ("the results' encryption", "s3", "get_bucket_encryption", _named("Bucket", "results_bucket")),
        ("the results' public access", "s3", "get_public_access_block", _named("Bucket", "results_bucket")),
        (
            "the dataset group",
            "personalize",
            "describe_dataset_group",
            _named("datasetGroupArn", "dataset_group_arn"),
        ),
        ("the topic", "sns", "get_topic_attributes", _named("TopicArn", "topic_arn")),
    ):
        yield Probe(name=name, ask=call(service, operation, given), needs=ENVIRONMENT)
    yield Probe(
        name="the alarms",
        ask=call(
            "cloudwatch", "describe_alarms", lambda place: {"AlarmNamePrefix": f"{place.names.prefix}-"}
        ),
        needs=ENVIRONMENT,
    )
    yield Probe(
        name="the API without a signature", ask=lambda place: _api(place, signs=False), needs=ENVIRONMENT
    )


def _named(argument: str, name: str) -> Callable[[Place], dict[str, Any]]:
    return lambda place: {argument: getattr(place.names, name)}


def _valid(workflow: str) -> Callable[[Place], Reduced]:
    """The deployed definition, asked of the validation: it never runs."""

    def ask(place: Place) -> Reduced:
        client = place.client("stepfunctions")
        machine = client.describe_state_machine(stateMachineArn=place.names.workflow_arn(workflow))
        return call(
            "stepfunctions",
            "validate_state_machine_definition",
            {"definition": machine["definition"]},
            whole=("result",),
        )(place)

    return ask


def _api(place: Place, *, signs: bool) -> Reduced:
    status, answer = (signed.get if signs else signed.unsigned)(place, "v1", "popular")
    return {"status": str(status), "answer": reduced(answer, None)}


def _after_a_run() -> Iterator[Probe]:
    yield Probe(name="the API's popular list", ask=lambda place: _api(place, signs=True), needs=RUN)
    yield Probe(name="the warehouse's types", ask=_types, needs=RUN)
    yield Probe(
        name="the keys of the solution versions' metrics",
        ask=_metrics,
        needs=RUN,
        confirms="every recipe that we take returns",
    )


def _types(place: Place) -> Reduced:
    statement = "select cast(1 as bigint), cast(1.5 as double precision), cast(null as varchar), true, 'é'"
    try:
        [row] = queries.warehouse_rows(place, statement)
    except Refused as refused:
        return {"refused": str(refused)}
    return [f"{type(value).__name__} {value}" for value in row]


def _metrics(place: Place) -> Reduced:
    """Which keys each recipe's newest solution version has; the numbers are the data's."""
    solutions = each(
        place, "personalize", "list_solutions", "solutions", datasetGroupArn=place.names.dataset_group_arn
    )
    return {found["recipeArn"].rpartition("/")[2]: _keys(place, found["solutionArn"]) for found in solutions}


def _keys(place: Place, solution: str) -> Reduced:
    versions = each(place, "personalize", "list_solution_versions", "solutionVersions", solutionArn=solution)
    active = sorted(
        (version["creationDateTime"], version["solutionVersionArn"])
        for version in versions
        if version["status"] == "ACTIVE"
    )
    if not active:
        return "no solution version"
    answer = place.client("personalize").get_solution_metrics(solutionVersionArn=active[-1][1])
    return sorted(answer["metrics"])


PROBES: tuple[Probe, ...] = (
    *_recipes(),
    *_of_nothing(),
    *_refused(),
    *_definitions(),
    *_deployed(),
    *_after_a_run(),
)


def asked(probe: Probe, place: Place) -> Reduced:
    """The answer, or the refusal where asking takes what isn't there."""
    try:
        return probe.ask(place)
    except ClientError as error:
        return refusal(error)
