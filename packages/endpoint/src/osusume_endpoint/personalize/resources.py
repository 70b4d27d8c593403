"""The ARN that a policy is matched against, for every operation.

From "Actions, resources, and condition keys for Amazon Personalize": lists, tagging and PutEvents support no
resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint.personalize.kinds import KINDS

_BY_PARAMETER: Mapping[str, str] = {
    "CreateSolutionVersion": "solutionArn",
    "StopSolutionVersionCreation": "solutionVersionArn",
    "GetSolutionMetrics": "solutionVersionArn",
    "DescribeRecipe": "recipeArn",
    "DescribeAlgorithm": "algorithmArn",
    "DescribeFeatureTransformation": "featureTransformationArn",
    "GetPersonalizedRanking": "campaignArn",
    "GetActionRecommendations": "campaignArn",
    "PutItems": "datasetArn",
    "PutUsers": "datasetArn",
    "PutActions": "datasetArn",
}
_VERBS = ("Describe", "Update", "Delete", "Start", "Stop")


def resource_arn(operation: str, parameters: Mapping[str, Any], *, region: str, account: str) -> str | None:
    """None where the action supports no resource ("*")."""
    if operation in _BY_PARAMETER:
        return parameters.get(_BY_PARAMETER[operation])
    if operation == "GetRecommendations":
        return parameters.get("campaignArn") or parameters.get("recommenderArn")
    for verb in _VERBS:
        kind = KINDS.get(operation.removeprefix(verb))
        if operation.startswith(verb) and kind is not None:
            return parameters.get(kind.arn_field)
    if operation.startswith("Create"):
        return _to_be(operation.removeprefix("Create"), parameters, prefix=f"{region}:{account}")
    return None


def _to_be(name: str, parameters: Mapping[str, Any], *, prefix: str) -> str | None:
    kind = KINDS.get(name)
    if kind is None:
        return None
    named = parameters.get(kind.name_field)
    if name == "Dataset":
        group = str(parameters.get("datasetGroupArn", "")).rpartition("/")[2]
        named = f"{group}/{str(parameters.get('datasetType', '')).upper()}"
    if name == "EventTracker":
        named = "*"  # its identifier is made by the service
    return f"arn:aws:personalize:{prefix}:{kind.path}/{named}"
