from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from osusume_endpoint import service, validation, wire
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError


def request(
    *, method: str = "POST", path: str = "/", target: str = "", body: Any = None, query: Any = None
) -> wire.Request:
    headers = {"x-amz-target": target} if target else {}
    return wire.Request(method, path, headers, json.dumps(body).encode() if body else b"", query or {})


def test_a_json_operation_is_named_by_its_target() -> None:
    named = request(target="AmazonPersonalize.CreateSolution")
    assert wire.operation_name("personalize", named) == "CreateSolution"
    assert wire.operation_name("personalize", request(target="AWSGlue.CreateJob")) is None


def test_a_rest_operation_is_named_by_method_and_path() -> None:
    path = "/accounts/1/data-sets/d/ingestions/i"
    assert wire.operation_name("quicksight", request(method="PUT", path=path)) == "CreateIngestion"
    assert wire.operation_name("quicksight", request(method="GET", path=path)) == "DescribeIngestion"
    assert wire.operation_name("quicksight", request(method="PATCH", path="/nowhere")) is None


def test_path_query_and_body_become_one_set_of_parameters() -> None:
    path = "/accounts/111111111111/data-sets/d%20s/ingestions/i"
    parsed = wire.parse(
        "quicksight",
        "CreateIngestion",
        request(method="PUT", path=path, body={"IngestionType": "FULL_REFRESH"}),
    )
    assert parsed == {
        "AwsAccountId": "111111111111",
        "DataSetId": "d s",
        "IngestionId": "i",
        "IngestionType": "FULL_REFRESH",
    }


def test_wire_timestamps_and_blobs_become_python_values_and_back() -> None:
    sent = {"TableArn": "t", "S3Bucket": "b", "ExportTime": 1_700_000_000}
    parsed = wire.parse("dynamodb", "ExportTableToPointInTime", request(body=sent))
    assert parsed["ExportTime"] == datetime.fromtimestamp(1_700_000_000, UTC)
    described = {"ExportDescription": {"ExportTime": parsed["ExportTime"]}}
    _, _, body = wire.respond("dynamodb", "DescribeExport", described)
    assert json.loads(body) == {"ExportDescription": {"ExportTime": 1_700_000_000}}


def test_a_body_that_is_no_json_is_a_serialization_error() -> None:
    broken = wire.Request("POST", "/", {}, b"{", {})
    with pytest.raises(ApiError) as raised:
        wire.parse("personalize", "CreateSolution", broken)
    assert raised.value.code == "SerializationException"


def shape(operation: str, kind: str = "input") -> Any:
    model = wire.service_model("personalize").operation_model(operation)
    return model.input_shape if kind == "input" else model.output_shape


def test_missing_required_parameters_and_broken_patterns_are_named() -> None:
    with pytest.raises(ApiError) as raised:
        validation.check_parameters(shape("CreateDatasetGroup"), {"name": "no blanks please", "roleArn": "r"})
    assert raised.value.code == "ValidationException"
    assert "Value 'no blanks please' at 'name'" in raised.value.message
    assert "Value 'r' at 'roleArn'" in raised.value.message
    with pytest.raises(ApiError, match="Value null at 'name'"):
        validation.check_parameters(shape("CreateDatasetGroup"), {})


def test_a_result_boto3_could_not_have_received_is_invalid() -> None:
    output = shape("DescribeSchema", "output")
    validation.check_result(output, {"schema": {"name": "n"}}, operation="DescribeSchema")
    for wrong in ({"schema": {"colour": "red"}}, {"schema": {"name": 1}}, {"scheme": {}}):
        with pytest.raises(validation.ResponseInvalid):
            validation.check_result(output, wrong, operation="DescribeSchema")


def test_a_misspelt_operation_is_refused_when_the_service_is_added() -> None:
    here = Endpoint(url="", port=0, region="r", account="1", home=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="CreateSolutoin"):
        service.add_service(
            name="personalize",
            operations={"CreateSolutoin": lambda context, parameters: {}},
            resource_arn=lambda operation, parameters: None,
            endpoint=here,
        )


def test_a_service_of_another_protocol_is_refused() -> None:
    here = Endpoint(url="", port=0, region="r", account="1", home=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rest-xml"):
        service.override_operations(
            name="s3", operations={"PutObject": lambda context, parameters: {}}, endpoint=here
        )
