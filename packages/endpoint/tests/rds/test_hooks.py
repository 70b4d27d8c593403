"""What we rely on inside ministack: a new version that changes it fails here, by name."""

from __future__ import annotations

import inspect

from ministack.services import rds
from ministack.services.cloudformation import provisioners


def test_cluster_and_instance_have_handlers_to_wrap() -> None:
    for kind in ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance"):
        assert {"create", "update", "delete"} <= set(provisioners._RESOURCE_HANDLERS[kind])


def test_a_created_cluster_is_a_record_whose_attributes_follow_its_fields() -> None:
    properties = {"Engine": "aurora-postgresql", "DatabaseName": "d", "EnableHttpEndpoint": "true"}
    identifier, _ = provisioners._rds_db_cluster_create("Cluster", properties, "hooks")
    try:
        cluster = rds._clusters[identifier]
        assert cluster["DBClusterIdentifier"] == identifier and cluster["DBClusterArn"].endswith(identifier)
        assert cluster["HttpEndpointEnabled"] is True
        cluster |= {"Endpoint": "127.0.0.1", "ReaderEndpoint": "127.0.0.1", "Port": 4711}
        attributes = provisioners._rds_db_cluster_attrs(cluster)
        assert (attributes["Endpoint.Address"], attributes["Endpoint.Port"]) == ("127.0.0.1", "4711")
        connection = provisioners._sm_target_connection("AWS::RDS::DBCluster", identifier)
        assert connection == {"engine": "postgres", "host": "127.0.0.1", "port": 4711, "dbname": "d"}
    finally:
        provisioners._rds_db_cluster_delete(identifier, properties)
    assert identifier not in rds._clusters


def test_restored_clusters_pass_through_the_function_we_wrap() -> None:
    assert list(inspect.signature(rds.load_persisted_state).parameters) == ["data"]
    assert inspect.signature(rds._restore_state).parameters["resume_runtime"].default is False
    assert isinstance(rds._clusters._data, dict)
