"""What the workflows call, from an empty account to files of recommendations."""

from __future__ import annotations

import json

from tests.personalize.conftest import BUCKET, Shop, World, batch_output


def test_a_solution_version_reports_its_metrics_and_training_hours(
    world: World, personalization: str
) -> None:
    metrics = world.personalize.get_solution_metrics(solutionVersionArn=personalization)["metrics"]
    assert set(metrics) >= {
        "coverage",
        "mean_reciprocal_rank_at_25",
        "normalized_discounted_cumulative_gain_at_25",
        "precision_at_5",
    }
    shown = world.personalize.describe_solution_version(solutionVersionArn=personalization)["solutionVersion"]
    assert shown["trainingHours"] > 0
    assert shown["trainingMode"] == "FULL"
    assert shown["trainingType"] == "MANUAL"


def test_batch_inference_answers_every_input_line_in_order(
    world: World, shop: Shop, personalization: str
) -> None:
    lines = [{"userId": "u3"}, {"userId": "u4"}, {"userId": "stranger"}]
    text = "\n".join(map(json.dumps, lines)) + "\nnot json\n"
    output = batch_output(world, shop, personalization, "three-users", text, numResults=10)
    assert [line["input"] for line in output] == [*lines, "not json"]
    assert [line["error"] is None for line in output] == [True, True, True, False]
    assert output[3]["output"] is None
    for line in output[:3]:
        items, scores = line["output"]["recommendedItems"], line["output"]["scores"]
        assert len(items) == len(set(items)) == len(scores) == 10
        assert scores == sorted(scores, reverse=True)
    even = [int(item[1:]) % 2 == 0 for item in output[1]["output"]["recommendedItems"]]
    assert sum(even) > sum(not one for one in even)
    assert world.get("three-users/out/_CHECK") == ""


def test_a_folder_of_inputs_gives_a_file_for_each(world: World, shop: Shop, popularity: str) -> None:
    for name in ("a.json", "b.json"):
        world.put(f"folder/in/{name}", '{"userId": "u1"}\n')
    arn = world.personalize.create_batch_inference_job(
        jobName="folder",
        solutionVersionArn=popularity,
        jobInput={"s3DataSource": {"path": f"s3://{BUCKET}/folder/in/"}},
        jobOutput={"s3DataDestination": {"path": f"s3://{BUCKET}/folder/out/"}},
        roleArn=shop.role,
    )["batchInferenceJobArn"]
    shown = world.active("batch_inference_job", arn)
    assert shown["numResults"] == 25
    keys = [o["Key"] for o in world.s3.list_objects_v2(Bucket=BUCKET, Prefix="folder/out/")["Contents"]]
    assert sorted(keys) == ["folder/out/_CHECK", "folder/out/a.json.out", "folder/out/b.json.out"]
    line = json.loads(world.get("folder/out/a.json.out"))
    assert "scores" not in line["output"]
    assert line["output"]["recommendedItems"][0] in ("i0", "i1")
