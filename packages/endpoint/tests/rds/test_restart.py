from __future__ import annotations

from pathlib import Path

from osusume_endpoint.testing import cloud as clouds
from tests.rds.test_data_api import OUTPUTS, RESOURCES


def test_cluster_rows_and_warehouse_survive_a_restart_of_the_endpoint(tmp_path: Path) -> None:
    namespace = {"namespaceName": "kept", "dbName": "kept", "adminUsername": "keeper"}
    with clouds.running(tmp_path) as cloud:
        shop = cloud.deploy("shop", RESOURCES, OUTPUTS)
        where = {"resourceArn": shop["Cluster"], "secretArn": shop["Secret"]}
        cloud.client("rds-data").execute_statement(**where, sql="create table kept as select 7 as n")
        cloud.client("redshift-serverless").create_namespace(**namespace)
    with clouds.running(tmp_path) as cloud:
        answer = cloud.client("rds-data").execute_statement(**where, sql="select n from kept")
        assert answer["records"] == [[{"longValue": 7}]]
        cluster = cloud.client("rds").describe_db_clusters()["DBClusters"][0]
        assert (cluster["Endpoint"], str(cluster["Port"])) == ("127.0.0.1", shop["InstancePort"])
        kept = cloud.client("redshift-serverless").get_namespace(namespaceName="kept")["namespace"]
        assert kept["adminUsername"] == "keeper"
