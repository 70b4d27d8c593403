"""AWS::SecretsManager::Secret as CloudFormation makes it: Ref is the ARN, names are <LogicalId>-<12 letters>.

ministack answers Ref with the name, and names it with the stack's prefix: CDK's `secret_name`, which cuts the
name out of the ARN at its hyphens, then breaks.
"""

from __future__ import annotations

import secrets
import string
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

Created = tuple[str, dict[str, Any]]
_ALPHABET = string.ascii_letters + string.digits


def _generated_name(logical_id: str) -> str:
    return f"{logical_id}-{''.join(secrets.choice(_ALPHABET) for _ in range(12))}"


def _name_of(arn: str) -> str:
    from ministack.services import secretsmanager

    return next((name for name, secret in secretsmanager._secrets.items() if secret["ARN"] == arn), arn)


def _named(properties: dict[str, Any], name: str) -> dict[str, Any]:
    named = {**properties, "Name": properties.get("Name") or name}
    generate = dict(named.get("GenerateSecretString") or {})
    if str(generate.get("ExcludePunctuation")).lower() == "true":
        generate["ExcludeCharacters"] = generate.get("ExcludeCharacters", "") + string.punctuation
        named["GenerateSecretString"] = generate
    return named


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::SecretsManager::Secret]",
    holds=dict,
)
def _naming(inner: dict[str, Any]) -> dict[str, Any]:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
        _, attributes = inner["create"](logical_id, _named(properties, _generated_name(logical_id)), stack)
        return attributes["Arn"], attributes

    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str | None = None
    ) -> Created:
        name = _name_of(physical_id)
        _, attributes = inner["update"](name, _named(old, name), _named(new, name), stack, logical_id)
        return attributes["Arn"], attributes

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        inner["delete"](_name_of(physical_id), properties)

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def install() -> None:
    replacements.apply(__name__)
