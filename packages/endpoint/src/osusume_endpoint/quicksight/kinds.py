"""QuickSight's resource kinds: how each is named, identified and described."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from osusume_endpoint import wire

INGESTION_SECONDS = 2.0


@dataclass(frozen=True)
class Kind:
    name: str
    path: str  # of the ARN
    plural: str

    @staticmethod
    def ingestion() -> Kind:
        return Kind("Ingestion", "ingestion/", "Ingestions")

    @property
    def id_member(self) -> str:
        return "ScheduleId" if self.name == "RefreshSchedule" else f"{self.name}Id"

    @property
    def arn_member(self) -> str:
        return f"{self.name}Arn"

    @property
    def member(self) -> str:
        """The member of the Describe answer that holds the resource."""
        return self.name

    @property
    def list_operation(self) -> str:
        return f"List{self.plural}"

    @property
    def summaries(self) -> str:
        output: Any = wire.service_model("quicksight").operation_model(self.list_operation).output_shape
        return next(name for name, shape in output.members.items() if shape.type_name == "list")

    def identity(self, parameters: dict[str, Any]) -> str:
        if self.name == "RefreshSchedule":
            schedule = parameters.get("ScheduleId") or parameters["Schedule"]["ScheduleId"]
            return f"{parameters['DataSetId']}/refresh-schedule/{schedule}"
        return str(parameters[self.id_member])

    def parents(self, parameters: dict[str, Any]) -> Iterator[tuple[Kind, str]]:
        """What must exist: a source's connection, a data set's sources, a dashboard's data sets, anything's folders."""
        if self.name == "RefreshSchedule":
            yield KINDS["DataSet"], parameters["DataSetId"]
        for table in (parameters.get("PhysicalTableMap") or {}).values():
            for source in table.values():
                if source.get("DataSourceArn"):
                    yield KINDS["DataSource"], source["DataSourceArn"].rpartition("/")[2]
        for folder in parameters.get("FolderArns") or []:
            yield KINDS["Folder"], folder.rpartition("/")[2]
        if connection := (parameters.get("VpcConnectionProperties") or {}).get("VpcConnectionArn"):
            yield KINDS["VPCConnection"], connection.rpartition("/")[2]
        for declared in (parameters.get("Definition") or {}).get("DataSetIdentifierDeclarations", []):
            yield KINDS["DataSet"], declared["DataSetArn"].rpartition("/")[2]

    def arn(self, region: str, account: str, identity: str) -> str:
        return f"arn:aws:quicksight:{region}:{account}:{self.path}{identity}"

    def described(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """What the Describe answer repeats of the parameters."""
        if self.name == "RefreshSchedule":
            schedule = {**parameters["Schedule"], "_data_set": parameters["DataSetId"]}
            start = schedule.get("StartAfterDateTime")
            return schedule | (
                {"StartAfterDateTime": start.timestamp()} if hasattr(start, "timestamp") else {}
            )
        members = self._described_shape.members
        return {k: v for k, v in parameters.items() if k in members}

    @property
    def _described_shape(self) -> Any:
        output: Any = wire.service_model("quicksight").operation_model(f"Describe{self.name}").output_shape
        return output.members[self.member]

    def output(self, record: dict[str, Any]) -> dict[str, Any]:
        shape = self._described_shape
        shown = {k: v for k, v in record.items() if k in shape.members and k != "Version"}
        if "Version" in shape.members and self.name in ("Dashboard", "Template", "Theme"):
            shown["Version"] = {
                "VersionNumber": 1,
                "Status": "CREATION_SUCCESSFUL",
                "CreatedTime": record["CreatedTime"],
            }
        return shown

    def summary(self, record: dict[str, Any]) -> dict[str, Any]:
        output: Any = wire.service_model("quicksight").operation_model(self.list_operation).output_shape
        members = output.members[self.summaries].member.members
        return {k: v for k, v in record.items() if k in members}


KINDS = {
    kind.name: kind
    for kind in (
        Kind("DataSource", "datasource/", "DataSources"),
        Kind("DataSet", "dataset/", "DataSets"),
        Kind("Analysis", "analysis/", "Analyses"),
        Kind("Dashboard", "dashboard/", "Dashboards"),
        Kind("Template", "template/", "Templates"),
        Kind("Theme", "theme/", "Themes"),
        Kind("RefreshSchedule", "dataset/", "RefreshSchedules"),
        Kind("VPCConnection", "vpcConnection/", "VPCConnections"),
        Kind("Folder", "folder/", "Folders"),
    )
}
