"""What a plan may say, and what it decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from osusume_endpoint.faults.injector import Injector, Subject, chance, is_named
from osusume_endpoint.faults.plan import TASKS, Plan, PlanRefused, parse, read
from osusume_endpoint.personalize.tasks import TASKS as CHILD_TASKS

ROLE = "arn:aws:sts::222222222222:assumed-role/osusume-dev-recommend/session"
PUT_ITEM = Subject("dynamodb", "PutItem", ROLE)

WRONG = [
    ("rules: [{service: sqs, kind: throtle}]", r"rules\.0\.kind = 'throtle': Input should be 'throttle'"),
    ("rules: [{service: sqs, kind: throttle, times: 2}]", r"rules\.0\.times = 2: this key is not known"),
    ("rules: [{kind: throttle}]", r"rules\.0\.service: this key is required: add it"),
    ("rules: [{service: dinamodb, kind: throttle}]", "'dinamodb'.*did you mean 'dynamodb'"),
    ("rules: [{service: s3, operation: PutObjekt, kind: reset}]", "'PutObjekt'.*did you mean 'PutObject'"),
    ("rules: [{service: s3, operation: 'X*', kind: reset}]", "use one of its [0-9]+ names, or a pattern"),
    (
        "rules: [{service: s3, kind: throttle, count: 0}]",
        r"rules\.0\.count = 0: .*greater than or equal to 1",
    ),
    ("rules: [{service: s3, kind: throttle, count: '2'}]", r"rules\.0\.count = '2': .*valid integer"),
    ("rules: [{service: s3, kind: throttle, probability: 2}]", r"probability = 2"),
    ("rules: [{service: s3, kind: throttle, performed: true}]", "performed is for kind timeout or reset"),
    ("rules: [{service: s3, kind: throttle, seconds: 2}]", "seconds is for kind timeout"),
    ("rules: [{service: s3, kind: reset, code: SlowDown}]", "code and status are for errors"),
    (
        "kills: [{target: spark}]",
        "target is 'spark': use lambda:<function>, glue:<job>, training, .* or endpoint",
    ),
    (
        "kills: [{target: 'training:guess'}]",
        "target is 'training:guess': .*a task is one of import, train, infer",
    ),
    ("kills: [{target: 'lambda:'}]", "target is 'lambda:': use lambda:<function>"),
    ("kills: [{target: endpoint}]", "when is missing: say what endpoint dies on"),
    (
        "kills: [{target: training, when: 'sqs:ListQueues'}]",
        "a training makes no calls; leave it out, or use state:",
    ),
    ("kills: [{target: postgres, when: 'state:pipeline'}]", "use state:<workflow>:<State>, either may hold"),
    ("kills: [{target: 'postgres:1', when: 'sqs:ListQueues'}]", "target is 'postgres:1'"),
    ("kills: [{target: postgres}]", "when is missing: say what postgres dies on"),
    ("kills: [{target: 'lambda:f', when: 'sqs:ListQueue'}]", "'ListQueue'.*did you mean 'ListQueues'"),
    ("kills: [{target: 'lambda:f', restart_seconds: 1}]", "restart_seconds is for target postgres"),
    ("disks: [{full_after: -1}]", r"disks\.0\.full_after = -1"),
    ("seed: 4", "the plan has no faults: add rules, kills or disks"),
    ("- a", "write a mapping with rules, kills or disks"),
    ("a: [", "is neither YAML nor JSON"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_plan_is_refused_with_key_value_and_cure(text: str, message: str) -> None:
    with pytest.raises(PlanRefused, match=message):
        parse(text)


def test_a_plan_is_frozen() -> None:
    plan = parse("rules: [{service: s3, kind: throttle}]")
    with pytest.raises(ValidationError):
        plan.seed = 2  # type: ignore[misc]


def test_a_plan_is_the_same_after_writing_and_reading() -> None:
    plan = parse(
        "{seed: 3, rules: [{service: s3, operation: Put*, kind: timeout, seconds: 2, performed: true}], "
        "kills: [{target: 'glue:build-datasets', when: 's3:PutObject', at: 3}], disks: [{full_after: 10}]}"
    )
    assert parse(plan.text()) == plan


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match=r"none\.yaml: No such file or directory"):
        read(tmp_path / "none.yaml")


def _outcome(plan: Plan, *, calls: int = 200) -> list[bool]:
    injector = Injector(plan)
    return [injector.rule_for(PUT_ITEM) is not None for _ in range(calls)]


def test_the_same_seed_decides_the_same_and_another_seed_otherwise() -> None:
    text = "{{seed: {}, rules: [{{service: dynamodb, kind: throttle, probability: 0.3}}]}}"
    first, again, other = (_outcome(parse(text.format(seed))) for seed in (7, 7, 8))
    assert first == again != other
    assert 30 < sum(first) < 90


def test_other_rules_and_calls_do_not_move_a_decision() -> None:
    alone = parse("{seed: 7, rules: [{service: dynamodb, kind: throttle, probability: 0.3}]}")
    injector = Injector(
        parse(
            "{seed: 7, rules: [{service: dynamodb, kind: throttle, probability: 0.3}, "
            "{service: s3, kind: throttle, count: 5}]}"
        )
    )
    outcome = []
    for _ in range(200):
        injector.rule_for(Subject("s3", "PutObject", ROLE))
        outcome.append(injector.rule_for(PUT_ITEM) is not None)
    assert outcome == _outcome(alone)


def test_chances_are_even() -> None:
    drawn = [chance(seed, "rules.0", number) for seed in range(20) for number in range(100)]
    assert 0.47 < sum(drawn) / len(drawn) < 0.53
    assert all(0 <= each < 1 for each in drawn)


def test_a_call_that_one_rule_failed_is_counted_by_the_others() -> None:
    injector = Injector(
        parse(
            "rules: [{service: dynamodb, kind: throttle, count: 1}, "
            "{service: dynamodb, operation: PutItem, kind: reset, after: 1}]"
        )
    )
    found = [injector.rule_for(PUT_ITEM) for _ in range(3)]
    assert [rule and rule.kind for rule in found] == ["throttle", "reset", None]
    assert injector.report()["seen"] == {"rules.0": 3, "rules.1": 3}


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        (ROLE, "osusume-dev-recommend"),
        ("arn:aws:iam::222222222222:root", "root"),
        ("arn:aws:iam::222222222222:user/anna", "anna"),
    ],
)
def test_the_role_of_a_caller_is_read_from_its_arn(arn: str, role: str) -> None:
    assert Subject("s3", "PutObject", arn).role == role


def test_a_process_is_named_by_its_physical_name_a_pattern_or_the_part_of_the_product() -> None:
    physical = "osusume-dev-publish-recommendations"
    for wanted in (physical, "*publish*", "publish_recommendations", "publish-recommendations"):
        assert is_named(physical, wanted), wanted
    assert not is_named(physical, "recommend") and not is_named("osusume-dev-republish", "publish")


def test_a_kill_waits_for_its_turn() -> None:
    injector = Injector(parse("kills: [{target: 'lambda:publish', at: 2, count: 2}]"))
    happened = [bool(injector.kills_on("", target="lambda:osusume-dev-publish")) for _ in range(5)]
    assert happened == [False, True, True, False, False]
    assert injector.kills_on("", target="lambda:osusume-dev-other") == []
    assert injector.kills_on("sqs:ListQueues", target="lambda:osusume-dev-publish") == []


@pytest.mark.parametrize(
    ("on", "happened", "target"),
    [
        ("redshift-data:ExecuteStatement", "redshift-data:ExecuteStatement", "lambda:a-load"),
        ("lambda:load_warehouse", "", "lambda:osusume-dev-load-warehouse"),
        ("glue:extract-aurora", "", "glue:osusume-dev-extract-aurora"),
    ],
)
def test_postgres_dies_of_what_others_do(on: str, happened: str, target: str) -> None:
    injector = Injector(parse(f"kills: [{{target: postgres, when: '{on}'}}]"))
    assert injector.kills_on("s3:PutObject", target="lambda:other") == []
    assert [kill.target for kill in injector.kills_on(happened, target=target)] == ["postgres"]


def test_a_server_dies_as_a_state_is_entered() -> None:
    plan = (
        "kills: [{target: postgres, when: 'state:pipeline:NotePlan', at: 2}, "
        "{target: endpoint, when: 'state:*:End'}]"
    )
    injector = Injector(parse(plan))
    entries = [("osusume-dev-pipeline", "NotePlan"), ("osusume-dev-train", "NotePlan")] * 3
    assert [[kill.target for kill in injector.entered(*entry)] for entry in entries] == [
        *([], []),
        *(["postgres"], []),
        *([], []),
    ]
    assert [kill.target for kill in injector.entered("osusume-dev-forget", "End")] == ["endpoint"]
    assert [fired["what"] for fired in injector.report()["fired"]] == ["postgres", "endpoint"]


def test_what_a_state_starts_dies_once_it_has_started() -> None:
    injector = Injector(
        parse("kills: [{target: training:train, when: 'state:train:CreateVersion', count: 2}]")
    )
    tasks = ["training:train", "training:infer"]
    assert [injector.kills_on("", target=task) for task in tasks] == [[], []]
    assert injector.entered("osusume-dev-train", "CreateVersion") == []
    died = [bool(injector.kills_on("", target=task)) for task in tasks * 3]
    assert died == [True, False, True, False, False, False]


def test_a_training_of_any_task_is_met_without_a_task() -> None:
    injector = Injector(parse("kills: [{target: training, at: 2}]"))
    assert [bool(injector.kills_on("", target=f"training:{task}")) for task in ("import", "train")] == [
        False,
        True,
    ]


def test_tasks_of_a_plan_are_those_of_the_child_processes() -> None:
    assert set(TASKS) == set(CHILD_TASKS)


def test_a_disk_is_full_after_so_many_bytes_and_for_so_many_writes() -> None:
    injector = Injector(parse("disks: [{bucket: 'data-*', full_after: 100, count: 2}]"))
    sizes = [60, 60, 40, 10, 60]
    assert [injector.disk_full("data-1", size) for size in sizes] == [False, True, False, True, False]
    assert not injector.disk_full("other", 1000)
