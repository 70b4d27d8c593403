from __future__ import annotations

from typing import Any

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, caller, error_of, eventually, name
from tests.cloudformation.test_types import deploy, resource


def data_set(cloud: Endpoint, source: str, **changes: Any) -> dict[str, Any]:
    arn = f"arn:aws:quicksight:{cloud.region}:{cloud.account}:datasource/{source}"
    table = {"DataSourceArn": arn, "Schema": "marts", "Name": "t"}
    columns = [{"Name": "a", "Type": "STRING"}]
    return {
        "AwsAccountId": cloud.account,
        "DataSetId": name("set"),
        "Name": "d",
        "ImportMode": "SPICE",
        "PhysicalTableMap": {"t": {"RelationalTable": {**table, "InputColumns": columns}}},
        **changes,
    }


def source(cloud: Endpoint) -> str:
    identity = name("source")
    cloud.client("quicksight").create_data_source(
        AwsAccountId=cloud.account, DataSourceId=identity, Name="s", Type="REDSHIFT"
    )
    return identity


def test_a_spice_refresh_runs_and_completes(cloud: Endpoint) -> None:
    client, wanted = cloud.client("quicksight"), data_set(cloud, source(cloud))
    client.create_data_set(**wanted)
    ids = {"AwsAccountId": cloud.account, "DataSetId": wanted["DataSetId"], "IngestionId": "i1"}
    assert client.create_ingestion(**ids)["IngestionStatus"] == "INITIALIZED"
    eventually(lambda: client.describe_ingestion(**ids)["Ingestion"]["IngestionStatus"] == "COMPLETED")
    assert error_of(lambda: client.create_ingestion(**ids))[0] == "ResourceExistsException"


def test_a_data_set_of_a_missing_source_is_refused(cloud: Endpoint) -> None:
    call = lambda: cloud.client("quicksight").create_data_set(**data_set(cloud, "nowhere"))  # noqa: E731
    assert error_of(call)[0] == "ResourceNotFoundException"


def test_an_operation_without_a_function_answers_its_name(cloud: Endpoint) -> None:
    client = cloud.client("quicksight")
    code, message = error_of(lambda: client.list_users(AwsAccountId=cloud.account, Namespace="default"))
    assert code == "NotEmulated"
    assert "quicksight:ListUsers" in message


def test_policies_are_matched_against_the_data_set(cloud: Endpoint) -> None:
    wanted = data_set(cloud, source(cloud))
    cloud.client("quicksight").create_data_set(**wanted)
    prefix = f"arn:aws:quicksight:{cloud.region}:{cloud.account}:dataset"
    ids = {"AwsAccountId": cloud.account, "DataSetId": wanted["DataSetId"]}
    allowed = caller(cloud, allow("quicksight:DescribeDataSet", resource=f"{prefix}/{wanted['DataSetId']}"))
    assert allowed("quicksight").describe_data_set(**ids)["DataSet"]["Name"] == "d"
    other = caller(cloud, allow("quicksight:DescribeDataSet", resource=f"{prefix}/other"))
    code, message = error_of(lambda: other("quicksight").describe_data_set(**ids))
    assert code == "AccessDeniedException"
    assert f"{prefix}/{wanted['DataSetId']}" in message


def test_broken_constraints_are_listed_as_aws_lists_them(cloud: Endpoint) -> None:
    client = cloud.client("quicksight")
    code, message = error_of(
        lambda: client.create_data_source(
            AwsAccountId="abcdefghijkl", DataSourceId="d", Name="s", Type="ABACUS"
        )
    )
    assert code == "ValidationException"
    assert message.startswith("2 validation errors detected: Value 'abcdefghijkl' at 'AwsAccountId'")
    assert (
        "Value 'ABACUS' at 'Type' failed to satisfy constraint: Member must satisfy enum value set" in message
    )


def test_a_template_with_an_unknown_property_fails(cloud: Endpoint) -> None:
    wanted = resource("QuickSight::DataSource", DataSourceId=name(), Name="n", Type="REDSHIFT", Colour="red")
    try:
        deploy(cloud, name("stack"), {"D": wanted})
    except AssertionError as failure:
        assert "has no property Colour" in str(failure)
    else:
        raise AssertionError("an unknown property deployed")


def test_a_template_makes_everything_that_a_dashboard_needs(cloud: Endpoint) -> None:
    """Each thing names what it stands on: a missing one is refused."""
    at = lambda logical_id: {"Fn::GetAtt": [logical_id, "Arn"]}  # noqa: E731
    connection = {
        "SubnetIds": ["subnet-1", "subnet-2"],
        "SecurityGroupIds": ["sg-1"],
        "RoleArn": "arn:aws:iam::1:role/r",
    }
    table = {
        "DataSourceArn": at("S"),
        "Schema": "m",
        "Name": "t",
        "InputColumns": [{"Name": "d", "Type": "DATETIME"}],
    }
    window = {"LookbackWindow": {"ColumnName": "d", "Size": 7, "SizeUnit": "DAY"}}
    daily = {"Interval": "DAILY", "TimeOfTheDay": "07:00", "TimeZone": "Asia/Tokyo"}
    schedule = {"ScheduleId": "daily", "RefreshType": "INCREMENTAL_REFRESH", "ScheduleFrequency": daily}
    identity = name("d")
    stack = {
        "F": resource("QuickSight::Folder", FolderId=identity, Name="f", FolderType="SHARED"),
        "C": resource("QuickSight::VPCConnection", VPCConnectionId=identity, Name="c", **connection),
        "S": resource(
            "QuickSight::DataSource",
            DataSourceId=identity,
            Name="s",
            Type="REDSHIFT",
            VpcConnectionProperties={"VpcConnectionArn": at("C")},
        ),
        "D": resource(
            "QuickSight::DataSet",
            DataSetId=identity,
            Name="d",
            ImportMode="SPICE",
            PhysicalTableMap={"t": {"RelationalTable": table}},
            DataSetRefreshProperties={"RefreshConfiguration": {"IncrementalRefresh": window}},
            IngestionWaitPolicy={"WaitForSpiceIngestion": False},
            FolderArns=[at("F")],
        ),
        "R": resource("QuickSight::RefreshSchedule", DataSetId={"Ref": "D"}, Schedule=schedule),
    }
    deploy(cloud, name("stack"), stack)
    client, account = cloud.client("quicksight"), {"AwsAccountId": cloud.account}
    assert client.describe_folder(**account, FolderId=identity)["Folder"]["FolderType"] == "SHARED"
    found = client.describe_vpc_connection(**account, VPCConnectionId=identity)["VPCConnection"]
    assert found["Status"] == "CREATION_SUCCESSFUL"
    (refresh,) = client.list_refresh_schedules(**account, DataSetId=identity)["RefreshSchedules"]
    assert refresh["ScheduleFrequency"]["Timezone"] == "Asia/Tokyo"
    call = lambda: client.create_data_source(  # noqa: E731
        **account,
        DataSourceId=name(),
        Name="s",
        Type="REDSHIFT",
        VpcConnectionProperties={"VpcConnectionArn": found["Arn"] + "gone"},
    )
    assert error_of(call)[0] == "ResourceNotFoundException"


def test_a_window_that_quicksight_does_not_know_fails_the_template(cloud: Endpoint) -> None:
    wanted = resource(
        "QuickSight::DataSet", DataSetId=name(), Name="d", DataSetRefreshProperties={"RefreshWindow": {}}
    )
    try:
        deploy(cloud, name("stack"), {"D": wanted})
    except AssertionError as failure:
        assert "has no property RefreshWindow" in str(failure)
    else:
        raise AssertionError("an unknown property deployed")
