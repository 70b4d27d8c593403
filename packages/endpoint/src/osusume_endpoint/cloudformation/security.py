"""Security types: Glue's encryption settings, WAF's association with a stage."""

from __future__ import annotations

from typing import Any

from osusume_endpoint import endpoint as endpoints

Created = tuple[str, dict[str, Any]]


def create_glue_security(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
    encryption = dict(properties["EncryptionConfiguration"])
    if "S3Encryptions" in encryption:  # the template's name of the API's S3Encryption
        encryption["S3Encryption"] = encryption.pop("S3Encryptions")
    endpoints.current().client("glue").create_security_configuration(
        Name=properties["Name"], EncryptionConfiguration=encryption
    )
    return properties["Name"], {}


def delete_glue_security(physical_id: str, properties: dict[str, Any]) -> None:
    endpoints.current().client("glue").delete_security_configuration(Name=physical_id)


def associate_web_acl(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
    endpoints.current().client("wafv2").associate_web_acl(
        WebACLArn=properties["WebACLArn"], ResourceArn=properties["ResourceArn"]
    )
    return f"{properties['WebACLArn']}|{properties['ResourceArn']}", {}


def disassociate_web_acl(physical_id: str, properties: dict[str, Any]) -> None:
    endpoints.current().client("wafv2").disassociate_web_acl(ResourceArn=physical_id.split("|")[1])


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::Glue::SecurityConfiguration": {
        "create": create_glue_security,
        "delete": delete_glue_security,
        "replace_on": ["Name", "EncryptionConfiguration"],
    },
    "AWS::WAFv2::WebACLAssociation": {
        "create": associate_web_acl,
        "delete": disassociate_web_acl,
        "replace_on": ["ResourceArn", "WebACLArn"],
    },
}
