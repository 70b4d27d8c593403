"""Dataset groups, schemas, datasets and their imports, exports and deletions."""

from __future__ import annotations

import csv
import io
import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.personalize.conftest import (
    BUCKET,
    INTERACTIONS,
    ITEMS,
    USERS,
    Shop,
    World,
    failure,
    import_records,
    interactions_csv,
    make_role,
    make_shop,
    schema,
)


@pytest.fixture(scope="module")
def group(world: World) -> str:
    arn = world.personalize.create_dataset_group(name="data")["datasetGroupArn"]
    world.active("dataset_group", arn)
    return str(arn)


def new_dataset(world: World, name: str, kind: str = "INTERACTIONS", text: str = INTERACTIONS) -> str:
    api = world.personalize
    group = api.create_dataset_group(name=name)["datasetGroupArn"]
    world.active("dataset_group", group)
    schema_arn = api.create_schema(name=f"{name}-schema", schema=text)["schemaArn"]
    arn = api.create_dataset(name="d", schemaArn=schema_arn, datasetGroupArn=group, datasetType=kind)[
        "datasetArn"
    ]
    world.active("dataset", arn)
    return str(arn)


def test_a_dataset_group_is_described_and_listed(world: World, group: str) -> None:
    shown = world.personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]
    assert shown["datasetGroupArn"] == "arn:aws:personalize:ap-northeast-1:111111111111:dataset-group/data"
    listed = world.personalize.list_dataset_groups()["datasetGroups"]
    assert group in [one["datasetGroupArn"] for one in listed]


def test_a_second_resource_of_the_same_name_already_exists(world: World, group: str) -> None:
    code, message = failure(world.personalize.create_dataset_group, name="data")
    assert (code, message) == (
        "ResourceAlreadyExistsException",
        f"Another resource with Arn {group} already exists.",
    )


@pytest.mark.parametrize("kind", ["dataset_group", "dataset", "schema", "solution", "campaign", "filter"])
def test_an_unknown_resource_is_not_found(world: World, kind: str) -> None:
    words = kind.split("_")
    member = words[0] + "".join(word.title() for word in words[1:])
    arn = f"arn:aws:personalize:ap-northeast-1:111111111111:{kind.replace('_', '-')}/nowhere"
    for verb in ("describe", "delete"):
        code, _ = failure(getattr(world.personalize, f"{verb}_{kind}"), **{f"{member}Arn": arn})
        assert code == "ResourceNotFoundException"


def test_a_name_of_the_wrong_form_is_refused(world: World) -> None:
    code, message = failure(world.personalize.create_dataset_group, name="-starts-with-a-dash")
    assert code == "ValidationException"
    assert "'name' failed to satisfy constraint" in message


def test_pages_follow_each_other_and_a_token_serves_one_request_only(world: World) -> None:
    api = world.personalize
    for number in range(3):
        api.create_schema(name=f"page-{number}", schema=INTERACTIONS)
    everything = [one["name"] for one in api.list_schemas()["schemas"]]
    found, token = [], None
    while True:
        page = api.list_schemas(maxResults=2, **({"nextToken": token} if token else {}))
        found += [one["name"] for one in page["schemas"]]
        assert len(page["schemas"]) <= 2
        token = page.get("nextToken")
        if token is None:
            break
    assert found == everything
    first = api.list_schemas(maxResults=1)["nextToken"]
    assert failure(api.list_dataset_groups, nextToken=first)[0] == "InvalidNextTokenException"
    assert failure(api.list_schemas, nextToken="nonsense")[0] == "InvalidNextTokenException"


def test_a_schema_that_breaks_a_rule_is_invalid(world: World) -> None:
    broken = schema("Interactions", {"name": "USER_ID", "type": "string"})
    code, message = failure(world.personalize.create_schema, name="broken", schema=broken)
    assert code == "InvalidInputException"
    assert "[ITEM_ID, TIMESTAMP]" in message


def test_a_dataset_must_fit_its_schema_group_and_type(world: World, group: str) -> None:
    api = world.personalize
    items = api.create_schema(name="fit-items", schema=ITEMS)["schemaArn"]
    given = {"name": "d", "datasetGroupArn": group, "schemaArn": items}
    assert "is of type ITEMS" in failure(api.create_dataset, **given, datasetType="Users")[1]
    assert failure(api.create_dataset, **given, datasetType="Things")[0] == "InvalidInputException"
    arn = api.create_dataset(**given, datasetType="items")["datasetArn"]
    assert arn.endswith(":dataset/data/ITEMS")
    world.active("dataset", arn)
    assert failure(api.create_dataset, **given, datasetType="Items")[0] == "ResourceAlreadyExistsException"
    assert failure(api.delete_schema, schemaArn=items)[0] == "ResourceInUseException"
    assert failure(api.delete_dataset_group, datasetGroupArn=group)[0] == "ResourceInUseException"


def test_a_dataset_of_a_domain_needs_a_schema_of_that_domain(world: World) -> None:
    api = world.personalize
    answer = api.create_dataset_group(name="shop-domain", domain="ECOMMERCE")
    assert answer["domain"] == "ECOMMERCE"
    world.active("dataset_group", answer["datasetGroupArn"])
    plain = api.create_schema(name="no-domain", schema=INTERACTIONS)["schemaArn"]
    code, message = failure(
        api.create_dataset,
        name="d",
        datasetGroupArn=answer["datasetGroupArn"],
        schemaArn=plain,
        datasetType="Interactions",
    )
    assert (code, "domain" in message) == ("InvalidInputException", True)


def test_things_are_deleted_from_the_inside_out(world: World) -> None:
    api = world.personalize
    dataset = new_dataset(world, "deleted")
    shown = api.describe_dataset(datasetArn=dataset)["dataset"]
    api.delete_dataset(datasetArn=dataset)
    world.gone("dataset", dataset)
    api.delete_schema(schemaArn=shown["schemaArn"])
    assert failure(api.describe_schema, schemaArn=shown["schemaArn"])[0] == "ResourceNotFoundException"
    api.delete_dataset_group(datasetGroupArn=shown["datasetGroupArn"])
    world.gone("dataset_group", shown["datasetGroupArn"])


def test_an_items_schema_may_gain_a_nullable_field_only(world: World) -> None:
    api = world.personalize
    dataset = new_dataset(world, "updated", "ITEMS", ITEMS)
    parsed = json.loads(ITEMS)
    parsed["fields"].append({"name": "COLOUR", "type": "string", "categorical": True})
    strict = api.create_schema(name="updated-2", schema=json.dumps(parsed))["schemaArn"]
    assert "COLOUR" in failure(api.update_dataset, datasetArn=dataset, schemaArn=strict)[1]
    parsed["fields"][-1]["type"] = ["null", "string"]
    wider = api.create_schema(name="updated-3", schema=json.dumps(parsed))["schemaArn"]
    api.update_dataset(datasetArn=dataset, schemaArn=wider)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        shown = api.describe_dataset(datasetArn=dataset)["dataset"]
        if shown["latestDatasetUpdate"]["status"] == "ACTIVE":
            break
    assert shown["schemaArn"] == wider
    assert shown["latestDatasetUpdate"]["schemaArn"] == wider


def test_an_interactions_schema_is_never_replaced(world: World) -> None:
    dataset = new_dataset(world, "fixed")
    other = world.personalize.create_schema(name="fixed-2", schema=INTERACTIONS)["schemaArn"]
    code, message = failure(world.personalize.update_dataset, datasetArn=dataset, schemaArn=other)
    assert (code, "can't be replaced" in message) == ("InvalidInputException", True)


IMPORT_FAILURES = {
    "missing column": (
        "USER_ID,ITEM_ID,TIMESTAMP\nu,i,1\n",
        "missing the following columns: [EVENT_TYPE, EVENT_VALUE]",
    ),
    "too few": ("USER_ID,ITEM_ID,EVENT_TYPE,EVENT_VALUE,TIMESTAMP\nu,i,click,,1\n", "at least 1000"),
    "wrong type": (
        interactions_csv().replace(",1700000000\n", ",yesterday\n"),
        "'yesterday' that is not of type long",
    ),
    "milliseconds": (
        interactions_csv().replace(",1700000000\n", ",1700000000000\n"),
        "not in Unix epoch time in seconds",
    ),
    "null": (interactions_csv().replace("u0,", ",", 1), "the schema does not allow null"),
    "not CSV": ('USER_ID,ITEM_ID,EVENT_TYPE,EVENT_VALUE,TIMESTAMP\n"a,b\n', "can't be parsed"),
}


@pytest.mark.parametrize("case", IMPORT_FAILURES)
def test_a_bad_file_fails_its_import_with_the_reason(world: World, role: str, case: str) -> None:
    text, reason = IMPORT_FAILURES[case]
    dataset = new_dataset(world, world.name("bad"))
    location = world.put(f"bad/{case}.csv", text)
    job = import_records(world, world.name("bad-import"), dataset, location, role)
    shown = world.settled("dataset_import_job", job)
    assert shown["status"] == "CREATE FAILED"
    assert reason in shown["failureReason"]
    listed = world.personalize.list_dataset_import_jobs(datasetArn=dataset)["datasetImportJobs"]
    assert [one["failureReason"] for one in listed] == [shown["failureReason"]]


def test_a_location_that_is_not_there_or_not_s3_is_refused(world: World, role: str) -> None:
    dataset = new_dataset(world, "nowhere")
    job = import_records(world, "nowhere-import", dataset, f"s3://{BUCKET}/nowhere/", role)
    assert "Invalid Data location" in world.settled("dataset_import_job", job)["failureReason"]
    with pytest.raises(ClientError, match="Invalid Data location"):
        import_records(world, "not-s3", dataset, "https://example.com/a.csv", role)


def test_a_folder_of_files_is_imported_and_incremental_adds(world: World, role: str) -> None:
    dataset = new_dataset(world, "incremental")
    text = interactions_csv()
    header, *rows = text.splitlines()
    for number, part in enumerate((rows[:900], rows[900:])):
        world.put(f"parts/{number}.csv", "\n".join([header, *part]) + "\n")
    world.active("dataset_import_job", import_records(world, "full", dataset, f"s3://{BUCKET}/parts", role))
    assert exported_rows(world, dataset, role, "BULK") == len(set(rows))
    more = world.put("more.csv", interactions_csv(seed=2))
    job = import_records(world, "more", dataset, more, role, importMode="INCREMENTAL")
    assert world.active("dataset_import_job", job)["importMode"] == "INCREMENTAL"
    together = {*rows, *interactions_csv(seed=2).splitlines()[1:]}
    assert exported_rows(world, dataset, role, "BULK") == len(together)
    world.active("dataset_import_job", import_records(world, "again", dataset, more, role))
    assert exported_rows(world, dataset, role, "BULK") == len(set(interactions_csv(seed=2).splitlines()[1:]))


def test_what_a_committer_leaves_beside_its_parts_is_imported_too_and_fails_it(
    world: World, role: str
) -> None:
    dataset = new_dataset(world, "committed")
    world.put("committed/0.csv", interactions_csv())
    world.put("committed/", "")
    world.put("committed/_SUCCESS", "")
    job = import_records(world, "committed", dataset, f"s3://{BUCKET}/committed", role)
    reason = world.settled("dataset_import_job", job)["failureReason"]
    assert "Input CSV is missing the following columns" in reason


def exported_rows(world: World, dataset: str, role: str, mode: str) -> int:
    return len(exported(world, dataset, role, mode).splitlines()) - 1


def exported(world: World, dataset: str, role: str, mode: str) -> str:
    name = world.name("export")
    arn = world.personalize.create_dataset_export_job(
        jobName=name,
        datasetArn=dataset,
        ingestionMode=mode,
        roleArn=role,
        jobOutput={"s3DataDestination": {"path": f"s3://{BUCKET}/{name}/"}},
    )["datasetExportJobArn"]
    world.active("dataset_export_job", arn)
    return world.get(f"{name}/{name}.csv")


def test_more_than_five_imports_at_a_time_exceed_the_limit(world: World, role: str) -> None:
    dataset = new_dataset(world, "many")
    location = world.put("many.csv", interactions_csv())
    with pytest.raises(ClientError) as caught:
        for number in range(60):
            import_records(world, f"many-{number}", dataset, location, role)
    error = caught.value.response["Error"]
    assert error["Code"] == "LimitExceededException"
    assert error["Message"] == "More than 5 resources with PENDING or IN_PROGRESS status."
    assert failure(world.personalize.delete_dataset, datasetArn=dataset)[0] == "ResourceInUseException"
    for job in world.personalize.list_dataset_import_jobs(datasetArn=dataset)["datasetImportJobs"]:
        world.active("dataset_import_job", job["datasetImportJobArn"])


def test_deleted_users_leave_bulk_and_streamed_records(world: World, role: str) -> None:
    shop = make_shop(world, role, "forget", kinds=("INTERACTIONS", "USERS"))
    users = shop.datasets["USERS"]
    world.events.put_users(datasetArn=users, users=[{"userId": "u7", "properties": '{"age": 41}'}])
    world.put("forget.csv", "USER_ID\nu7\nnobody\n")
    arn = world.personalize.create_data_deletion_job(
        jobName="forget-u7",
        datasetGroupArn=shop.group,
        dataSource={"dataLocation": f"s3://{BUCKET}/forget.csv"},
        roleArn=role,
    )["dataDeletionJobArn"]
    shown = world.settled("data_deletion_job", arn)
    assert (shown["status"], shown["numDeleted"]) == ("COMPLETED", 30 + 1 + 1)
    assert "u7," not in exported(world, shop.datasets["INTERACTIONS"], role, "ALL")
    assert "u7," not in exported(world, users, role, "ALL")
    assert len(exported(world, users, role, "ALL").splitlines()) == 1 + 59
    assert "u8," in exported(world, users, role, "ALL")


def test_a_deletion_list_of_another_form_fails(world: World, shop: Shop) -> None:
    world.put("wrong.csv", "USER\nu7\n")
    arn = world.personalize.create_data_deletion_job(
        jobName="wrong-list",
        datasetGroupArn=shop.group,
        dataSource={"dataLocation": f"s3://{BUCKET}/wrong.csv"},
        roleArn=shop.role,
    )["dataDeletionJobArn"]
    shown = world.settled("data_deletion_job", arn)
    assert shown["status"] == "FAILED"
    assert "USER_ID" in shown["failureReason"]


def test_put_records_are_exported_apart_from_bulk_ones(world: World, role: str) -> None:
    dataset = new_dataset(world, "put-items", "ITEMS", ITEMS)
    put = world.events.put_items
    put(datasetArn=dataset, items=[{"itemId": "a", "properties": '{"price": 3, "genre": "x|y"}'}])
    put(datasetArn=dataset, items=[{"itemId": "a", "properties": '{"price": 4}'}])
    assert exported(world, dataset, role, "PUT").splitlines()[1:] == ["a,x|y,3.0,", "a,,4.0,"]
    assert exported(world, dataset, role, "ALL").splitlines()[1:] == ["a,,4.0,"]
    assert exported_rows(world, dataset, role, "BULK") == 0
    code, message = failure(put, datasetArn=dataset, items=[{"itemId": "b", "properties": '{"weight": 1}'}])
    assert (code, "weight" in message) == ("InvalidInputException", True)
    assert "PRICE" in failure(put, datasetArn=dataset, items=[{"itemId": "b"}])[1]
    wrong = {"datasetArn": dataset, "users": [{"userId": "u"}]}
    assert failure(world.events.put_users, **wrong)[0] == "InvalidInputException"


def test_of_a_put_and_an_imported_item_the_newer_one_counts(world: World, role: str) -> None:
    """Developer guide, "Importing bulk data with a dataset import job": a record of an id that is there replaces it."""
    dataset = new_dataset(world, "put-and-imported", "ITEMS", ITEMS)

    def put(item: str, price: int) -> None:
        properties = json.dumps({"price": price})
        world.events.put_items(datasetArn=dataset, items=[{"itemId": item, "properties": properties}])

    def import_items(name: str, mode: str, **prices: int) -> None:
        rows = "".join(f"{item},x,{price},\n" for item, price in prices.items())
        location = world.put(f"{name}.csv", "ITEM_ID,GENRE,PRICE,TITLE\n" + rows)
        job = import_records(world, name, dataset, location, role, importMode=mode)
        world.active("dataset_import_job", job)

    def now() -> dict[str, float]:
        rows = csv.DictReader(io.StringIO(exported(world, dataset, role, "ALL")))
        return {row["ITEM_ID"]: float(row["PRICE"]) for row in rows}

    put("put-alone", 1)
    put("both", 1)
    import_items("night-1", "FULL", both=2, bulk=2)
    assert now() == {"put-alone": 1, "both": 2, "bulk": 2}, "put items stay, and the import is newer"
    put("both", 3)
    put("bulk", 3)
    assert now() == {"put-alone": 1, "both": 3, "bulk": 3}
    import_items("night-2", "FULL", both=4)
    assert now() == {"put-alone": 1, "both": 4, "bulk": 3}, "an item that left the table stays as it was put"
    import_items("added", "INCREMENTAL", bulk=5)
    assert now() == {"put-alone": 1, "both": 4, "bulk": 5}


def test_a_role_that_personalize_may_not_assume_is_refused(world: World) -> None:
    dataset = new_dataset(world, "trust")
    role = make_role(world, "for-glue", service="glue.amazonaws.com")
    with pytest.raises(ClientError, match="InvalidInputException") as caught:
        import_records(world, "trust-import", dataset, f"s3://{BUCKET}/shop/INTERACTIONS.csv", role)
    assert role in str(caught.value)


def test_a_role_without_access_to_the_bucket_fails_the_import(world: World, shop: Shop) -> None:
    dataset = new_dataset(world, "denied")
    role = make_role(world, "no-s3", actions=("logs:PutLogEvents",))
    job = import_records(world, "denied-import", dataset, f"s3://{BUCKET}/shop/INTERACTIONS.csv", role)
    shown = world.settled("dataset_import_job", job)
    assert shown["status"] == "CREATE FAILED"
    assert "Insufficient privileges for accessing data in Amazon S3" in shown["failureReason"]


def test_a_bucket_policy_without_the_service_fails_the_import(world: World, role: str) -> None:
    world.s3.create_bucket(
        Bucket="no-policy", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
    )
    dataset = new_dataset(world, "unlisted")
    location = world.put("i.csv", interactions_csv(), bucket="no-policy")
    shown = world.settled(
        "dataset_import_job", import_records(world, "unlisted-import", dataset, location, role)
    )
    assert "Insufficient privileges for accessing data in Amazon S3" in shown["failureReason"]
    assert "bucket policy" in shown["failureReason"]


def test_tags_are_given_listed_and_removed(world: World) -> None:
    api = world.personalize
    arn = api.create_dataset_group(name="tagged", tags=[{"tagKey": "team", "tagValue": "a"}])[
        "datasetGroupArn"
    ]
    api.tag_resource(resourceArn=arn, tags=[{"tagKey": "stage", "tagValue": "dev"}])
    assert api.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"tagKey": "stage", "tagValue": "dev"},
        {"tagKey": "team", "tagValue": "a"},
    ]
    api.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert [t["tagKey"] for t in api.list_tags_for_resource(resourceArn=arn)["tags"]] == ["stage"]
    many = [{"tagKey": f"k{n}", "tagValue": ""} for n in range(50)]
    assert failure(api.tag_resource, resourceArn=arn, tags=many)[0] == "TooManyTagsException"
    reserved = [{"tagKey": "aws:x", "tagValue": ""}]
    assert failure(api.tag_resource, resourceArn=arn, tags=reserved)[0] == "InvalidInputException"


def test_users_are_a_dataset_type_too(world: World) -> None:
    assert new_dataset(world, "people", "Users", USERS).endswith("/USERS")


def test_deletion_jobs_are_listed_by_group(world: World, shop: Shop) -> None:
    listed = world.personalize.list_data_deletion_jobs(datasetGroupArn=shop.group)["dataDeletionJobs"]
    assert all(job["datasetGroupArn"] == shop.group for job in listed)
    everything = world.personalize.list_data_deletion_jobs()["dataDeletionJobs"]
    assert len(everything) >= len(listed)
