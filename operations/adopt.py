"""Gives a retained warehouse's administrator the password of the new secret, after the deployment that found it.

CloudFormation adopts the namespace by its name (`--import-existing-resources`) and changes nothing of it.
"""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from operations.place import Place, absent, say


def adopt_warehouse(place: Place) -> bool:
    """Whether a warehouse was older than its secret."""
    client, name = place.client("redshift-serverless"), place.names.warehouse
    try:
        namespace = client.get_namespace(namespaceName=name)["namespace"]
        secret = place.client("secretsmanager").describe_secret(SecretId=place.names.warehouse_secret)
    except ClientError as error:
        if absent(error):
            return False
        raise
    if namespace["creationDate"] >= secret["CreatedDate"]:
        return False
    text = place.client("secretsmanager").get_secret_value(SecretId=secret["ARN"])["SecretString"]
    value = json.loads(text)
    client.update_namespace(
        namespaceName=name, adminUsername=value["username"], adminUserPassword=value["password"]
    )
    say(f"The warehouse {name} was retained: its administrator has the password of {secret['Name']}")
    return True
