"""AWS::ApiGateway::RequestValidator, which ministack's CloudFormation accepts without making one."""

from __future__ import annotations

from typing import Any

from osusume_endpoint import endpoint as endpoints

Created = tuple[str, dict[str, Any]]


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def create_validator(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
    validator = (
        endpoints.current()
        .client("apigateway")
        .create_request_validator(
            restApiId=properties["RestApiId"],
            name=properties.get("Name", logical_id),
            validateRequestBody=_is_true(properties.get("ValidateRequestBody")),
            validateRequestParameters=_is_true(properties.get("ValidateRequestParameters")),
        )
    )
    return validator["id"], {"RequestValidatorId": validator["id"]}


def update_validator(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Created:
    flags = {
        "/validateRequestBody": new.get("ValidateRequestBody"),
        "/validateRequestParameters": new.get("ValidateRequestParameters"),
    }
    endpoints.current().client("apigateway").update_request_validator(
        restApiId=new["RestApiId"],
        requestValidatorId=physical_id,
        patchOperations=[
            {"op": "replace", "path": path, "value": str(_is_true(value)).lower()}
            for path, value in flags.items()
        ],
    )
    return physical_id, {"RequestValidatorId": physical_id}


def delete_validator(physical_id: str, properties: dict[str, Any]) -> None:
    endpoints.current().client("apigateway").delete_request_validator(
        restApiId=properties["RestApiId"], requestValidatorId=physical_id
    )


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::ApiGateway::RequestValidator": {
        "create": create_validator,
        "update": update_validator,
        "delete": delete_validator,
        "replace_on": ["RestApiId", "Name"],
    }
}
