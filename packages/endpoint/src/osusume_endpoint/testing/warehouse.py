"""A deployed warehouse, and statements run on it to their end."""

from __future__ import annotations

from typing import Any

from osusume_endpoint.testing.cloud import Cloud, wait_for

NAMESPACE = {"NamespaceName": "analytics", "DbName": "analytics", "AdminUsername": "warehouse_admin"}
ENDED = ("FINISHED", "FAILED", "ABORTED")


class Warehouse:
    def __init__(self, cloud: Cloud, secret: str, role: str) -> None:
        self.cloud, self.secret, self.role = cloud, secret, role

    def run(self, *sqls: str, as_role: str = "", **options: Any) -> dict[str, Any]:
        """The ended statement. As the admin, or as a role through IAM."""
        client = self.cloud.client("redshift-data", as_role)
        where: dict[str, Any] = {"WorkgroupName": "analytics", "Database": "analytics", **options}
        if not as_role:
            where["SecretArn"] = self.secret
        if len(sqls) == 1:
            answer = client.execute_statement(Sql=sqls[0], **where)
        else:
            answer = client.batch_execute_statement(Sqls=list(sqls), **where)
        look = lambda: client.describe_statement(Id=answer["Id"])  # noqa: E731
        return wait_for(look, lambda seen: seen["Status"] in ENDED)

    def rows(self, sql: str) -> list[list[Any]]:
        ended = self.run(sql)
        assert ended["Status"] == "FINISHED", ended.get("Error")
        records = self.cloud.client("redshift-data").get_statement_result(Id=ended["Id"])["Records"]
        return [
            [None if "isNull" in field else next(iter(field.values())) for field in row] for row in records
        ]

    def ok(self, *sqls: str) -> dict[str, Any]:
        ended = self.run(*sqls)
        assert ended["Status"] == "FINISHED", ended.get("Error")
        return ended

    def error(self, *sqls: str, **options: Any) -> str:
        ended = self.run(*sqls, **options)
        assert ended["Status"] == "FAILED"
        return str(ended["Error"])


def deploy(cloud: Cloud) -> Warehouse:
    cloud.bucket("warehouse-lake")
    role = cloud.role(
        "copy-role",
        service="redshift.amazonaws.com",
        actions=["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
        resource=["arn:aws:s3:::warehouse-lake", "arn:aws:s3:::warehouse-lake/*"],
    )
    properties = {**NAMESPACE, "ManageAdminPassword": True, "IamRoles": [role], "DefaultIamRoleArn": role}
    resources = {
        "Namespace": {"Type": "AWS::RedshiftServerless::Namespace", "Properties": properties},
        "Workgroup": {
            "Type": "AWS::RedshiftServerless::Workgroup",
            "DependsOn": "Namespace",
            "Properties": {"WorkgroupName": "analytics", "NamespaceName": "analytics", "BaseCapacity": 8},
        },
    }
    secret = {"Secret": {"Fn::GetAtt": ["Namespace", "Namespace.AdminPasswordSecretArn"]}}
    return Warehouse(cloud, cloud.deploy("analytics", resources, secret)["Secret"], role)
